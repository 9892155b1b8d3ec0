#include <algorithm>
#include <utility>

#include "base/digest.h"
#include "ring/partition.h"
#include "simulations/world/mesh_world.h"
#include "wire/stored.h"

// What the nodes' disks show, and what they should.
namespace pixmesh {

PartitionId MeshWorld::partition_of_name(const std::string& name) const {
  return partition_of(name, settings().placement_key, settings().partition_bits);
}

bool MeshWorld::is_recovering(std::uint32_t node, PartitionId partition) {
  Bytes key = row_prefix(partition);
  key.push_back('r');
  return disk_of(node, partition).row(Table::lists, key).has_value();
}

std::uint64_t MeshWorld::stored_collected(std::uint32_t node, PartitionId partition) {
  const auto row = disk_of(node, partition).row(Table::collected, row_prefix(partition));
  return number_in_row(row.value_or(Bytes{}));
}

void MeshWorld::find_settings() const {
  for (const auto& machine : machines_) {
    if (settings_) return;
    settings_ = stored_settings(machine->number);
  }
}

std::optional<MeshSettings> MeshWorld::stored_settings(std::uint32_t node) const {
  const ByteView key = bytes_of("settings");
  const auto row = machines_[node]->state->row(Table::facts, Bytes(key.begin(), key.end()));
  return row ? std::optional(decode_settings(*row).value()) : std::nullopt;
}

MeshSettings MeshWorld::newest_settings() const {
  MeshSettings newest = settings();
  for (const std::uint32_t node : running()) {
    const auto stored = stored_settings(node);
    if (stored && newer(*stored, newest)) newest = *stored;
  }
  return newest;
}

const MeshSettings& MeshWorld::settings() const {
  find_settings();
  invariant(settings_.has_value(), "the mesh is founded");
  return *settings_;
}

std::optional<HolderLists> MeshWorld::stored_lists(std::uint32_t node, PartitionId partition) {
  const auto row = disk_of(node, partition).row(Table::lists, row_prefix(partition));
  return row ? std::optional(decode_lists(*row).value()) : std::nullopt;
}

std::optional<HolderSets> MeshWorld::stored_sets(std::uint32_t node, PartitionId partition) {
  const Bytes key{0, 0, static_cast<std::uint8_t>(partition.raw >> 8),
                  static_cast<std::uint8_t>(partition.raw), 's'};
  if (const auto row = disk_of(node, partition).row(Table::lists, key))
    return decode_sets(*row).value();
  const auto lists = stored_lists(node, partition);
  return lists ? std::optional(sets_of(*lists)) : std::nullopt;
}

std::optional<ImageRecord> MeshWorld::record_at(std::uint32_t node, const std::string& name) {
  const PartitionId partition = partition_of_name(name);
  const auto& records = disk_of(node, partition).records();
  const auto found = records.find({partition, name_digest_of(name)});
  if (found == records.end()) return std::nullopt;
  return decode_record(found->second.bytes).value();
}

std::vector<std::uint32_t> MeshWorld::keepers_of(const std::string& name) {
  std::vector<std::uint32_t> keepers;
  for (const std::uint32_t node : running()) {
    if (record_at(node, name)) keepers.push_back(node);
  }
  return keepers;
}

std::vector<std::string> MeshWorld::faults() {
  std::vector<std::string> all;
  for (std::uint32_t node = 0; node < node_count(); ++node) {
    for (const VirtualDisk* disk : disks(node)) {
      for (const std::string& fault : disk->faults()) {
        all.push_back("node " + std::to_string(node) + ": " + fault);
      }
    }
  }
  return all;
}

std::string MeshWorld::lists_text(const HolderLists& lists) const {
  const auto set = [this](const std::vector<NodeId>& nodes) {
    std::string text;
    for (const NodeId& id : nodes) {
      const auto machine =
          std::ranges::find(machines_, id, [](const auto& one) { return one->id; });
      text +=
          " " + (machine == machines_.end() ? short_text(id) : std::to_string((*machine)->number));
    }
    return text;
  };
  std::string text = "set " + std::to_string(lists.number) + " of" + set(lists.settled) + " to" +
                     set(lists.target) + ", lost " + std::to_string(lists.lost) +
                     (lists.awaits_evicted ? ", awaits evicted members" : "");
  for (const FormerSet& former : lists.earlier) text += ", perhaps of" + set(former.nodes);
  return text;
}

std::optional<MemberRecord> MeshWorld::stored_member(std::uint32_t node) {
  const std::string name = "member/" + to_text(id_of(node));
  const ByteView key = bytes_of(name);
  const auto row = machines_[node]->state->row(Table::facts, Bytes(key.begin(), key.end()));
  if (!row) return std::nullopt;
  auto record = decode_member(*row);
  return record ? std::optional(std::move(record).value()) : std::nullopt;
}

// An operator may have given it another one, which its own record then has.
std::uint32_t MeshWorld::weight_of_member(const NodeMachine& machine) {
  const auto record = stored_member(machine.number);
  return record ? record->weight : machine.weight;
}

const PlacementTable& MeshWorld::expected_placement() {
  std::vector<std::uint32_t> weights;
  std::vector<PlacementMember> members;
  for (const auto& machine : machines_) {
    weights.push_back(machine->is_member ? weight_of_member(*machine) : 0);
    if (machine->is_member) members.push_back({machine->id, weights.back(), machine->zone});
  }
  const std::uint32_t replicas = newest_settings().replicas;
  if (!placement_ || placed_ != weights || placed_replicas_ != replicas) {
    placed_ = std::move(weights);
    placed_replicas_ = replicas;
    placement_ = placement_cache_.of(std::move(members),
                                     {options_.partition_bits, replicas, settings().placement_key});
  }
  return *placement_;
}

bool MeshWorld::is_behind(std::uint32_t node) const {
  return std::ranges::any_of(disks(node), [](const auto* disk) { return disk->is_behind(); });
}

void MeshWorld::for_each_record(
    std::uint32_t node,
    const std::function<void(const VirtualDisk::Key&, const VirtualDisk::Record&)>& told) const {
  for (const VirtualDisk* disk : disks(node)) {
    for (const auto& [key, record] : disk->records()) {
      if (!is_stray(node, *disk, key.first)) told(key, record);
    }
  }
}

void MeshWorld::for_each_row(
    std::uint32_t node, Table table,
    const std::function<void(const Bytes& key, const Bytes& value)>& told) const {
  for (const VirtualDisk* disk : disks(node)) {
    for (const auto& [key, value] : disk->table(table).rows) {
      if (!is_stray(node, *disk, partition_in_row(key))) told(key, value);
    }
  }
}

// Each image is whole, or known to be lost; each partition is where it should be, and nowhere else.
std::vector<std::string> MeshWorld::unrest_of_disks(std::uint32_t node) const {
  std::vector<std::string> found;
  for (const VirtualDisk* disk : disks(node)) {
    for (const std::string& path : disk->rotten()) {
      if (!is_lost(path) || !disk->is_marked(path)) found.push_back(path + " is rotten");
    }
    const auto hopeless = std::ranges::count_if(
        lost_, [&](const std::string& path) { return disk->is_marked(path); });
    if (std::cmp_greater(disk->table(Table::damaged).rows.size(), hopeless)) {
      found.emplace_back("copies are marked as damaged");
    }
    if (disks(node).size() == 1) continue;
    for (const auto& [key, record] : disk->records()) {
      if (is_stray(node, *disk, key.first)) {
        found.push_back("a record of partition " + std::to_string(key.first.raw) + " is strayed");
      }
    }
  }
  const ByteView lies = bytes_of("lies/");
  const auto moving = machines_[node]->state->rows_with(Table::facts, {lies.begin(), lies.end()});
  if (!moving.rows.empty()) {
    found.push_back(std::to_string(moving.rows.size()) + " partitions are on another disk");
  }
  return found;
}

// At rest all running nodes have the same lists, these are settled, each partition's holders have
// the same records with their bytes, and nobody else has any.
std::vector<std::string> MeshWorld::unrest() {
  std::vector<std::string> found;
  find_settings();
  if (!settings_) return {"there is no mesh yet"};
  std::map<std::uint32_t, std::map<PartitionId, HolderLists>> lists;
  std::map<std::uint32_t, std::map<PartitionId, std::uint64_t>> sums;
  std::set<std::pair<std::uint32_t, PartitionId>> recovering;
  for (const std::uint32_t node : running()) {
    for_each_row(node, Table::lists, [&](const Bytes& key, const Bytes& value) {
      const PartitionId partition = partition_in_row(key);
      if (key.size() == 5 && key[4] == 'r') recovering.insert({node, partition});
      if (key.size() == 4) lists[node][partition] = decode_lists(value).value();
    });
    for (const VirtualDisk* disk : disks(node)) {
      for (const PartitionSummary& part : disk->summary().partitions) {
        if (!is_stray(node, *disk, part.partition)) sums[node][part.partition] = part.fingerprint;
      }
    }
    for (const std::string& what : unrest_of_disks(node)) {
      found.push_back("node " + std::to_string(node) + ": " + what);
    }
  }
  const PlacementTable& expected = expected_placement();
  for (std::uint32_t raw = 0; raw < expected.partition_count(); ++raw) {
    const PartitionId partition{raw};
    const std::vector<NodeId> owners = expected.owners_of(partition);
    std::optional<HolderLists> common;
    std::optional<std::uint64_t> sum;
    for (const std::uint32_t node : running()) {
      const auto tell = [&](const std::string& what) {
        found.push_back("partition " + std::to_string(raw) + " at node " + std::to_string(node) +
                        ": " + what);
      };
      const auto own = lists[node].find(partition);
      const auto records = sums[node].find(partition);
      const bool has_records = records != sums[node].end();
      if (!contains(owners, id_of(node))) {
        if (has_records) tell("records of a partition that is not its own");
        if (own != lists[node].end()) {
          tell("lists of a partition that is not its own, " + lists_text(own->second));
        }
        continue;
      }
      if (own == lists[node].end()) {
        tell("no lists");
        continue;
      }
      if (recovering.contains({node, partition})) tell("recovering");
      if (own->second.target != owners) {
        tell("another target set, " + lists_text(own->second) + ", not of" +
             lists_text({{}, 0, owners, 0}));
      }
      if (!own->second.is_settled()) tell("not settled, " + lists_text(own->second));
      if (common && *common != own->second) {
        tell("other lists than another holder: " + lists_text(own->second) + ", not " +
             lists_text(*common));
      }
      const std::uint64_t own_sum = has_records ? records->second : 0;
      if (sum && *sum != own_sum) tell("other records than another holder");
      common = own->second;
      sum = own_sum;
    }
  }
  return found;
}

}  // namespace pixmesh

#include "ring/placement.h"

#include <algorithm>
#include <utility>

#include "base/invariant.h"
#include "base/limits.h"
#include "ring/acceptance.h"
#include "ring/calibration.h"
#include "ring/keys.h"
#include "ring/preferences.h"
#include "ring/repair.h"
#include "ring/shares.h"

namespace pixmesh {
namespace {

constexpr std::size_t few_members = 32;  // 4 MiB of kept draws at 2^14 partitions

void check(const std::vector<PlacementMember>& sorted, const PlacementOptions& options) {
  invariant(options.partition_bits >= 1 && options.partition_bits <= partition_bits_max,
            "a mesh has between 2 and 2^16 partitions");
  invariant(options.replicas >= 1 && options.replicas <= replicas_max,
            "a mesh keeps between 1 and 8 replicas");
  invariant(sorted.size() <= members_max, "a mesh has at most members_max members");
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    invariant(sorted[i].weight >= 1 && sorted[i].weight <= weight_max, "a weight is 1 to 255");
    invariant(i == 0 || sorted[i - 1].node < sorted[i].node, "each node is a member once");
  }
}

Keys calibrated_keys(const std::vector<PlacementMember>& sorted, const Shares& shares,
                     std::uint64_t mesh_key) {
  Keys keys(sorted, mesh_key);
  if (sorted.size() <= few_members) keys.keep_draws(shares.partition_count);
  const std::vector<std::int64_t> offsets = zone_offsets_of(shares, keys);
  for (std::size_t node = 0; node < sorted.size(); ++node) {
    keys.shift(static_cast<std::uint16_t>(node), offsets[shares.zone_of[node]]);
  }
  return keys;
}

}  // namespace

PlacementTable::PlacementTable() = default;

std::span<const std::uint16_t> PlacementTable::row_of(PartitionId partition) const {
  invariant(partition.raw < partition_count(), "a partition is one of the table's");
  return std::span(rows_).subspan(static_cast<std::size_t>(partition.raw) * replicas_, replicas_);
}

std::vector<NodeId> PlacementTable::owners_of(PartitionId partition) const {
  std::vector<NodeId> owners;
  for (const std::uint16_t index : row_of(partition)) owners.push_back(nodes_[index]);
  return owners;
}

bool PlacementTable::owns(NodeId node, PartitionId partition) const {
  const std::span<const std::uint16_t> row = row_of(partition);
  return std::ranges::any_of(row, [&](std::uint16_t index) { return nodes_[index] == node; });
}

std::uint64_t PlacementTable::target_of(NodeId node) const {
  const std::size_t index = index_of(node);
  return index < nodes_.size() ? targets_[index] : 0;
}

std::uint32_t PlacementTable::load_of(NodeId node) const {
  const std::size_t index = index_of(node);
  return index < nodes_.size() ? loads_[index] : 0;
}

std::size_t PlacementTable::index_of(NodeId node) const {
  const auto place = std::ranges::lower_bound(nodes_, node);
  return place != nodes_.end() && *place == node ? static_cast<std::size_t>(place - nodes_.begin())
                                                 : nodes_.size();
}

PlacementTable compute_placement(std::vector<PlacementMember> members,
                                 const PlacementOptions& options) {
  std::ranges::sort(members, {}, &PlacementMember::node);
  check(members, options);
  PlacementTable table;
  table.partition_bits_ = options.partition_bits;
  if (members.empty()) return table;

  const Shares shares = shares_of(members, options);
  const Keys keys = calibrated_keys(members, shares, options.key);
  Preferences preferences(shares, keys);
  Assignment assignment = accept_within_caps(shares, preferences);
  fill_free_slots(shares, preferences, assignment);

  table.replicas_ = shares.replicas;
  for (const PlacementMember& member : members) table.nodes_.push_back(member.node);
  table.targets_ = shares.targets;
  table.loads_ = assignment.take_loads();
  table.rows_ = assignment.take_sorted_rows();
  return table;
}

}  // namespace pixmesh

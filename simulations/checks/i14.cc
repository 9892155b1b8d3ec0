// I14: nothing that orders what a node says steps back, also over restarts: its incarnation, the
// generation of its record, the number of a partition's settled set. And it is on disk before
// others are told: the record, the lists of holders, the ceiling of the clock that versions are
// from.
#include "simulations/checks/check.h"
#include "simulations/checks/placement_log.h"
#include "wire/fields.h"
#include "wire/message.h"
#include "wire/stored.h"

namespace pixmesh {
namespace {

constexpr std::uint64_t first_words = 50;  // of a life, each of which is looked at
constexpr std::uint64_t then_one_in = 16;  // messages, and scans of all lists
constexpr Duration told_kept = 20s;
constexpr std::size_t lists_key_size = 4;  // of the rows that hold lists

class Order : public Check {
 public:
  explicit Order(const Scene& scene) : Check(scene, "I14"), placements_(scene.world) {}

  void on_sent(PartyId from, PartyId, Plane plane, ByteView bytes) override {
    if (plane != Plane::control || from >= scene_.world.node_count()) return;
    if (!is_looked_at(from, message_number_of(bytes))) return;
    const auto decoded = decode_message(bytes);
    if (!decoded) return;
    std::visit(
        [&]<typename T>(const T& message) {
          if constexpr (std::is_same_v<T, RecordPush>) {
            look_at_records(from, message);
          } else if constexpr (std::is_same_v<T, ListsAnnounced>) {
            look_at_lists(from, message);
          } else if constexpr (std::is_same_v<T, CommitRequest>) {
            look_at_version(from, message.record.version);
          } else if constexpr (requires {
                                 message.rumours;
                                 message.incarnation;
                               }) {
            look_at_incarnation(from, message.incarnation);
          }
        },
        static_cast<const AnyMessage&>(decoded.value()));
  }
  void on_crashed(std::uint32_t node) override {
    look_at(node);
    look_at_numbers(node);
    words_[node] = 0;
    earlier_incarnations_[node] = incarnations_[node];
    placements_.on_crashed(node);
  }
  void on_scan() override {
    const bool numbers_too = ++scans_ % then_one_in == 0;
    for (std::uint32_t node = 0; node < scene_.world.node_count(); ++node) {
      look_at(node);
      look_at_told(node);
      if (numbers_too) look_at_numbers(node);
    }
  }
  void at_rest() override {
    for (std::uint32_t node = 0; node < scene_.world.node_count(); ++node) {
      look_at(node);
      look_at_told(node);
      look_at_numbers(node);
    }
  }

 private:
  struct Told {
    Instant at;
    PartitionId partition;
    HolderSets sets;
  };
  [[nodiscard]] bool is_looked_at(std::uint32_t from, std::uint32_t number) {
    if (number == Fields<RecordPush>::number || number == Fields<ListsAnnounced>::number ||
        number == Fields<CommitRequest>::number) {
      return true;
    }
    if (number != Fields<Ping>::number && number != Fields<Ack>::number &&
        number != Fields<GossipPush>::number) {
      return false;
    }
    const std::uint64_t words = ++words_[from];
    return words <= first_words || words % then_one_in == 0;
  }
  void look_at_records(std::uint32_t from, const RecordPush& push) {
    for (const MemberRecord& record : push.records) {
      if (record.node != scene_.world.id_of(from)) continue;
      if (record.generation <= stored_generation(from)) continue;
      report("node " + std::to_string(from) + " tells of its record " +
                 std::to_string(record.generation) + " before it is on disk",
             {from});
    }
  }
  void look_at_lists(std::uint32_t from, const ListsAnnounced& announced) {
    if (!placements_.is_in_use(from, announced.epoch)) return;
    for (const ListsAnnounced::Entry& entry : announced.entries) {
      if (entry.number == 0) continue;  // it knows of no set, or is in doubt about what it has
      HolderSets sets{
          announced.sets[entry.settled], entry.number, announced.sets[entry.target], {}};
      for (const std::uint32_t index : entry.earlier) {
        sets.earlier.push_back(announced.sets[index]);
      }
      if (scene_.world.stored_sets(from, entry.partition) == sets) continue;
      told_[from].push_back({scene_.world.now(), entry.partition, std::move(sets)});
    }
  }
  // What waited for its link may be said when newer lists are on disk already. But what comes to
  // the disk after it was said was said too early.
  void look_at_told(std::uint32_t node) {
    if (scene_.loses_disk(node)) return;  // but not what it keeps about itself
    auto& told = told_[node];
    std::erase_if(told, [&](const Told& one) { return one.at + told_kept < scene_.world.now(); });
    for (const Told& one : told) {
      if (scene_.world.stored_sets(node, one.partition) != one.sets) continue;
      report("node " + std::to_string(node) + " told of its lists of partition " +
                 std::to_string(one.partition.raw) + " before they were on disk",
             {node});
    }
  }
  void look_at_version(std::uint32_t from, const Version& version) {
    if (scene_.loses_state(from)) return;  // others may remember one that it gave before
    if (version != clocked_version(version.clock, scene_.world.id_of(from))) return;
    if (version.clock <= stored_ceiling(from)) return;
    report("node " + std::to_string(from) + " gives version " + std::to_string(version.clock) +
               ", above its clock's ceiling on disk",
           {from});
  }
  void look_at_incarnation(std::uint32_t from, std::uint64_t incarnation) {
    // Inside one life what waited for its link may be said late.
    if (scene_.loses_state(from)) return;
    if (incarnation < earlier_incarnations_[from]) {
      report("the incarnation of node " + std::to_string(from) + " stepped back", {from});
    }
    std::uint64_t& last = incarnations_[from];
    last = std::max(last, incarnation);
  }

  [[nodiscard]] std::uint64_t stored_ceiling(std::uint32_t node) {
    const ByteView key = bytes_of("clock");
    const auto row = scene_.world.state(node).row(Table::facts, Bytes(key.begin(), key.end()));
    std::uint64_t ceiling = 0;
    for (std::size_t i = 0; row && i < row->size() && i < 8; ++i) {
      ceiling |= std::uint64_t{(*row)[i]} << (8 * i);
    }
    return ceiling;
  }
  [[nodiscard]] std::uint64_t stored_generation(std::uint32_t node) {
    const auto record = scene_.world.stored_member(node);
    return record ? record->generation : 0;
  }
  void look_at(std::uint32_t node) {
    if (scene_.loses_state(node)) return;
    const std::uint64_t generation = stored_generation(node);
    std::uint64_t& last = generations_[node];
    if (generation < last) {
      report("the record of node " + std::to_string(node) + " stepped back", {node});
    }
    last = generation;
  }
  // Lists that were given up begin anew. Between two looks a holder may have given them up, by one
  // placement, and have got others by a later one. Who was to give them up at the first look has
  // had the one placement before.
  void look_at_numbers(std::uint32_t node) {
    if (scene_.loses_disk(node)) return;  // but not what it keeps about itself
    std::map<Bytes, Numbered> numbers;
    const std::uint32_t placements = placements_.changes_of(node);
    scene_.world.for_each_row(node, Table::lists, [&](const Bytes& key, const Bytes& value) {
      if (key.size() != lists_key_size) return;
      const HolderLists lists = decode_lists(value).value();
      const std::uint64_t number = lists.number;
      const auto before = numbers_[node].find(key);
      const bool is_held = before != numbers_[node].end() && number != 0 &&
                           placements < before->second.begins_anew_at;
      if (is_held && number < before->second.number) {
        report("the number of a settled set stepped back at node " + std::to_string(node), {node});
      }
      const NodeId self = scene_.world.id_of(node);
      const std::uint32_t until_anew = contains(lists.target, self) ? 2 : 1;
      if (is_holder(lists, self)) numbers[key] = {number, placements + until_anew};
    });
    numbers_[node] = std::move(numbers);
  }

  std::map<std::uint32_t, std::uint64_t> generations_;
  std::map<std::uint32_t, std::uint64_t> incarnations_;          // the highest that was told
  std::map<std::uint32_t, std::uint64_t> earlier_incarnations_;  // in earlier lives
  PlacementLog placements_;
  std::map<std::uint32_t, std::vector<Told>> told_;  // that the disk did not have
  std::map<std::uint32_t, std::uint64_t> words_;     // about who lives, in this life
  struct Numbered {
    std::uint64_t number = 0;
    std::uint32_t begins_anew_at = 0;  // placements that the node has had by then
  };
  std::map<std::uint32_t, std::map<Bytes, Numbered>> numbers_;
  std::uint64_t scans_ = 0;
};

}  // namespace

CheckPtr make_i14(const Scene& scene) { return std::make_unique<Order>(scene); }

}  // namespace pixmesh

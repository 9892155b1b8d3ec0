// I15: what a holder missed is not forgotten before it has it: who says that a hint is taken has
// everything that its giver had when it was offered, and has asked for it since. (How fast the mesh
// must be right: trial.cc.)
#include <deque>

#include "simulations/checks/check.h"
#include "wire/fields.h"
#include "wire/message.h"
#include "wire/stored.h"

namespace pixmesh {
namespace {

// A taker that no longer holds the partition says so too; its lists may reach its disk later. One
// that did not hold it and has come to since fetches it all the same.
constexpr Duration moves_within = 2s;

class HintsTaken : public Check {
 public:
  explicit HintsTaken(const Scene& scene) : Check(scene, "I15") {}

  void on_sent(PartyId from, PartyId to, Plane plane, ByteView message) override {
    const std::uint32_t count = scene_.world.node_count();
    if (plane != Plane::control || from >= count || to >= count) return;
    const std::uint32_t number = message_number_of(message);
    if (number != Fields<HintOffer>::number && number != Fields<HintTaken>::number &&
        number != Fields<InventoryRequest>::number) {
      return;
    }
    const auto decoded = decode_message(message);
    if (!decoded) return;
    if (const auto* offer = std::get_if<HintOffer>(&decoded.value())) {
      for (const PartitionId partition : offer->partitions) {
        note(from, to, partition, offer->round);
      }
    } else if (const auto* taken = std::get_if<HintTaken>(&decoded.value())) {
      for (const PartitionId partition : taken->partitions) {
        take(to, from, partition, taken->round);
      }
    } else if (const auto* inventory = std::get_if<InventoryRequest>(&decoded.value())) {
      if (!inventory->after) asked_at_[{from, inventory->partition}] = scene_.world.now();
    }
  }
  void on_scan() override {
    while (!taken_.empty() && taken_.front().at + moves_within < scene_.world.now()) {
      look_at(taken_.front());
      taken_.pop_front();
    }
  }
  // What it gave up since, I7 looks at; a new placement may have it fetch the same again.
  void on_record_changing(std::uint32_t node, const VirtualDisk::Key& key, const std::string&,
                          bool dropping) override {
    if (!dropping) return;
    std::erase_if(
        taken_, [&](const Taken& one) { return one.taker == node && one.partition == key.first; });
  }
  void on_crashed(std::uint32_t node) override {
    std::erase_if(offered_, [&](const auto& entry) {
      return std::get<0>(entry.first) == node || std::get<1>(entry.first) == node;
    });
    std::erase_if(taken_, [&](const Taken& one) { return one.giver == node || one.taker == node; });
  }

 private:
  using Had = std::map<VirtualDisk::Key, Version>;
  struct Offer {
    Instant at;
    Had had;                           // at the giver
    std::optional<HolderLists> lists;  // at the taker, if its disk is prompt
  };
  struct Taken {
    Instant at;
    std::uint32_t giver = 0;
    std::uint32_t taker = 0;
    PartitionId partition;
    Offer offer;
    bool asked = false;
    bool recovering = false;  // the taker, when it said so
  };

  void note(std::uint32_t giver, std::uint32_t taker, PartitionId partition, std::uint64_t round) {
    const auto [place, fresh] = offered_[{giver, taker, partition}].try_emplace(round);
    if (!fresh) return;
    // Who lost what it had and is no holder any more has nothing that was promised to anybody.
    if (scene_.world.is_recovering(giver, partition)) return;
    place->second = {scene_.world.now(), records_at(giver, partition),
                     prompt_lists_of(taker, partition)};
  }
  // It speaks of this round and of all before.
  void take(std::uint32_t giver, std::uint32_t taker, PartitionId partition, std::uint64_t round) {
    auto& rounds = offered_[{giver, taker, partition}];
    auto offer = rounds.extract(round);
    rounds.erase(rounds.begin(), rounds.upper_bound(round));
    if (!offer || is_behind(taker) || !holds(taker, partition)) return;
    const auto asked = asked_at_.find({taker, partition});
    const bool has_asked = asked != asked_at_.end() && asked->second >= offer.mapped().at;
    if (prompt_lists_of(taker, partition) != offer.mapped().lists) offer.mapped().lists.reset();
    taken_.push_back({scene_.world.now(), giver, taker, partition, std::move(offer.mapped()),
                      has_asked, scene_.world.is_recovering(taker, partition)});
  }
  void look_at(const Taken& taken) {
    if (is_behind(taken.taker) || !holds(taken.taker, taken.partition)) return;
    // It has lost its disk since, and asks for all of it anew.
    if (!taken.recovering && scene_.world.is_recovering(taken.taker, taken.partition)) return;
    const auto lists = prompt_lists_of(taken.taker, taken.partition);
    if (!taken.asked && lists && lists == taken.offer.lists) {
      report_of(taken, "never asked for it");
    }
    // It was to go when it said so, and is to be a holder again: nobody counts on it yet.
    const bool is_newcomer = lists && !contains(lists->settled, scene_.world.id_of(taken.taker));
    if (is_newcomer && lists != taken.offer.lists) return;
    const Had has = records_at(taken.taker, taken.partition);
    for (const auto& [key, version] : taken.offer.had) {
      const auto found = has.find(key);
      if (found != has.end() && found->second >= version) continue;
      const bool collected =
          version.clock <= scene_.world.stored_collected(taken.taker, taken.partition);
      if (found == has.end() && collected) continue;
      report_of(taken, "lacks what that had");
    }
  }
  void report_of(const Taken& taken, const std::string& what) {
    report("node " + std::to_string(taken.taker) + " took a hint of node " +
               std::to_string(taken.giver) + " about partition " +
               std::to_string(taken.partition.raw) + " and " + what,
           {taken.giver, taken.taker});
  }
  // As the node has them in memory, unless its disk is late.
  [[nodiscard]] std::optional<HolderLists> prompt_lists_of(std::uint32_t node,
                                                           PartitionId partition) const {
    if (is_behind(node)) return std::nullopt;
    return scene_.world.stored_lists(node, partition);
  }
  [[nodiscard]] bool is_behind(std::uint32_t node) const { return scene_.world.is_behind(node); }
  [[nodiscard]] bool holds(std::uint32_t node, PartitionId partition) const {
    const auto lists = scene_.world.stored_lists(node, partition);
    return lists && is_holder(*lists, scene_.world.id_of(node));
  }
  [[nodiscard]] Had records_at(std::uint32_t node, PartitionId partition) const {
    Had had;
    const auto& records = scene_.world.disk_of(node, partition).records();
    for (auto at = records.lower_bound({partition, NameDigest{}});
         at != records.end() && at->first.first == partition; ++at) {
      had[at->first] = decode_record(at->second.bytes).value().version;
    }
    return had;
  }

  std::deque<Taken> taken_;  // by time
  std::map<std::tuple<std::uint32_t, std::uint32_t, PartitionId>, std::map<std::uint64_t, Offer>>
      offered_;                                                        // by round
  std::map<std::pair<std::uint32_t, PartitionId>, Instant> asked_at_;  // for a first page, last
};

}  // namespace

CheckPtr make_i15(const Scene& scene) { return std::make_unique<HintsTaken>(scene); }

}  // namespace pixmesh

// I15: what a holder missed is not forgotten before it has it: who says that a hint is taken has
// everything that its giver had when it was offered. (How fast the mesh must be right: trial.cc.)
#include <deque>

#include "simulations/checks/check.h"
#include "simulations/world/message_text.h"
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
    if (number != Fields<HintOffer>::number && number != Fields<HintTaken>::number) return;
    const auto decoded = decode_message(message);
    if (!decoded) return;
    if (const auto* offer = std::get_if<HintOffer>(&decoded.value())) {
      for (const PartitionId partition : offer->partitions) note(from, to, partition);
    } else if (const auto* taken = std::get_if<HintTaken>(&decoded.value())) {
      for (const PartitionId partition : taken->partitions) take(to, from, partition);
    }
  }
  void on_scan() override {
    while (!taken_.empty() && taken_.front().at + moves_within < scene_.world.now()) {
      look_at(taken_.front());
      taken_.pop_front();
    }
  }
  void on_crashed(std::uint32_t node) override {
    std::erase_if(offered_, [&](const auto& entry) {
      return std::get<0>(entry.first) == node || std::get<1>(entry.first) == node;
    });
    std::erase_if(taken_, [&](const Taken& one) { return one.giver == node || one.taker == node; });
  }

 private:
  using Had = std::map<VirtualDisk::Key, Version>;
  struct Taken {
    Instant at;
    std::uint32_t giver = 0;
    std::uint32_t taker = 0;
    PartitionId partition;
    Had had;  // at the giver, when it was offered
  };

  void note(std::uint32_t giver, std::uint32_t taker, PartitionId partition) {
    const auto [place, fresh] = offered_.try_emplace({giver, taker, partition});
    if (fresh) place->second = records_at(giver, partition);
  }
  void take(std::uint32_t giver, std::uint32_t taker, PartitionId partition) {
    auto offer = offered_.extract({giver, taker, partition});
    if (!offer || !holds(taker, partition)) return;
    taken_.push_back({scene_.world.now(), giver, taker, partition, std::move(offer.mapped())});
  }
  void look_at(const Taken& taken) {
    const VirtualDisk& disk = scene_.world.disk(taken.taker);
    if (disk.has_failed() || disk.trouble.full) return;  // its lists are those of before
    if (!holds(taken.taker, taken.partition)) return;
    const Had has = records_at(taken.taker, taken.partition);
    for (const auto& [key, version] : taken.had) {
      const auto found = has.find(key);
      if (found != has.end() && found->second >= version) continue;
      report("node " + std::to_string(taken.taker) + " took a hint of node " +
                 std::to_string(taken.giver) + " about partition " +
                 std::to_string(taken.partition.raw) + " and lacks what that had",
             {taken.giver, taken.taker});
    }
  }
  [[nodiscard]] bool holds(std::uint32_t node, PartitionId partition) const {
    const auto lists = scene_.world.stored_lists(node, partition);
    return lists && contains(holders_of(*lists), scene_.world.id_of(node));
  }
  [[nodiscard]] Had records_at(std::uint32_t node, PartitionId partition) const {
    Had had;
    const auto& records = scene_.world.disk(node).records();
    for (auto at = records.lower_bound({partition, NameDigest{}});
         at != records.end() && at->first.first == partition; ++at) {
      had[at->first] = decode_record(at->second.bytes).value().version;
    }
    return had;
  }

  std::deque<Taken> taken_;  // by time
  std::map<std::tuple<std::uint32_t, std::uint32_t, PartitionId>, Had> offered_;
};

}  // namespace

CheckPtr make_i15(const Scene& scene) { return std::make_unique<HintsTaken>(scene); }

}  // namespace pixmesh

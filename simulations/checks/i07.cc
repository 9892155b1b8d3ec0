// I7: no node drops, for rebalance, a copy while fewer than R_eff other verified copies exist, and
// no set of holders stands alone before W of it have every acknowledged write. Fewer than W are a
// finding. Between W and R_eff, where a new holder missed a write that the others acknowledged and
// will be told by a hint, is counted as a shortfall.
#include <algorithm>

#include "simulations/checks/stored_copies.h"
#include "simulations/world/message_text.h"
#include "wire/fields.h"
#include "wire/message.h"
#include "wire/stored.h"

namespace pixmesh {
namespace {

class CarefulDrops : public Check {
 public:
  explicit CarefulDrops(const Scene& scene) : Check(scene, "I7"), copies_(scene) {}

  void on_record_changing(std::uint32_t node, const VirtualDisk::Key& key, const std::string& name,
                          bool dropping) override {
    const NameHistory* history = scene_.oracle.history_of(name);
    if (!dropping || history == nullptr) return;
    // A version that nobody was promised may be given up; what was promised before it may not.
    const auto& stored = scene_.world.disk(node).records().at(key);
    const Version version = std::min(decode_record(stored.bytes).value().version,
                                     history->acknowledged_by(scene_.world.now()));
    if (version.clock == 0) return;
    auto others = copies_.holders_of(name, version);
    std::erase(others, node);
    std::size_t members = 0;
    for (std::uint32_t other = 0; other < scene_.world.node_count(); ++other) {
      members += scene_.world.is_member(other) && other != node ? 1 : 0;
    }
    // What a destroyed disk had is for repair to make again; it must not be missed here.
    const std::size_t gone = scene_.atlas.destroyed_count();
    const std::size_t wanted = std::min<std::size_t>(scene_.scenario.replicas, members);
    if (others.size() + gone >= wanted) return;
    scene_.findings.count_shortfall();
    if (others.size() + gone >= std::min<std::size_t>(scene_.scenario.write_quorum, members)) {
      return;
    }
    report("node " + std::to_string(node) + " drops '" + name + "' while only " +
               std::to_string(others.size()) + " others have it, not " + std::to_string(wanted),
           {node});
  }

  void on_sent(PartyId from, PartyId, Plane plane, ByteView message) override {
    if (plane != Plane::control || from >= scene_.world.node_count()) return;
    if (message_number_of(message) != Fields<Settle>::number) return;
    const auto decoded = decode_message(message);
    const auto* settle = decoded ? std::get_if<Settle>(&decoded.value()) : nullptr;
    if (settle == nullptr || settle->step != SettleStep::settle) return;
    for (const SyncConfirmed::Entry& entry : settle->entries) look_at_set(from, entry);
  }

 private:
  void look_at_set(std::uint32_t from, const SyncConfirmed::Entry& entry) {
    if (seen_.contains({entry.partition, entry.number})) return;
    const auto lists = scene_.world.stored_lists(from, entry.partition);
    if (!lists || lists->number + 1 != entry.number) return;
    seen_.insert({entry.partition, entry.number});
    for (const auto& [name, history] : scene_.oracle.names()) {
      const auto place = partitions_.try_emplace(name);
      if (place.second) place.first->second = scene_.world.partition_of_name(name);
      const Version version = history.acknowledged_by(scene_.world.now());
      if (place.first->second != entry.partition || version.clock == 0) continue;
      look_at_copies(from, name, version, lists->target);
    }
  }
  void look_at_copies(std::uint32_t from, const std::string& name, const Version& version,
                      const std::vector<NodeId>& set) {
    std::size_t count = scene_.atlas.destroyed_count();
    for (const std::uint32_t node : copies_.holders_of(name, version)) {
      count += contains(set, scene_.world.id_of(node)) ? 1 : 0;
    }
    if (count >= std::min<std::size_t>(scene_.scenario.write_quorum, set.size())) return;
    report("a set of holders is to stand alone while " + std::to_string(count) + " of it have '" +
               name + "'",
           {from});
  }

  StoredCopies copies_;
  std::map<std::string, PartitionId> partitions_;
  std::set<std::pair<PartitionId, std::uint64_t>> seen_;  // settled sets, by their number
};

}  // namespace

CheckPtr make_i07(const Scene& scene) { return std::make_unique<CarefulDrops>(scene); }

}  // namespace pixmesh

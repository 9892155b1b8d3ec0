// I7: no node drops, for rebalance, a copy while fewer than R_eff other verified copies exist.
// Fewer than W are a finding. Between W and R_eff, where a new holder missed a write that the
// others acknowledged and will be told by a hint, is counted as a shortfall.
#include <algorithm>

#include "simulations/checks/stored_copies.h"
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

 private:
  StoredCopies copies_;
};

}  // namespace

CheckPtr make_i07(const Scene& scene) { return std::make_unique<CarefulDrops>(scene); }

}  // namespace pixmesh

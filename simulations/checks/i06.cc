// I6: a deleted name does not come back after its deletion was acknowledged. Where two tries of one
// wish at once were given two versions, the later of which undid the deletion, that is counted as a
// shortfall, as in I5.
#include <algorithm>

#include "simulations/checks/stored_copies.h"

namespace pixmesh {
namespace {

class Deletion : public Check {
 public:
  explicit Deletion(const Scene& scene) : Check(scene, "I6"), copies_(scene) {}

  void at_rest() override {
    for (const auto& [name, history] : scene_.oracle.names()) {
      if (!is_deleted_for_good(history)) continue;
      for (const std::uint32_t node : scene_.world.running()) {
        const auto record = copies_.record_of(node, name);
        if (!record || record->tombstone) continue;
        const Write* write = history.find(record->request);
        if (write != nullptr && write->tries > 1 && write->version != record->version) {
          scene_.findings.count_shortfall();
          continue;
        }
        report("'" + name + "' came back" +
                   (write == nullptr ? "" : " as write " + std::to_string(write->number)),
               {node});
      }
    }
  }

 private:
  // The newest acknowledged write deleted it, and no other may still appear.
  [[nodiscard]] static bool is_deleted_for_good(const NameHistory& history) {
    const Write* newest = history.newest_acknowledged();
    if (newest == nullptr || newest->kind != WriteKind::deletion) return false;
    return std::all_of(history.writes.begin(), history.writes.end(), [](const Write& write) {
      return write.acknowledged_at.has_value() || write.refused;
    });
  }

  StoredCopies copies_;
};

}  // namespace

CheckPtr make_i06(const Scene& scene) { return std::make_unique<Deletion>(scene); }

}  // namespace pixmesh

// I5: all holders of a name agree on one winner, and it is not older than any acknowledged write.
#include "simulations/checks/stored_copies.h"

namespace pixmesh {
namespace {

class Agreement : public Check {
 public:
  explicit Agreement(const Scene& scene) : Check(scene, "I5"), copies_(scene) {}

  void at_rest() override {
    for (const auto& [name, history] : scene_.oracle.names()) look_at(name, history);
  }

 private:
  void look_at(const std::string& name, const NameHistory& history) {
    const Write* newest = history.newest_acknowledged();
    std::optional<ImageRecord> winner;
    for (const std::uint32_t node : scene_.world.running()) {
      const auto record = copies_.record_of(node, name);
      if (!record) continue;
      if (winner && *winner != *record) {
        return report("two holders have different records of '" + name + "'", {node});
      }
      winner = record;
      if (history.find(record->request) == nullptr) {
        return report("nobody wished for the record of '" + name + "'", {node});
      }
    }
    if (newest == nullptr || (winner && winner->version >= newest->version)) return;
    report("the winner of '" + name + "' is older than write " + std::to_string(newest->number) +
           ", which was acknowledged");
  }

  StoredCopies copies_;
};

}  // namespace

CheckPtr make_i05(const Scene& scene) { return std::make_unique<Agreement>(scene); }

}  // namespace pixmesh

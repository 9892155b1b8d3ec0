// I12: what a node keeps for others stays inside its bounds: temp files while it is busy, and
// nothing at all at rest.
#include "simulations/checks/check.h"

namespace pixmesh {
namespace {

constexpr Duration idle_after = 150s;   // no conversation outlives its deadline of two minutes
constexpr std::size_t temps_max = 200;  // an intake needs a chunk of the 96 that a node grants

class Bounds : public Check {
 public:
  explicit Bounds(const Scene& scene) : Check(scene, "I12") {}

  void on_scan() override {
    for (const std::uint32_t node : scene_.world.running()) {
      if (scene_.world.disk(node).temp_count() > temps_max) {
        report("node " + std::to_string(node) + " has too many temp files", {node});
      }
    }
  }
  void at_rest() override {
    (void)scene_.world.run_until([this] { return busy().empty(); }, idle_after);
    for (const std::uint32_t node : busy()) {
      report("node " + std::to_string(node) + " still has " + std::to_string(open_at(node)) +
                 " conversations that nobody needs",
             {node});
    }
  }

 private:
  [[nodiscard]] std::size_t open_at(std::uint32_t node) const {
    return scene_.world.machine(node).node->open_conversations();
  }
  [[nodiscard]] std::vector<std::uint32_t> busy() const {
    std::vector<std::uint32_t> nodes;
    for (const std::uint32_t node : scene_.world.running()) {
      if (open_at(node) > 0) nodes.push_back(node);
    }
    return nodes;
  }
};

}  // namespace

CheckPtr make_i12(const Scene& scene) { return std::make_unique<Bounds>(scene); }

}  // namespace pixmesh

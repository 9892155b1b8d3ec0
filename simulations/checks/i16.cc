// I16: a message that no member signed changes nothing: no forged record is stored, nobody is
// evicted by a stranger.
#include "simulations/checks/check.h"
#include "simulations/workload/forgery.h"

namespace pixmesh {
namespace {

class Strangers : public Check {
 public:
  explicit Strangers(const Scene& scene) : Check(scene, "I16") {}

  void on_record_changing(std::uint32_t node, const VirtualDisk::Key&, const std::string& name,
                          bool) override {
    if (name.rfind(forged_prefix, 0) == 0) {
      report("node " + std::to_string(node) + " stores what a stranger sent", {node});
    }
  }
  void at_rest() override {
    for (const std::uint32_t node : scene_.world.running()) {
      for (const MemberStatus& member : scene_.world.status(node).members) {
        const std::uint32_t number = scene_.world.number_of(member.node);
        if (member.state != "evicted" || !scene_.world.is_member(number)) continue;
        report("node " + std::to_string(node) + " thinks node " + std::to_string(number) +
                   " evicted, and nobody asked for that",
               {node, number});
      }
    }
  }
};

}  // namespace

CheckPtr make_i16(const Scene& scene) { return std::make_unique<Strangers>(scene); }

}  // namespace pixmesh

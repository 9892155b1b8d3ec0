// I12: what a node keeps for others stays inside its bounds: temp files, hints and jobs while it is
// busy, and nothing at all at rest.
#include "processing/lanes.h"
#include "simulations/checks/check.h"
#include "wire/fields.h"
#include "wire/message.h"

namespace pixmesh {
namespace {

constexpr Duration idle_after = 150s;  // no conversation outlives its deadline of two minutes
constexpr std::uint64_t late_wakes_max = 1'000;  // of all nodes; each turns a loop in vain
constexpr std::size_t temps_max = 200;  // an intake needs a chunk of the 96 that a node grants

class Bounds : public Check {
 public:
  explicit Bounds(const Scene& scene) : Check(scene, "I12") {}

  void on_scan() override {
    if (scene_.world.late_wakes() > late_wakes_max) {
      report("a node wants to be woken again and again for what was due already");
    }
    for (const std::uint32_t node : scene_.world.running()) {
      for (const VirtualDisk* disk : scene_.world.disks(node)) {
        if (disk->temp_count() <= temps_max) continue;
        report("node " + std::to_string(node) + " has too many temp files", {node});
      }
      // One hint for each partition of each other member.
      const std::size_t hints_max = std::size_t{scene_.world.node_count() - 1}
                                    << scene_.scenario.partition_bits;
      if (hints_at(node) > hints_max) {
        report("node " + std::to_string(node) + " has too many hints", {node});
      }
    }
  }
  void on_sent(PartyId from, PartyId, Plane plane, ByteView message) override {
    if (plane != Plane::control || from >= scene_.world.node_count()) return;
    if (message_number_of(message) != Fields<LoadAnswer>::number) return;
    const auto decoded = decode_message(message);
    const auto* load = decoded ? std::get_if<LoadAnswer>(&decoded.value()) : nullptr;
    if (load == nullptr) return;
    if (load->running > lanes_.workers || load->queued > lanes_.queue_max) {
      report("node " + std::to_string(from) + " runs " + std::to_string(load->running) +
                 " jobs and keeps " + std::to_string(load->queued) + " waiting",
             {from});
    }
  }
  void at_rest() override {
    (void)scene_.world.run_until([this] { return busy().empty(); }, idle_after);
    for (const std::uint32_t node : busy()) {
      report("node " + std::to_string(node) + " still has " + std::to_string(open_at(node)) +
                 " conversations that nobody needs",
             {node});
    }
    const auto none_left = [this] {
      for (const std::uint32_t node : scene_.world.running()) {
        if (hints_at(node) > 0) return false;
      }
      return true;
    };
    const Instant late = scene_.world.now() + hints_end_within;
    while (scene_.world.now() < late && !none_left()) scene_.world.run_for(1s);
    for (const std::uint32_t node : scene_.world.running()) {
      if (hints_at(node) == 0) continue;
      report("node " + std::to_string(node) + " keeps " + std::to_string(hints_at(node)) +
                 " hints that nobody takes, the first of " + first_hint_at(node),
             {node});
    }
  }

 private:
  [[nodiscard]] std::size_t hints_at(std::uint32_t node) const {
    return scene_.world.state(node).table(Table::hints).rows.size();
  }
  // Partition and member, in hexadecimal.
  [[nodiscard]] std::string first_hint_at(std::uint32_t node) const {
    return hex_of(scene_.world.state(node).table(Table::hints).rows.begin()->first);
  }
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

  LanesOptions lanes_;  // as all nodes have them
};

}  // namespace

CheckPtr make_i12(const Scene& scene) { return std::make_unique<Bounds>(scene); }

}  // namespace pixmesh

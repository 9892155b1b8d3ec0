// I8: the same member records give the same placement on every node; its nodes are distinct, zones
// are spread as far as there are any, and nobody holds more than his cap.
#include <algorithm>

#include "simulations/checks/check.h"

namespace pixmesh {
namespace {

constexpr std::uint64_t cap_percent = 103;

class Placement : public Check {
 public:
  explicit Placement(const Scene& scene) : Check(scene, "I8") {}

  void at_rest() override {
    const PlacementTable& table = scene_.world.expected_placement();
    for (std::uint32_t raw = 0; raw < table.partition_count(); ++raw) {
      const PartitionId partition{raw};
      const std::vector<NodeId> owners = table.owners_of(partition);
      if (std::adjacent_find(owners.begin(), owners.end()) != owners.end()) {
        report("partition " + std::to_string(raw) + " has one node twice");
      }
      look_at_zones(table, partition);
      for (const std::uint32_t node : scene_.world.running()) {
        const auto lists = scene_.world.stored_lists(node, partition);
        if (lists && lists->target != owners) {
          report("node " + std::to_string(node) + " places partition " + std::to_string(raw) +
                     " elsewhere",
                 {node});
        }
      }
    }
    for (const NodeId& node : table.nodes()) look_at_load(table, node);
  }

 private:
  void look_at_zones(const PlacementTable& table, PartitionId partition) {
    std::map<std::string, std::size_t> sizes;
    std::map<std::string, std::size_t> used;
    for (const NodeId& node : table.nodes()) ++sizes[zone_of(node)];
    for (const NodeId& node : table.owners_of(partition)) ++used[zone_of(node)];
    std::size_t most = 1;
    const auto room = [&] {
      std::size_t sum = 0;
      for (const auto& [zone, size] : sizes) sum += std::min(size, most);
      return sum;
    };
    while (room() < table.replicas()) ++most;
    for (const auto& [zone, count] : used) {
      if (count > most) report("partition " + std::to_string(partition.raw) + " crowds " + zone);
    }
  }
  [[nodiscard]] const std::string& zone_of(NodeId node) const {
    return scene_.world.machine(scene_.world.number_of(node)).zone;
  }
  void look_at_load(const PlacementTable& table, NodeId node) {
    const std::uint64_t target = table.target_of(node);
    const std::uint64_t ceiling = (target + (1ULL << slot_bits) - 1) >> slot_bits;
    const std::uint64_t cap = std::max(ceiling, (target * cap_percent / 100) >> slot_bits);
    if (table.load_of(node) > cap) {
      report("node " + std::to_string(scene_.world.number_of(node)) + " holds more than its cap");
    }
  }
};

}  // namespace

CheckPtr make_i08(const Scene& scene) { return std::make_unique<Placement>(scene); }

}  // namespace pixmesh

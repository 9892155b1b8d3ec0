#include "ring/difference.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/invariant.h"

namespace pixmesh {

std::vector<PartitionChange> difference_of(const PlacementTable& before,
                                           const PlacementTable& after) {
  invariant(before.partition_bits() == after.partition_bits(),
            "tables of one mesh have the same partitions");
  std::vector<PartitionChange> changes;
  const bool same_nodes = before.nodes() == after.nodes();
  for (std::uint32_t p = 0; p < after.partition_count(); ++p) {
    PartitionChange change{PartitionId{p}, {}, {}};
    if (same_nodes &&
        std::ranges::equal(before.row_of(change.partition), after.row_of(change.partition))) {
      continue;  // the usual case, without copying ids
    }
    const std::vector<NodeId> held = before.owners_of(change.partition);
    const std::vector<NodeId> wanted = after.owners_of(change.partition);
    std::ranges::set_difference(wanted, held, std::back_inserter(change.gained));
    std::ranges::set_difference(held, wanted, std::back_inserter(change.lost));
    if (!change.gained.empty() || !change.lost.empty()) changes.push_back(std::move(change));
  }
  return changes;
}

std::uint64_t ideal_movement(const PlacementTable& before, const PlacementTable& after) {
  std::uint64_t growth = 0;
  for (const NodeId node : after.nodes()) {
    const std::uint64_t old_target = before.target_of(node);
    const std::uint64_t new_target = after.target_of(node);
    if (new_target > old_target) growth += new_target - old_target;
  }
  return (growth + (1ULL << slot_bits) - 1) >> slot_bits;
}

}  // namespace pixmesh

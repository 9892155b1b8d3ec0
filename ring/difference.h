#pragma once

#include <cstdint>
#include <vector>

#include "base/ids.h"
#include "ring/placement.h"

namespace pixmesh {

/// One partition whose holders are not the same in two tables.
struct PartitionChange {
  PartitionId partition;
  std::vector<NodeId> gained;  // sorted; hold it in the later table only
  std::vector<NodeId> lost;    // sorted; held it in the earlier table only
};

/// The partitions whose holders differ, in ascending order; the slots that move are the sum of
/// the sizes of `gained`. Both tables must have the same number of partitions. O(slots).
[[nodiscard]] std::vector<PartitionChange> difference_of(const PlacementTable& before,
                                                         const PlacementTable& after);

/// Slots that any placement would have to move so that every node goes from its old target to its
/// new one: the sum over nodes of max(0, target after - target before), rounded up. O(nodes).
[[nodiscard]] std::uint64_t ideal_movement(const PlacementTable& before,
                                           const PlacementTable& after);

}  // namespace pixmesh

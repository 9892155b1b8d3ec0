#pragma once

#include <vector>

#include "ring/placement.h"
#include "wire/plan_messages.h"

namespace pixmesh {

/// What a node knows when it works out a plan.
struct PlanScene {
  NodeId self;
  std::vector<NodeId> alive;           // by id, with ourselves
  std::vector<PlacementMember> after;  // the members of the ring once the change is made
  PlacementOptions options;
  PlacementTable before;             // that is in use
  std::vector<std::uint64_t> bytes;  // by partition, of the images in it, as far as they are here
};

struct PlanOutcome {
  std::uint64_t moved_slots = 0;
  std::uint32_t replicas_before = 0;
  std::uint32_t replicas_after = 0;
  std::uint32_t live_copies_before = 0;  // of the partition with the fewest living holders
  std::uint32_t live_copies_after = 0;
  std::vector<PlannedShare> shares;  // by id, of every node in either table
};

/// The same on every node but for the bytes: those are of partitions whose first living holder is
/// `scene.self`, so that the nodes' answers add up to the mesh.
/// @param after  the placement of `scene.after`. Who is not in `scene.before` is taken for living.
/// Cost: O(slots) and one look at every node.
[[nodiscard]] PlanOutcome outcome_of(const PlanScene& scene, const PlacementTable& after);

/// Hash of a change and of the epoch that it is a change of: of another epoch it is another plan.
[[nodiscard]] PlanId plan_id_of(const RingChange& change, const Epoch& epoch);

/// "node 5ad0c0d1 leaves", for people.
[[nodiscard]] std::string text_of(const RingChange& change);

}  // namespace pixmesh

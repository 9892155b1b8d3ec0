#pragma once

#include <cstdint>
#include <vector>

#include "ring/placement.h"

namespace pixmesh::studies {

/// What every way of placing is measured by.
struct Outcome {
  std::vector<NodeId> nodes;              // sorted
  std::vector<std::vector<NodeId>> rows;  // by partition, each sorted
  std::vector<std::uint64_t> loads;       // by node, slots
  std::vector<std::uint64_t> targets;     // by node, slots with slot_bits fraction bits
};

/// The product's placement.
[[nodiscard]] Outcome calibrated(const std::vector<PlacementMember>& members,
                                 const PlacementOptions& options);
/// A ring with 256 tokens per weight unit: walking on from the partition's place, the first nodes
/// that keep the zone rule (Karger et al. 1997, as Cassandra and Dynamo use it).
[[nodiscard]] Outcome token_ring(const std::vector<PlacementMember>& members,
                                 const PlacementOptions& options);
/// Weighted rendezvous under the zone rule, without caps and calibration.
[[nodiscard]] Outcome plain_rendezvous(const std::vector<PlacementMember>& members,
                                       const PlacementOptions& options);
/// The rival that was weighed: zone rates in closed form with a dead zone of 5 %, caps at 1.03,
/// the same keys, acceptance and repair, so that the two differ in how zones are weighted and in
/// nothing else. Floating point: good enough to compare, not to agree on.
[[nodiscard]] Outcome closed_form(const std::vector<PlacementMember>& members,
                                  const PlacementOptions& options);

/// Nodes that hold more than the product promises: max(ceil(target), floor(1.03 * target)) slots.
[[nodiscard]] std::uint64_t over_cap_count(const Outcome& outcome);
/// The largest load over target among nodes whose target is at least 100 slots.
[[nodiscard]] double peak_over_target(const Outcome& outcome);
/// The smallest, likewise; at most 1.
[[nodiscard]] double lowest_over_target(const Outcome& outcome);
/// Slots that moved from `before` to `after`, and the least that had to.
[[nodiscard]] std::uint64_t moved_slots(const Outcome& before, const Outcome& after);
[[nodiscard]] double ideal_slots(const Outcome& before, const Outcome& after);

}  // namespace pixmesh::studies

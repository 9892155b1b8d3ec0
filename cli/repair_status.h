#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "cli/mesh_status.h"

// How far repair is, and who is to be evicted, by the members' reports. Pure.
namespace pixmesh {

/// A member that is to be evicted by a vote, as the members that want it tell.
struct VotedMember {
  NodeId node;
  std::string control;
  bool told = false;      // by an operator
  std::string waits_for;  // what holds the vote up; empty: it is under way
};
[[nodiscard]] std::vector<VotedMember> voted_members(const std::vector<NodeReport>& reports);

/// "2 images (26.1MB) short of copies, 13.2MB to copy, 2 partitions in work at 5.00MB/s, about 3s
/// left" — how far repair is; empty if nothing is left to do.
[[nodiscard]] std::string repair_text(const MeshSums& sums);
/// "paused for 59m", "at most 20.0MB/s" — an operator's orders to one node; empty: there are none.
[[nodiscard]] std::string orders_text(const RepairStatus& repair);
/// How long copying will take at the pace of late; none: not known.
[[nodiscard]] std::optional<Duration> repair_eta(const MeshSums& sums);

}  // namespace pixmesh

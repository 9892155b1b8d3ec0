#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <vector>

#include "base/ids.h"
#include "base/time.h"

namespace pixmesh {

/// Holders that this router leaves alone for a while because a probe went unanswered. It accuses
/// nobody: membership decides who is dead. One node's opinion, never sent anywhere.
class Avoidance {
 public:
  explicit Avoidance(Duration avoid_time = 1s);

  /// A probe to `node` got no answer in time.
  void on_unanswered(Instant now, NodeId node);
  /// Anything was heard from `node`: it is no longer avoided.
  void on_answered(NodeId node);

  [[nodiscard]] bool avoids(Instant now, NodeId node) const;

  /// `holders` without the avoided ones, in their order; all of them if every one is avoided,
  /// because a doubtful holder is better than none.
  [[nodiscard]] std::vector<NodeId> preferred(Instant now, std::span<const NodeId> holders) const;

  /// Nodes remembered; those whose time is over are forgotten at the next on_unanswered.
  [[nodiscard]] std::size_t count() const { return until_.size(); }

 private:
  Duration avoid_time_;
  std::map<NodeId, Instant> until_;
};

}  // namespace pixmesh

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
  static constexpr Duration doubted_for = 5s;  // routers hear of a death within two seconds

  explicit Avoidance(Duration avoid_time = 1s);

  /// A probe to `node` got no answer in time.
  void on_unanswered(Instant now, NodeId node);
  /// Membership holds `node` dead.
  void on_down(Instant now, NodeId node);
  /// Anything was heard from `node`: it is no longer avoided.
  void on_answered(NodeId node);

  [[nodiscard]] bool avoids(Instant now, NodeId node) const;

  /// Whether it fell silent within the last `doubted_for`: other routers may not know it yet.
  [[nodiscard]] bool fell_silent_lately(Instant now, NodeId node) const;

  /// `holders` without the avoided ones, in their order; all of them if every one is avoided,
  /// because a doubtful holder is better than none.
  [[nodiscard]] std::vector<NodeId> preferred(Instant now, std::span<const NodeId> holders) const;

  /// Nodes remembered; those whose time is over are forgotten at the next on_unanswered.
  [[nodiscard]] std::size_t count() const { return until_.size(); }

 private:
  Duration avoid_time_;
  std::map<NodeId, Instant> until_;
  std::map<NodeId, Instant> silent_at_;
};

}  // namespace pixmesh

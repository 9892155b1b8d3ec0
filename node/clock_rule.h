#pragma once

#include <optional>
#include <string>

#include "node/peers.h"

namespace pixmesh {

/// Whether this node may order writes by its wall clock: the rule of 30 seconds.
///
/// A node whose clock is farther than that from the lower median of all living members' clocks, its
/// own included, gives no new version to anything and says so; it serves, repairs and takes what
/// others coordinate. It goes on by itself once its clock is right. Decision 0011 says why.
class ClockRule {
 public:
  ClockRule(const Peers& peers, NodeId self, Log& log) : peers_(peers), self_(self), log_(log) {}

  [[nodiscard]] ClockStanding standing(Instant now, WallTime wall) const;
  /// Why this node coordinates no write just now, and what to do; none if it does.
  [[nodiscard]] std::optional<std::string> refusal(Instant now, WallTime wall) const;
  [[nodiscard]] bool is_too_early(Instant now, WallTime wall, WallTime theirs) const;
  /// Logs what has changed. Call every second or so.
  void look(Instant now, WallTime wall);

 private:
  enum class State { right, doubtful, outside };

  const Peers& peers_;
  NodeId self_;
  Log& log_;
  State state_ = State::right;
};

}  // namespace pixmesh

#pragma once

#include <optional>

#include "base/time.h"

namespace pixmesh {

/// Tells a queue that stands from one that only takes up a burst: in a burst some job still waits
/// for a short while, in a standing queue none does. When each job that started within `interval`
/// had waited for longer than `target`, the newest is to be served first, until nothing waits: a
/// few askers then get their result in time, where in order of arrival all of them would be late.
///
/// Source: CoDel's minimal wait over an interval (Nichols, Jacobson 2012), as a switch to newest
/// first (Maurer, Fail at Scale, 2015).
class StandingWait {
 public:
  StandingWait(Duration target, Duration interval) : target_(target), interval_(interval) {}

  /// A job started that had waited for so long.
  void on_started(Instant now, Duration waited) {
    if (newest_first_) return;
    if (waited < target_) return above_since_.reset();
    if (!above_since_) above_since_ = now;
    newest_first_ = now - *above_since_ >= interval_;
  }
  void on_empty() {
    above_since_.reset();
    newest_first_ = false;
  }
  [[nodiscard]] bool newest_first() const { return newest_first_; }

 private:
  Duration target_;
  Duration interval_;
  std::optional<Instant> above_since_;
  bool newest_first_ = false;
};

}  // namespace pixmesh

#pragma once

#include <functional>
#include <map>

#include "base/invariant.h"
#include "base/time.h"

namespace pixmesh {

/// The time of a test and what is to happen in it. Things of one instant happen in the order in
/// which they were asked for.
class VirtualClock {
 public:
  [[nodiscard]] Instant now() const { return now_; }
  void at(Instant when, std::function<void()> what) {
    queue_.emplace(when < now_ ? now_ : when, std::move(what));
  }
  void after(Duration delay, std::function<void()> what) { at(now_ + delay, std::move(what)); }

  /// Does the next thing, if it is due by `until`; else moves to `until`. @returns whether it did.
  bool step(Instant until) {
    invariant(until >= now_, "time does not step back");
    if (queue_.empty() || queue_.begin()->first > until) {
      now_ = until;
      return false;
    }
    auto next = queue_.extract(queue_.begin());
    now_ = next.key();
    next.mapped()();
    return true;
  }

 private:
  Instant now_{};
  std::multimap<Instant, std::function<void()>> queue_;
};

}  // namespace pixmesh

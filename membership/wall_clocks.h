#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "base/ids.h"
#include "base/time.h"

namespace pixmesh {

/// How our own wall clock stands among those of the living members.
struct ClockStanding {
  static constexpr std::int64_t bound = 30'000'000;  // microseconds

  std::size_t clocks = 1;  // compared, our own among them
  std::int64_t ahead = 0;  // our clock of the lower median of all; less than zero: behind
  /// At least three clocks, and those of more than half of the living: two cannot tell which of
  /// them is wrong.
  bool judged = false;

  [[nodiscard]] bool is_far() const { return ahead > bound || ahead < -bound; }
  /// We are the one whose clock is wrong.
  [[nodiscard]] bool is_outside() const { return judged && is_far(); }
};

/// What the wall clocks of the other members show, as far as answers to probes told.
///
/// A clock is read between the probe and its answer, so it counts as of the middle of the two; an
/// answer that took long tells too little. Our monotonic clock carries the reading forward, so our
/// wall clock may be set at any time. Not thread-safe: one owner calls it.
class WallClocks {
 public:
  struct Heard {
    NodeId node;
    Instant at;
  };

  void on_asked(Instant now, NodeId whom, std::uint32_t sequence);
  void on_answer(Instant now, NodeId from, std::uint32_t sequence, WallTime theirs);
  /// Only living members count; the others are asked anew when they are back. Sorted.
  void keep_only(const std::vector<NodeId>& alive);

  /// @param own     what our wall clock shows at `now`
  /// @param living  members that answer, with ourselves
  [[nodiscard]] ClockStanding standing(Instant now, WallTime own, std::size_t living) const;
  /// Whether a clock that showed `theirs` a moment ago is too far ahead of the lower median to
  /// order anything by it. Whoever is outside itself does not judge.
  [[nodiscard]] bool is_too_early(Instant now, WallTime own, std::size_t living,
                                  WallTime theirs) const;
  /// Whose clocks count besides ours, and as of when; sorted.
  [[nodiscard]] std::vector<Heard> heard() const;

 private:
  static constexpr Duration round_trip_max = 2s;

  struct Question {
    std::uint32_t sequence = 0;
    Instant at;
  };
  struct Reading {
    WallTime wall;
    Instant at;
  };

  std::map<NodeId, Question> asked_;
  std::map<NodeId, Reading> readings_;
};

}  // namespace pixmesh

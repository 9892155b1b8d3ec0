#pragma once

#include <optional>

#include "base/time.h"

namespace pixmesh {

/// A clock that follows wall time and never steps back, also across restarts.
/// Hybrid logical clock (Kulkarni et al. 2014) in one number: microseconds since 1970, pushed
/// ahead by whatever larger value was seen.
///
/// Invariant: no value above `ceiling` is ever given out, and the ceiling is durable. The owner
/// persists what `ceiling_wanted` asks for and then calls `raise_ceiling`; a restart begins at the
/// last durable ceiling, so two lives of one node never give the same value. Until that time has
/// come it gives none, for it would be ahead of the others: a write that failed, but reached one
/// holder, would hide what they acknowledge later. Unless it is further away than a ceiling is:
/// then wall time was set back, and it goes on from there.
class HybridClock {
 public:
  explicit HybridClock(std::uint64_t durable_ceiling)
      : begun_at_(durable_ceiling), last_(durable_ceiling), ceiling_(durable_ceiling) {}

  /// A value above all given out, seen, and `newest`; none while it would pass the ceiling, or the
  /// ceiling of the life before is still to come.
  [[nodiscard]] std::optional<std::uint64_t> tick(WallTime wall, std::uint64_t newest);

  /// The ceiling to make durable next, when less than half the reserve is left. None while nobody
  /// has asked for a value for `rest_after`: a mesh at rest writes nothing.
  [[nodiscard]] std::optional<std::uint64_t> ceiling_wanted(WallTime wall) const;
  void raise_ceiling(std::uint64_t durable);

 private:
  static constexpr std::uint64_t reserve = 2'000'000;      // two seconds
  static constexpr std::uint64_t rest_after = 10'000'000;  // ten seconds

  [[nodiscard]] bool is_early(WallTime wall) const;

  std::uint64_t begun_at_;
  std::uint64_t last_;
  std::uint64_t ceiling_;
  std::optional<std::uint64_t> asked_at_;  // wall time of the last tick
};

}  // namespace pixmesh

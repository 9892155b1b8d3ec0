#pragma once

#include <chrono>
#include <cstdint>

namespace pixmesh {

using namespace std::chrono_literals;

using Duration = std::chrono::nanoseconds;

/// The clock of deadlines. It has no now(): whoever decides is told the time.
struct MonotonicClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<MonotonicClock>;
  static constexpr bool is_steady = true;
};

/// A moment on this machine's monotonic clock. Never sent to another node.
using Instant = MonotonicClock::time_point;

/// Wall time in microseconds since 1970, UTC. Only the hybrid logical clock reads it.
struct WallTime {
  std::uint64_t microseconds = 0;
  friend constexpr auto operator<=>(const WallTime&, const WallTime&) = default;
};

}  // namespace pixmesh

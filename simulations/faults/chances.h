#pragma once

#include <algorithm>
#include <cstdint>

#include "base/rng.h"
#include "base/time.h"

namespace pixmesh {

[[nodiscard]] inline std::uint64_t between(Rng& rng, std::uint64_t low, std::uint64_t high) {
  return low + rng.below(high - low + 1);
}

/// From `low` to `high`, each doubling equally likely.
[[nodiscard]] inline std::uint64_t log_between(Rng& rng, std::uint64_t low, std::uint64_t high) {
  std::uint64_t doublings = 0;
  while ((low << (doublings + 1)) <= high) ++doublings;
  const std::uint64_t begin = low << rng.below(doublings + 1);
  return begin + rng.below(std::min(begin, high - begin + 1));
}

[[nodiscard]] inline Duration log_time(Rng& rng, Duration low, Duration high) {
  const auto micros = [](Duration d) { return static_cast<std::uint64_t>(d / 1us); };
  return std::chrono::microseconds(log_between(rng, micros(low), micros(high)));
}

}  // namespace pixmesh

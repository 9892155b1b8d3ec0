#include "replication/hybrid_clock.h"

#include <algorithm>

namespace pixmesh {

std::optional<std::uint64_t> HybridClock::tick(WallTime wall, std::uint64_t newest) {
  asked_at_ = wall.microseconds;
  if (is_early(wall)) return std::nullopt;
  const std::uint64_t value = std::max({wall.microseconds, last_, newest}) + 1;
  if (value > ceiling_) {
    last_ = std::max(last_, newest);  // so that the ceiling asked for next reaches above it
    return std::nullopt;
  }
  last_ = value;
  return value;
}

bool HybridClock::is_early(WallTime wall) const {
  return wall.microseconds <= begun_at_ && begun_at_ - wall.microseconds <= reserve;
}

// Not while it waits: a node that is killed again and again would get ahead by a reserve each time.
std::optional<std::uint64_t> HybridClock::ceiling_wanted(WallTime wall) const {
  if (is_early(wall)) return std::nullopt;
  if (!asked_at_ || wall.microseconds > *asked_at_ + rest_after) return std::nullopt;
  const std::uint64_t at = std::max(wall.microseconds, last_);
  if (at + reserve / 2 <= ceiling_) return std::nullopt;
  return at + reserve;
}

void HybridClock::raise_ceiling(std::uint64_t durable) { ceiling_ = std::max(ceiling_, durable); }

}  // namespace pixmesh

#pragma once

#include <bit>
#include <cstdint>

namespace pixmesh {

/// 1000 * log2(n), straight between powers of two (at most 0.09 too low); n >= 1. Integers only, so
/// that every build computes the same delays.
[[nodiscard]] constexpr std::uint32_t milli_log2(std::uint64_t n) {
  const auto whole = static_cast<std::uint32_t>(std::bit_width(n)) - 1;
  const std::uint64_t power = std::uint64_t{1} << whole;
  return whole * 1000 + static_cast<std::uint32_t>((n - power) * 1000 / power);
}

/// 1000 * log10(n), from milli_log2; n >= 1.
[[nodiscard]] constexpr std::uint32_t milli_log10(std::uint64_t n) {
  return static_cast<std::uint32_t>(std::uint64_t{milli_log2(n)} * 30'103 / 100'000);
}

}  // namespace pixmesh

#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/invariant.h"

namespace pixmesh {

__extension__ using Wide = unsigned __int128;  // products of two 64-bit numbers

/// Repeatable chance: the same seed gives the same draws on every compiler and machine.
/// xoshiro256** 1.0, seeded by splitmix64 (Blackman, Vigna 2018). Not for keys.
class Rng {
 public:
  explicit constexpr Rng(std::uint64_t seed) {
    for (std::uint64_t& word : state_) {
      seed += 0x9e3779b97f4a7c15ULL;
      std::uint64_t z = seed;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
      z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
      word = z ^ (z >> 31);
    }
  }

  constexpr std::uint64_t next() {
    const std::uint64_t result = rotate(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = rotate(state_[3], 45);
    return result;
  }

  /// 0 … bound - 1, each equally likely to within 2^-64 * bound; bound >= 1.
  constexpr std::uint64_t below(std::uint64_t bound) {
    invariant(bound >= 1, "a draw has at least one outcome");
    return static_cast<std::uint64_t>((static_cast<Wide>(next()) * bound) >> 64);
  }

  /// A source of its own, so that one module's draws never shift another's.
  constexpr Rng split() { return Rng(next()); }

  constexpr void fill(std::span<std::uint8_t> out) {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (i % 8 == 0) word = next();
      out[i] = static_cast<std::uint8_t>(word >> (8 * (i % 8)));
    }
  }

 private:
  static constexpr std::uint64_t rotate(std::uint64_t x, int k) {
    return (x << k) | (x >> (64 - k));
  }
  std::array<std::uint64_t, 4> state_{};
};

}  // namespace pixmesh

#include "ring/fixed_log.h"

#include "base/rng.h"

namespace pixmesh {

LogTable::LogTable() {
  constexpr std::uint64_t two = 1ULL << 63;  // numbers in [1, 2) with 62 fraction bits
  for (std::uint64_t i = 0; i < 4096; ++i) {
    std::uint64_t number = (4096 + i) << 50;
    std::uint64_t logarithm = 0;
    for (std::uint32_t bit = 0; bit < log_bits; ++bit) {
      // Squaring doubles the logarithm; what passes 1 is its next binary digit.
      number = static_cast<std::uint64_t>((static_cast<Wide>(number) * number) >> 62);
      const bool digit = number >= two;
      if (digit) number >>= 1;
      logarithm = logarithm << 1 | static_cast<std::uint64_t>(digit);
    }
    points_[i] = logarithm;
  }
  points_[4096] = log_one;
}

const LogTable& log_table() {
  static const LogTable table;
  return table;
}

}  // namespace pixmesh

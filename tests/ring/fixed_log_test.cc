#include "ring/fixed_log.h"

#include <doctest/doctest.h>

#include <cmath>

#include "base/rng.h"

using namespace pixmesh;

TEST_CASE("ring: the logarithm of a power of two is exact") {
  for (std::uint64_t exponent = 0; exponent < 64; ++exponent) {
    CHECK(log_table().log2_of(1ULL << exponent) == exponent << log_bits);
  }
}

TEST_CASE("ring: logarithms are true to 26 bits and never above the truth") {
  Rng chance(3);
  for (int i = 0; i < 10'000; ++i) {
    const std::uint64_t number = chance.next() >> chance.below(63) | 1;
    const double truth = std::log2(static_cast<double>(number));
    const double got = std::ldexp(static_cast<double>(log_table().log2_of(number)), -40);
    CHECK(got <= truth + 1e-11);
    CHECK(got >= truth - 1.6e-8);
  }
}

TEST_CASE("ring: logarithms never decrease") {
  Rng chance(4);
  for (int i = 0; i < 10'000; ++i) {
    const std::uint64_t number = chance.next() >> chance.below(60) | 1;
    CHECK(log_table().log2_of(number) <= log_table().log2_of(number + 1));
  }
}

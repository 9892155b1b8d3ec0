#include "base/rng.h"

#include <doctest/doctest.h>

using namespace pixmesh;

TEST_CASE("base: a seed gives the same draws for ever") {
  Rng rng(42);
  CHECK(rng.next() == 1546998764402558742ULL);
  CHECK(rng.next() == 6990951692964543102ULL);
}

TEST_CASE("base: draws below a bound reach every value and stay below it") {
  Rng rng(7);
  int seen[5] = {};
  for (int i = 0; i < 1000; ++i) ++seen[rng.below(5)];
  for (const int count : seen) CHECK(count > 100);
}

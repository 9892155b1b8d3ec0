#include <doctest/doctest.h>

#include "base/rng.h"
#include "replication/hybrid_clock.h"

using namespace pixmesh;

TEST_CASE("hybrid clock: it gives nothing above its durable ceiling") {
  HybridClock clock(0);
  CHECK_FALSE(clock.tick({1'000}, 0).has_value());
  const auto ceiling = clock.ceiling_wanted({1'000});
  REQUIRE(ceiling.has_value());
  clock.raise_ceiling(*ceiling);
  CHECK(clock.tick({1'000}, 0).value() > 1'000);
  CHECK_FALSE(clock.ceiling_wanted({1'000}).has_value());
}

TEST_CASE("hybrid clock: a value far ahead moves the wanted ceiling above it") {
  HybridClock clock(0);
  (void)clock.tick({1'000}, 0);
  clock.raise_ceiling(clock.ceiling_wanted({1'000}).value());
  const std::uint64_t far = 900'000'000;

  CHECK_FALSE(clock.tick({1'000}, far).has_value());

  clock.raise_ceiling(clock.ceiling_wanted({1'000}).value());
  CHECK(clock.tick({1'000}, far).value() > far);
}

TEST_CASE("hybrid clock: it never steps back, neither when wall time does nor over restarts") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    CAPTURE(seed);
    Rng rng(seed);
    std::uint64_t durable = 0;
    std::uint64_t last = 0;
    HybridClock clock(durable);
    WallTime wall{1'000'000'000'000};
    for (int i = 0; i < 400; ++i) {
      const std::uint64_t dice = rng.below(20);
      wall.microseconds += rng.below(500'000);
      if (dice == 0) wall.microseconds -= rng.below(300'000'000);
      if (dice == 1) clock = HybridClock(durable);
      const auto wanted = clock.ceiling_wanted(wall);
      if (wanted && dice > 3) {  // else: not durable yet
        durable = *wanted;
        clock.raise_ceiling(durable);
      }
      const std::uint64_t seen = rng.below(4) == 0 ? last + rng.below(2'000'000) : 0;
      if (const auto value = clock.tick(wall, seen)) {
        REQUIRE(*value > last);
        REQUIRE(*value > seen);
        REQUIRE(*value <= durable);
        last = *value;
      }
    }
    CHECK(last > 900'000'000'000);
  }
}

TEST_CASE("hybrid clock: after a restart it is not ahead of the others") {
  constexpr std::uint64_t now = 1'700'000'000'000'000;
  HybridClock clock(now);
  clock.raise_ceiling(now + 5'000'000);
  CHECK_FALSE(clock.tick({now - 1'900'000}, 0).has_value());
  CHECK_FALSE(clock.ceiling_wanted({now - 1'900'000}).has_value());  // nor after more restarts
  CHECK_FALSE(clock.tick({now}, now + 7).has_value());
  CHECK(clock.tick({now + 1}, 0).value() == now + 2);
}

TEST_CASE("hybrid clock: a node that is killed again and again gets no further ahead") {
  std::uint64_t now = 1'700'000'000'000'000;
  std::uint64_t durable = 0;
  const auto live_for = [&](std::uint64_t micros) {
    HybridClock clock(durable);
    std::optional<std::uint64_t> given;
    for (const std::uint64_t end = now + micros; now < end; now += 10'000) {
      if (const auto value = clock.tick({now}, 0)) given = value;
      const auto wanted = clock.ceiling_wanted({now});
      if (!wanted) continue;
      durable = *wanted;
      clock.raise_ceiling(durable);
    }
    return given;
  };
  (void)live_for(1'000'000);
  for (int restart = 0; restart < 10; ++restart) {
    if (const auto given = live_for(300'000)) CHECK(*given <= now);
    CHECK(durable <= now + 2'000'000);
  }
}

TEST_CASE("hybrid clock: where wall time was set back it goes on from its ceiling") {
  constexpr std::uint64_t now = 1'700'000'000'000'000;
  HybridClock clock(now);
  clock.raise_ceiling(now + 5'000'000);
  CHECK(clock.tick({now - 3'600'000'000}, 0).value() == now + 1);
}

TEST_CASE("hybrid clock: at rest no ceiling is wanted, and the first wish brings one") {
  HybridClock clock(0);
  CHECK_FALSE(clock.ceiling_wanted({1'000}).has_value());
  (void)clock.tick({1'000}, 0);
  clock.raise_ceiling(clock.ceiling_wanted({1'000}).value());

  CHECK(clock.ceiling_wanted({9'000'000}).has_value());
  CHECK_FALSE(clock.ceiling_wanted({11'000'000}).has_value());

  CHECK_FALSE(clock.tick({20'000'000}, 0).has_value());
  clock.raise_ceiling(clock.ceiling_wanted({20'000'000}).value());
  CHECK(clock.tick({20'000'000}, 0).has_value());
}

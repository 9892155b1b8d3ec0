#include <doctest/doctest.h>

#include "simulations/world/machine_clock.h"

using namespace pixmesh;

TEST_CASE("simulations: a clock that drifts shows every moment once and no earlier than asked") {
  for (const std::int64_t drift : {-1'000, -1, 0, 7, 1'000}) {
    CAPTURE(drift);
    MachineClock clock;
    clock.set_drift(Instant(10s), drift);
    Instant last = clock.monotonic_at(Instant(10s));
    CHECK(last == Instant(10s));
    for (Duration passed = 11s; passed < 5'000s; passed = passed * 3 / 2) {
      const Instant shown = clock.monotonic_at(Instant(passed));
      CHECK(shown > last);
      last = shown;
      const Instant when = clock.when_shows(shown);
      CHECK(clock.monotonic_at(when) >= shown);
      CHECK(when - Instant(passed) < 5ns);
    }
  }
}

TEST_CASE("simulations: a change of drift makes no clock jump") {
  MachineClock clock;
  clock.set_drift(Instant(0s), 1'000);
  const Instant before = clock.monotonic_at(Instant(100s));
  clock.set_drift(Instant(100s), -1'000);
  CHECK(clock.monotonic_at(Instant(100s)) == before);
  CHECK(before == Instant(100s) + 100ms);
}

TEST_CASE("simulations: only the wall clock is set") {
  MachineClock clock;
  const WallTime before = clock.wall_at(Instant(5s));
  clock.set_wall_shift(-3600s);
  CHECK(clock.monotonic_at(Instant(5s)) == Instant(5s));
  CHECK(before.microseconds - clock.wall_at(Instant(5s)).microseconds == 3'600'000'000);
}

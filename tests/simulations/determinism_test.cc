#include <doctest/doctest.h>

#include "simulations/trial/draw_scenario.h"
#include "simulations/trial/forked_trial.h"

using namespace pixmesh;

namespace {

Scenario short_scenario(std::uint64_t seed) {
  DrawWishes wishes;
  wishes.nodes = 4;
  wishes.safety = 15s;
  wishes.faults.allowed.fill(true);
  return draw_scenario(seed, wishes);
}

}  // namespace

// I18.
TEST_CASE("simulations: one scenario gives one digest, in this process and in another") {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const Scenario scenario = short_scenario(seed);
    const TrialResult here = run_trial(scenario);
    const TrialResult elsewhere = run_forked(scenario);
    CHECK(here.events > 100);
    CHECK(here.digest == elsewhere.digest);
    CHECK(here.events == elsewhere.events);
  }
}

TEST_CASE("simulations: another seed, another digest") {
  CHECK(run_trial(short_scenario(1)).digest != run_trial(short_scenario(2)).digest);
}

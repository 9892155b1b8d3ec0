#include <doctest/doctest.h>

#include <algorithm>

#include "simulations/trial/shrink.h"
#include "simulations/trial/trial.h"

using namespace pixmesh;

// The one copy of the one image rots, which no mesh can survive. Everything else has nothing to do
// with it.
TEST_CASE("simulations: shrinking leaves what the failure needs and nothing else") {
  Scenario scenario;
  scenario.nodes.resize(4);
  scenario.replicas = scenario.write_quorum = 1;
  scenario.safety = 8s;
  for (std::uint32_t i = 0; i < 12; ++i) {
    Event event;
    event.kind = i % 3 == 0 ? EventKind::get : i % 3 == 1 ? EventKind::pause : EventKind::list;
    event.at = std::chrono::milliseconds(500 * i);
    event.node = i % 4;
    event.lasting = 100ms;
    event.name = "a.png";
    scenario.events.push_back(event);
  }
  Event put;
  put.at = 6s;
  put.amount = 900;
  put.name = "a.png";
  scenario.events.push_back(put);
  for (std::uint32_t node = 0; node < 4; ++node) {
    Event rot;
    rot.kind = EventKind::rot;
    rot.at = 7s;
    rot.node = node;
    rot.number = 1;
    scenario.events.push_back(rot);
  }
  REQUIRE(run_trial(scenario).finding.has_value());
  const std::string promise = run_trial(scenario).finding->promise;

  const Scenario small = shrink(scenario, promise, 200, [](const Scenario&) {});

  CHECK(small.events.size() == 2);
  const auto rot = std::find_if(small.events.begin(), small.events.end(),
                                [](const Event& event) { return event.kind == EventKind::rot; });
  REQUIRE(rot != small.events.end());
  CHECK(small.nodes.size() == rot->node + 1);
  REQUIRE(run_trial(small).finding.has_value());
  CHECK(run_trial(small).finding->promise == promise);
}

#include "simulations/trial/draw_scenario.h"

#include <algorithm>

#include "simulations/workload/draw.h"

namespace pixmesh {
namespace {

std::uint32_t draw_node_count(Rng& rng) {
  if (rng.below(20) == 0) return static_cast<std::uint32_t>(13 + rng.below(12));
  if (rng.below(4) == 0) return static_cast<std::uint32_t>(1 + rng.below(12));
  return static_cast<std::uint32_t>(3 + rng.below(5));
}

void draw_nodes(Rng rng, std::uint32_t count, Scenario& scenario) {
  const std::uint64_t zones = 1 + rng.below(6);
  const bool equal = rng.below(2) == 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    PlannedNode node;
    node.zone = static_cast<std::uint32_t>(rng.below(zones));
    node.weight = equal ? 4 : static_cast<std::uint32_t>(1 + rng.below(8));
    scenario.nodes.push_back(node);
  }
}

// Far shorter than in life, or nobody would be evicted; one scenario in fifty has the true delay.
Duration draw_out_delay(Rng rng) {
  if (rng.below(50) == 0) return 10min;
  return std::chrono::milliseconds(5'000 + rng.below(55'001));
}

bool allows(const DrawWishes& wishes, FaultClass fault) {
  return wishes.faults.allowed[static_cast<std::size_t>(fault)];
}

}  // namespace

Scenario draw_scenario(std::uint64_t seed, const DrawWishes& wishes) {
  Rng rng(seed);
  Scenario scenario;
  scenario.seed = seed;
  Rng shape = rng.split();
  Rng nodes = rng.split();
  Rng faults = rng.split();
  Rng operations = rng.split();
  scenario.out_delay = draw_out_delay(rng.split());
  const std::uint32_t drawn = draw_node_count(shape);
  draw_nodes(nodes, wishes.nodes ? *wishes.nodes : drawn, scenario);
  scenario.partition_bits =
      static_cast<std::uint32_t>(6 + (shape.below(4) == 0 ? shape.below(5) : 0));
  scenario.clients = static_cast<std::uint32_t>(1 + shape.below(4));
  const Duration length = std::chrono::seconds(30 + shape.below(91));
  scenario.safety = wishes.safety ? *wishes.safety : length;

  scenario.events = draw_faults(faults, scenario, wishes.faults);
  ClientFaults client_faults;
  client_faults.any = allows(wishes, FaultClass::client) && operations.below(2) == 0;
  Rng own = operations.split();
  client_faults.repeats = allows(wishes, FaultClass::repeat) && operations.below(2) == 0;
  auto more = draw_operations(own, scenario, client_faults);
  scenario.events.insert(scenario.events.end(), more.begin(), more.end());
  std::stable_sort(scenario.events.begin(), scenario.events.end(),
                   [](const Event& a, const Event& b) { return a.at < b.at; });
  return scenario;
}

}  // namespace pixmesh

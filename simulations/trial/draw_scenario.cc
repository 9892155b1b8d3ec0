#include "simulations/trial/draw_scenario.h"

#include <algorithm>
#include <array>

#include "simulations/faults/chances.h"
#include "simulations/workload/draw.h"

namespace pixmesh {
namespace {

// A mesh of 100 takes as long to simulate as forty of seven.
std::uint32_t draw_node_count(Rng& rng) {
  if (rng.below(20) == 0) {
    const bool huge = rng.below(5) == 0;
    return static_cast<std::uint32_t>(huge ? between(rng, 41, 100) : log_between(rng, 13, 40));
  }
  if (rng.below(4) == 0) return static_cast<std::uint32_t>(1 + rng.below(12));
  return static_cast<std::uint32_t>(3 + rng.below(5));
}

void draw_nodes(Rng rng, std::uint32_t count, bool with_disks, Scenario& scenario) {
  const std::uint64_t zones = 1 + rng.below(6);
  const bool equal = rng.below(2) == 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    PlannedNode node;
    node.zone = static_cast<std::uint32_t>(rng.below(zones));
    node.weight = equal ? 4 : static_cast<std::uint32_t>(1 + rng.below(8));
    scenario.nodes.push_back(node);
  }
  if (!with_disks || rng.below(5) > 0) return;
  for (PlannedNode& node : scenario.nodes) {
    node.disks = static_cast<std::uint32_t>(1 + rng.below(3));
  }
}

// Far shorter than in life, or nobody would be evicted; one scenario in fifty has the true delay.
Duration draw_out_delay(Rng rng) {
  if (rng.below(50) == 0) return 10min;
  return std::chrono::milliseconds(5'000 + rng.below(55'001));
}

// One scenario of fifty goes on so many times longer, with no more in it, and somebody is silent
// for minutes.
void draw_rare(Rng rng, Scenario& scenario) {
  if (rng.below(50) != 0) return;
  const auto longer = static_cast<std::int64_t>(4 + rng.below(5));
  scenario.safety *= longer;
  for (Event& event : scenario.events) event.at *= longer;
  static constexpr std::array kinds{EventKind::pause,   EventKind::pause, EventKind::crash,
                                    EventKind::isolate, EventKind::split, EventKind::cut};
  for (std::uint64_t i = 1 + rng.below(3); i > 0; --i) {
    Event silence;
    silence.kind = kinds[rng.below(kinds.size())];
    silence.at =
        std::chrono::microseconds(rng.below(static_cast<std::uint64_t>(scenario.safety / 2us)));
    silence.node = static_cast<std::uint32_t>(rng.below(scenario.nodes.size()));
    silence.peer = static_cast<std::uint32_t>(rng.below(scenario.nodes.size()));
    silence.lasting = std::chrono::seconds(60 + rng.below(641));
    silence.amount = static_cast<std::int64_t>(1 + rng.below((1ULL << 62) - 1));
    scenario.events.push_back(std::move(silence));
  }
}

// One to three images lose all their copies. Where disks come and go, one that comes soon after
// has most partitions of its node move.
void draw_beyond(Rng rng, bool with_bays, Scenario& scenario) {
  for (std::uint64_t i = between(rng, 1, 3); i > 0; --i) {
    Event destroyed;
    destroyed.kind = EventKind::destroyed;
    destroyed.at =
        std::chrono::microseconds(rng.below(static_cast<std::uint64_t>(scenario.safety / 1us)));
    destroyed.node = static_cast<std::uint32_t>(rng.below(scenario.nodes.size()));
    destroyed.amount = static_cast<std::int64_t>(rng.below(1'000'000));
    destroyed.number = static_cast<std::uint32_t>(rng.below(1'000));
    Event added = destroyed;
    scenario.events.push_back(std::move(destroyed));
    if (!with_bays || rng.below(2) == 0) continue;
    added.kind = EventKind::add_disk;
    added.at += std::chrono::microseconds(rng.below(20'000'000));
    added.amount = 8;
    added.number = 0;
    scenario.events.push_back(std::move(added));
  }
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
  draw_nodes(nodes, wishes.nodes ? *wishes.nodes : drawn, allows(wishes, FaultClass::bay),
             scenario);
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
  Rng rare = rng.split();
  if (allows(wishes, FaultClass::rare) && !wishes.safety) draw_rare(rare, scenario);
  Rng beyond = rng.split();
  const bool drawn_beyond = beyond.below(wishes.faults.beyond_one_in) == 0;
  if (allows(wishes, FaultClass::beyond) && drawn_beyond) {
    const bool with_bays = allows(wishes, FaultClass::bay) && scenario.has_several_disks();
    draw_beyond(beyond, with_bays, scenario);
  }
  std::stable_sort(scenario.events.begin(), scenario.events.end(),
                   [](const Event& a, const Event& b) { return a.at < b.at; });
  return scenario;
}

}  // namespace pixmesh

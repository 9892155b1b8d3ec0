#include <doctest/doctest.h>

#include <string>

#include "history.h"
#include "ring/difference.h"
#include "ring/placement.h"

using namespace pixmesh;
using namespace pixmesh::test;

namespace {

std::uint64_t gained_slots(const PlacementTable& before, const PlacementTable& after) {
  std::uint64_t slots = 0;
  for (const PartitionChange& change : difference_of(before, after)) slots += change.gained.size();
  return slots;
}

struct Movement {
  std::uint64_t moved = 0;
  std::uint64_t ideal = 0;
  double worst = 0;  // of single changes whose ideal is at least 100 slots

  [[nodiscard]] double ratio() const {
    return static_cast<double>(moved) / static_cast<double>(ideal);
  }
};

Movement movement_of(const HistoryOptions& shape, std::uint32_t partition_bits, int changes,
                     Rng rng) {
  History history(shape, rng);
  const PlacementOptions options{.partition_bits = partition_bits};
  PlacementTable before = compute_placement(history.members(), options);
  Movement movement;
  for (int i = 0; i < changes; ++i) {
    history.step();
    PlacementTable after = compute_placement(history.members(), options);
    REQUIRE(broken_promise(after, history.members(), options) == "");
    const std::uint64_t moved = gained_slots(before, after);
    const std::uint64_t ideal = ideal_movement(before, after);
    movement.moved += moved;
    movement.ideal += ideal;
    if (ideal >= 100) {
      const double ratio = static_cast<double>(moved) / static_cast<double>(ideal);
      movement.worst = ratio > movement.worst ? ratio : movement.worst;
    }
    before = std::move(after);
  }
  return movement;
}

}  // namespace

TEST_CASE("ring: every table of a random history keeps caps, zones, and fills every slot") {
  const std::uint64_t seed = test_seed();
  CAPTURE(seed);
  Rng chance(seed);

  for (std::uint32_t zones = 1; zones <= 6; ++zones) {
    // Even ones grow from nothing, odd ones begin anywhere up to 300 members.
    const std::size_t start = zones % 2 == 0 ? 1 : 1 + chance.below(300);
    History history({.zone_count = zones, .members_at_start = start}, chance.split());
    const PlacementOptions options{.partition_bits = 7,
                                   .replicas = 1 + static_cast<std::uint32_t>(chance.below(8)),
                                   .key = chance.next()};
    for (int change = 0; change < 200; ++change) {
      history.step();
      CAPTURE(zones);
      CAPTURE(change);
      CAPTURE(options.replicas);
      const PlacementTable table = compute_placement(history.members(), options);
      REQUIRE(broken_promise(table, history.members(), options) == "");
    }
  }
}

TEST_CASE("ring: large meshes keep caps, zones, and fill every slot") {
  const std::uint64_t seed = test_seed() + 1;
  CAPTURE(seed);
  Rng chance(seed);

  for (const std::uint32_t zones : {1U, 2U, 3U, 4U, 5U, 6U, 40U}) {
    History history({.zone_count = zones, .members_min = 300}, chance.split());
    const PlacementOptions options{.partition_bits = 10};
    const PlacementTable table = compute_placement(history.members(), options);
    CAPTURE(zones);
    REQUIRE(broken_promise(table, history.members(), options) == "");
  }
}

TEST_CASE("ring: the order in which members are listed does not matter") {
  const std::uint64_t seed = test_seed() + 2;
  CAPTURE(seed);
  Rng chance(seed);

  for (std::uint32_t zones = 1; zones <= 6; ++zones) {
    History history({.zone_count = zones, .members_min = 5, .members_max = 40}, chance.split());
    const PlacementOptions options{.partition_bits = 9};
    for (int change = 0; change < 10; ++change) {
      history.step();
      const PlacementTable table = compute_placement(history.members(), options);
      const PlacementTable other = compute_placement(history.shuffled(), options);
      CHECK(difference_of(table, other).empty());
      CHECK(table.nodes() == other.nodes());
    }
  }
}

// The goals are those of the decision record on placement: ratios to the ideal, over a history
// whose nodes hold 500 slots and more on average; for single changes 2.5 (over 60 seeds of these
// tests the worst was 2.35 with two zones and 2.0 with others).
TEST_CASE("ring: with one zone or as many as replicas a history moves at most 1.15 of the ideal") {
  const std::uint64_t seed = test_seed() + 3;
  MESSAGE("seed ", seed);
  for (const std::uint32_t zones : {1U, 3U}) {
    const Movement movement = movement_of(
        {.zone_count = zones, .members_min = 4, .members_max = 12}, 11, 60, Rng(seed + zones));
    MESSAGE(zones, " zones: ", movement.ratio(), ", worst ", movement.worst);
    CHECK(movement.ratio() <= 1.15);
    CHECK(movement.worst <= 2.5);
  }
}

TEST_CASE("ring: with two evenly filled zones a history moves at most 1.35 of the ideal") {
  const std::uint64_t seed = test_seed() + 4;
  const Movement movement =
      movement_of({.zone_count = 2, .members_min = 6, .members_max = 12, .even_zones = true}, 11,
                  60, Rng(seed));
  MESSAGE("seed ", seed, ", 2 zones: ", movement.ratio(), ", worst ", movement.worst);
  CHECK(movement.ratio() <= 1.35);
  CHECK(movement.worst <= 2.5);
}

TEST_CASE("ring: with four to six zones a history moves at most 1.75 of the ideal") {
  const std::uint64_t seed = test_seed() + 5;
  MESSAGE("seed ", seed);
  for (const std::uint32_t zones : {4U, 5U, 6U}) {
    const Movement movement = movement_of(
        {.zone_count = zones, .members_min = 14, .members_max = 24}, 12, 20, Rng(seed + zones));
    MESSAGE(zones, " zones: ", movement.ratio(), ", worst ", movement.worst);
    CHECK(movement.ratio() <= 1.75);
    CHECK(movement.worst <= 2.5);
  }
}

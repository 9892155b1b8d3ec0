#include "simulations/studies/placement.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "simulations/rivals/rivals.h"

using namespace pixmesh;
using namespace pixmesh::studies;

namespace {

PlacementStudyOptions small_study() {
  PlacementStudyOptions options;
  options.nodes = {6};
  options.zones = {"1", "2e"};
  options.histories = 1;
  options.changes = 6;
  return options;
}

}  // namespace

TEST_CASE("studies: the same seed gives the same placement report, another one another") {
  PlacementStudyOptions options = small_study();
  const Json first = json_of(placement_study(options));

  CHECK(json_of(placement_study(options)) == first);
  options.seed = 2;
  CHECK(json_of(placement_study(options)) != first);
}

TEST_CASE("studies: only the product's placement keeps every node below its cap") {
  const Json rows = json_of(placement_study(small_study()))["placement"];

  REQUIRE(rows.size() == 6);
  for (const Json& row : rows) {
    CHECK(row["tables"] == 7);
    CHECK((row["over"] == 0) == (row["way"] == "pixmesh"));
    CHECK(row["moved"] > 0.5);
  }
}

TEST_CASE("studies: a node is over its cap above its target rounded up and 1.03 of it") {
  Outcome outcome;
  const auto slots = [](std::uint64_t whole) { return whole << slot_bits; };
  outcome.nodes.resize(4);
  outcome.targets = {slots(1000), slots(1000), slots(2) + 1, slots(2) + 1};
  outcome.loads = {1030, 1031, 3, 4};
  CHECK(over_cap_count(outcome) == 2);
}

TEST_CASE("studies: a number of zones may be followed by an e") {
  CHECK(zones_fault("4") == "");
  CHECK(zones_fault("12e") == "");
  for (const char* wrong : {"", "e", "0", "101", "4x", "4ee", "-1", "4e "}) {
    CHECK_MESSAGE(zones_fault(wrong) != "", wrong);
  }
}

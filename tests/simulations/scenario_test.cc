#include <doctest/doctest.h>

#include <map>
#include <string>

#include "simulations/trial/draw_scenario.h"

using namespace pixmesh;

TEST_CASE("simulations: a scenario reads as it was written") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    DrawWishes wishes;
    wishes.faults.allowed.fill(true);
    const Scenario scenario = draw_scenario(seed, wishes);

    const auto read = parse_scenario(text_of(scenario));

    REQUIRE(read.has_value());
    CHECK(read->events.size() == scenario.events.size());
    CHECK(text_of(read.value()) == text_of(scenario));
  }
}

TEST_CASE("simulations: a line that is no event is named") {
  const std::string head = "seed 4\nnode zone 0 weight 8\n# a note\n\n";
  CHECK(parse_scenario(head + "1.500000 crash node=0 for=2.000000\n").has_value());
  for (const char* bad :
       {"1.5 crash node=0 for=2.000000", "1.500000 trip node=0", "1.500000 crash peer=0",
        "1.500000 crash node=x", "crash node=0", "speed 4"}) {
    CAPTURE(bad);
    const auto read = parse_scenario(head + bad);
    REQUIRE(!read.has_value());
    CHECK(read.error().detail == "line 5: '" + std::string(bad) + "'");
  }
  CHECK(!parse_scenario("seed 4\n").has_value());
}

TEST_CASE("simulations: a node has as many disks as its line says, one without a word of it") {
  const auto read = parse_scenario(
      "node zone 0 weight 8\nnode zone 1 weight 4 disks 3\n"
      "1.500000 disk-slow node=1 for=2.000000 amount=9 disk=2\n");
  REQUIRE(read.has_value());
  CHECK(read->nodes[0].disks == 1);
  CHECK(read->nodes[1].disks == 3);
  CHECK(read->events[0].disk == 2);
  for (const char* bad : {"node zone 0 weight 8 disks", "node zone 0 weight 8 disks 0",
                          "node zone 0 weight 8 disks 5", "node zone 0 weight 8 weight 9",
                          "node zone 0 weight 8\n1.500000 pause node=0 for=2.000000 disk=1"}) {
    CAPTURE(bad);
    CHECK(!parse_scenario(bad).has_value());
  }
}

TEST_CASE("simulations: in one mesh of five nodes have several disks, if these may come and go") {
  DrawWishes wishes;
  wishes.safety = 1s;
  const auto count = [&wishes](bool allowed) {
    wishes.faults.allowed.fill(false);
    wishes.faults.allowed[static_cast<std::size_t>(FaultClass::bay)] = allowed;
    std::size_t several = 0;
    for (std::uint64_t seed = 1; seed <= 1'000; ++seed) {
      several += draw_scenario(seed, wishes).has_several_disks() ? 1 : 0;
    }
    return several;
  };
  CHECK(count(true) > 140);
  CHECK(count(true) < 220);
  CHECK(count(false) == 0);
}

TEST_CASE(
    "simulations: one mesh in twenty has more than twelve nodes, one in a hundred more than 40") {
  constexpr std::uint64_t seeds = 4'000;
  DrawWishes wishes;
  wishes.faults.allowed.fill(false);
  wishes.safety = 1s;
  std::map<std::string, std::size_t> counts;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    const std::size_t nodes = draw_scenario(seed, wishes).nodes.size();
    REQUIRE(nodes >= 1);
    REQUIRE(nodes <= 100);
    ++counts[nodes <= 12 ? "usual" : nodes <= 40 ? "large" : "huge"];
  }
  CHECK(counts["large"] > seeds / 30);
  CHECK(counts["large"] < seeds / 20);
  CHECK(counts["huge"] > seeds / 150);
  CHECK(counts["huge"] < seeds / 70);
}

TEST_CASE("simulations: classes that are not wanted are not drawn") {
  DrawWishes wishes;
  wishes.faults.allowed.fill(false);
  wishes.faults.allowed[static_cast<std::size_t>(FaultClass::crash)] = true;
  bool crashed = false;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    for (const Event& event : draw_scenario(seed, wishes).events) {
      const FaultClass fault = form_of(event.kind).fault;
      crashed = crashed || fault == FaultClass::crash;
      CHECK((fault == FaultClass::crash || fault == FaultClass::operation));
    }
  }
  CHECK(crashed);
}

TEST_CASE("simulations: leaving one class out leaves the draws of the others alone") {
  DrawWishes all;
  all.faults.allowed.fill(true);
  DrawWishes most = all;
  most.faults.allowed[static_cast<std::size_t>(FaultClass::network)] = false;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    std::vector<Event> kept;
    for (const Event& event : draw_scenario(seed, all).events) {
      if (form_of(event.kind).fault != FaultClass::network) kept.push_back(event);
    }
    CHECK(kept == draw_scenario(seed, most).events);
  }
}

#include "membership/wall_clocks.h"

#include <doctest/doctest.h>

#include "sample_mesh.h"

using namespace pixmesh;

namespace {

constexpr std::uint64_t noon = 1'700'000'000'000'000;
constexpr std::uint64_t second = 1'000'000;
const Instant start = Instant{} + 1000s;

/// Our clocks after we have probed node 2, 3, … with an instant answer, each showing noon and this
/// many seconds more.
WallClocks clocks_of(const std::vector<std::int64_t>& others) {
  WallClocks clocks;
  for (std::uint8_t i = 0; i < others.size(); ++i) {
    const NodeId node = node_number(static_cast<std::uint8_t>(i + 2));
    clocks.on_asked(start, node, i);
    clocks.on_answer(start, node, i,
                     {noon + static_cast<std::uint64_t>(others[i] * std::int64_t{second})});
  }
  return clocks;
}

ClockStanding standing_of(const std::vector<std::int64_t>& others, std::int64_t own) {
  return clocks_of(others).standing(
      start, {noon + static_cast<std::uint64_t>(own * std::int64_t{second})}, others.size() + 1);
}

}  // namespace

TEST_CASE("membership: a clock is outside when it is 30 s from the lower median of all clocks") {
  CHECK(standing_of({0, 0}, 31).is_outside());
  CHECK(standing_of({0, 0}, -31).is_outside());
  CHECK_FALSE(standing_of({0, 0}, 29).is_outside());
  CHECK_FALSE(standing_of({0, 74}, 1).is_outside());  // another's fault is not ours
  CHECK(standing_of({0, 0}, 31).ahead == 31 * std::int64_t{second});
  CHECK(standing_of({0, 0}, -31).ahead == -31 * std::int64_t{second});
}

TEST_CASE("membership: of an even number of clocks the lower of the two middle ones counts") {
  CHECK_FALSE(standing_of({0, 100, 100}, 0).is_outside());
  CHECK(standing_of({0, 0, 100}, 100).is_outside());
}

TEST_CASE("membership: two clocks cannot tell which of them is wrong") {
  const ClockStanding standing = standing_of({0}, 74);
  CHECK(standing.is_far());
  CHECK_FALSE(standing.is_outside());
}

TEST_CASE("membership: the clocks of half of the living are too few to judge by") {
  const WallClocks clocks = clocks_of({0, 0});
  CHECK(clocks.standing(start, {noon + 74 * second}, 5).is_outside());
  CHECK_FALSE(clocks.standing(start, {noon + 74 * second}, 6).is_outside());
}

TEST_CASE("membership: a reading is carried forward, and ours may be set right meanwhile") {
  const WallClocks clocks = clocks_of({0, 0});
  CHECK_FALSE(clocks.standing(start + 1h, {noon + 3600 * second}, 3).is_outside());
  CHECK(clocks.standing(start + 1h, {noon + 3674 * second}, 3).is_outside());
  CHECK_FALSE(clocks.standing(start + 1h + 1s, {noon + 3601 * second}, 3).is_far());
}

TEST_CASE("membership: an answer that took long, or to another question, tells no time") {
  WallClocks clocks;
  clocks.on_asked(start, node_number(2), 7);
  clocks.on_answer(start + 1s, node_number(2), 6, {noon});
  CHECK(clocks.heard().empty());
  clocks.on_answer(start + 3s, node_number(2), 7, {noon});
  CHECK(clocks.heard().empty());

  clocks.on_asked(start + 4s, node_number(2), 8);
  clocks.on_asked(start + 5s, node_number(2), 8);  // the probe said again
  clocks.on_answer(start + 6s, node_number(2), 8, {noon});
  REQUIRE(clocks.heard().size() == 1);
  CHECK(clocks.heard()[0].at == start + 5s);
}

TEST_CASE("membership: only the clocks of the living count") {
  WallClocks clocks = clocks_of({100, 100, 0});
  CHECK(clocks.standing(start, {noon}, 4).ahead == 0);
  clocks.keep_only({node_number(1), node_number(2), node_number(3)});
  CHECK(clocks.heard().size() == 2);
  CHECK(clocks.standing(start, {noon}, 3).is_outside());
}

TEST_CASE("membership: a clock too far ahead is told, but not by whoever is outside itself") {
  const WallClocks clocks = clocks_of({0, 0, 0});
  const WallTime far{noon + 74 * second};
  CHECK(clocks.is_too_early(start, {noon}, 4, far));
  CHECK(clocks.is_too_early(start, {noon + 20 * second}, 4, far));
  CHECK_FALSE(clocks.is_too_early(start, {noon}, 4, {noon + 29 * second}));
  CHECK_FALSE(clocks.is_too_early(start, {noon}, 4, {noon - 74 * second}));  // it may be old
  CHECK_FALSE(clocks.is_too_early(start, {noon - 40 * second}, 4, far));
  CHECK_FALSE(clocks_of({0}).is_too_early(start, {noon}, 2, far));
}

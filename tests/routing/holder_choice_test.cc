#include "routing/holder_choice.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>

#include "routing/avoidance.h"

using namespace pixmesh;

namespace {

NodeId node_of(std::uint8_t number) { return {{number}}; }

}  // namespace

TEST_CASE("routing: the score is the wait that a holder tells and the run's share of it") {
  CHECK(score_of({node_of(1), 2, 1, 0, 2, 200'000, 450'000}) == 550'000);
  CHECK(score_of({node_of(1), 0, 0, 0, 4, 200'000, 0}) == 50'000);
}

TEST_CASE("routing: a busy holder that tells no wait gets its jobs per worker for it") {
  CHECK(score_of({node_of(1), 2, 1, 0, 2, 200'000, 0}) == 400'000);
  CHECK(score_of({node_of(1), 0, 0, 3, 1, 0, 0}) == 4);
}

TEST_CASE("routing: huge numbers of a hostile holder overflow nothing") {
  const auto most = std::numeric_limits<std::uint32_t>::max();
  const HolderLoad huge{node_of(1),
                        most,
                        most,
                        most,
                        1,
                        std::numeric_limits<std::uint64_t>::max(),
                        std::numeric_limits<std::uint64_t>::max()};
  CHECK(score_of(huge) == std::numeric_limits<std::uint64_t>::max());
}

TEST_CASE("routing: holders are ranked by score, then by lower id, whatever their order") {
  const HolderLoad busy{node_of(1), 2, 3, 0, 2, 100'000, 0};
  const HolderLoad idle_high{node_of(9), 0, 0, 0, 2, 100'000, 0};
  const HolderLoad idle_low{node_of(4), 0, 0, 0, 2, 100'000, 0};
  const HolderLoad announced{node_of(2), 0, 0, 1, 2, 100'000, 0};
  const HolderLoad unable{node_of(0), 0, 0, 0, 0, 1, 0};

  const std::vector<Candidate> expected{
      {node_of(4), 50'000}, {node_of(9), 50'000}, {node_of(2), 100'000}, {node_of(1), 300'000}};
  CHECK(rank_holders(std::vector{busy, idle_high, idle_low, announced, unable}) == expected);
  CHECK(rank_holders(std::vector{idle_low, unable, announced, busy, idle_high}) == expected);
  CHECK(rank_holders({}).empty());
}

TEST_CASE("routing: requests that are announced at one moment do not all go to one holder") {
  std::vector<std::uint8_t> chosen;
  std::vector<HolderLoad> holders{{node_of(1), 2, 0, 0, 2, 100'000, 100'000},
                                  {node_of(2), 2, 0, 0, 2, 100'000, 110'000},
                                  {node_of(3), 2, 4, 0, 2, 100'000, 300'000}};
  for (std::uint32_t before = 0; before < 8; ++before) {  // the same loads, so many of them ahead
    for (HolderLoad& load : holders) {
      load.announced = before;
      load.wait_micros += before > 0 ? load.service_micros / load.workers : 0;
    }
    chosen.push_back(rank_holders(holders).front().node.raw[0]);
  }
  CHECK(std::ranges::count(chosen, 1) == 4);
  CHECK(std::ranges::count(chosen, 2) == 4);  // the third has more to do

  for (HolderLoad& load : holders) load = {load.node, 0, 0, 40, 2, 100'000, 0};
  holders[0].announced = 0;  // what the others are told of has gone elsewhere
  CHECK(rank_holders(holders).front() == Candidate{node_of(1), 50'000});
}

TEST_CASE("routing: a silent holder is avoided for one second") {
  const Instant start{};
  const std::vector<NodeId> holders{node_of(1), node_of(2)};
  Avoidance avoidance;
  avoidance.on_unanswered(start, node_of(1));

  CHECK(avoidance.preferred(start + 999ms, holders) == std::vector{node_of(2)});
  CHECK(avoidance.preferred(start + 1s, holders) == holders);
  avoidance.on_unanswered(start + 2s, node_of(1));
  CHECK(avoidance.avoids(start + 2s, node_of(1)));
  avoidance.on_answered(node_of(1));
  CHECK_FALSE(avoidance.avoids(start + 2s, node_of(1)));
}

TEST_CASE("routing: when every holder is avoided all of them are asked") {
  const Instant start{};
  const std::vector<NodeId> holders{node_of(1), node_of(2)};
  Avoidance avoidance;
  for (const NodeId holder : holders) avoidance.on_unanswered(start, holder);
  CHECK(avoidance.preferred(start, holders) == holders);

  avoidance.on_unanswered(start + 5s, node_of(3));
  CHECK(avoidance.count() == 1);
}

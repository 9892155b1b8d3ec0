#include "routing/same_work.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "routing/request.h"

using namespace pixmesh;

namespace {

constexpr Instant start{};

NodeId node_of(std::uint8_t number) { return {{number}}; }
Digest work_number(std::uint32_t number) {
  return {{static_cast<std::uint8_t>(number), static_cast<std::uint8_t>(number >> 8), 3}};
}

const std::vector<NodeId> three{node_of(1), node_of(2), node_of(3)};
const std::vector<Candidate> ranked{{node_of(1), 10}, {node_of(2), 20}, {node_of(3), 30}};

std::vector<NodeId> order(std::vector<WorkAnswer> answers, bool late = false) {
  std::vector<NodeId> nodes;
  for (const Candidate& one : in_order_of_work(work_number(1), ranked, answers, late)) {
    nodes.push_back(one.node);
  }
  return nodes;
}

LoadAnswer idle_answer() { return {OperationId{7}, true, true, 0, 0, 0, 2, 100'000}; }

RunPlacement placement_of(const Digest& work) {
  ProbeLoad probe{OperationId{7}, RequestId{{1}}, "thumbnail", Digest{{2}}};
  probe.work = work;
  return {probe, three};
}

template <typename Effect>
std::vector<Effect> all(const RunPlacement::Effects& effects) {
  std::vector<Effect> found;
  for (const PlacementEffect& effect : effects) {
    if (const auto* one = std::get_if<Effect>(&effect)) found.push_back(*one);
  }
  return found;
}

}  // namespace

TEST_CASE("routing: each holder is the arbiter of its share of all work, whatever the order") {
  std::map<NodeId, int> share;
  for (std::uint32_t i = 0; i < 3'000; ++i) ++share[arbiter_of(work_number(i), three)];

  CHECK(share.size() == 3);
  for (const auto& [node, count] : share) CHECK(count > 850);
  CHECK(arbiter_of(work_number(5), std::vector{node_of(3), node_of(1), node_of(2)}) ==
        arbiter_of(work_number(5), three));
  CHECK(arbiter_of(work_number(5), std::vector<NodeId>{}) == NodeId{});
}

TEST_CASE(
    "routing: work goes where its result is, else where it goes on, else to the best holder") {
  CHECK(order({}).front() == node_of(1));
  CHECK(order({{node_of(2), KnownWork::going_on, {}, false}}).front() == node_of(2));
  CHECK(order({{node_of(2), KnownWork::going_on, {}, false},
               {node_of(3), KnownWork::kept, {}, false}})
            .front() == node_of(3));
  CHECK(order({{node_of(1), KnownWork::nothing, node_of(3), false}}).front() == node_of(3));
}

TEST_CASE("routing: in doubt all go to the same holder, and behind the first in the same order") {
  const NodeId first = arbiter_of(work_number(1), three);

  CHECK(order({}, true).front() == first);
  CHECK(order({{node_of(1), KnownWork::nothing, {}, true}}).front() == first);
  CHECK(order({{node_of(1), KnownWork::nothing, node_of(9), false}}).front() == first);
  std::vector<NodeId> rest = order({});
  std::vector<NodeId> also = order({{node_of(2), KnownWork::kept, {}, false}});
  std::erase(rest, node_of(1));
  std::erase(rest, node_of(2));
  std::erase(also, node_of(1));
  std::erase(also, node_of(2));
  CHECK(rest == also);
}

TEST_CASE("routing: the arbiter alone is asked to keep apart, and told where the request went") {
  RunPlacement placement = placement_of(work_number(4));
  const NodeId arbiter = arbiter_of(work_number(4), three);

  for (const SendProbe& probe : all<SendProbe>(placement.start(start))) {
    CHECK(probe.message.arbiter == (probe.to == arbiter));
    CHECK(probe.message.work == work_number(4));
  }
  LoadAnswer known = idle_answer();
  known.known = KnownWork::going_on;
  (void)placement.on_answer(start, node_of(1), idle_answer());
  (void)placement.on_answer(start, node_of(3), idle_answer());
  const auto decided = placement.on_answer(start, node_of(2), known);

  CHECK(all<Placed>(decided).front().candidates.front().node == node_of(2));
  std::vector<NodeId> told;
  for (const SendRelease& release : all<SendRelease>(decided)) {
    CHECK(release.message.placed_at == node_of(2));
    told.push_back(release.to);
  }
  const std::size_t others = arbiter == node_of(2) ? 3 : 2;
  CHECK(told.size() == others);
}

TEST_CASE("routing: where it failed it is tried, unless somebody has a result or makes one") {
  const auto placed_with = [](KnownWork third) {
    RunPlacement placement = placement_of(work_number(4));
    (void)placement.start(start);
    LoadAnswer failed = idle_answer();
    failed.known = KnownWork::failed;
    failed.queued = 9;
    LoadAnswer last = idle_answer();
    last.known = third;
    CHECK(placement.on_answer(start, node_of(1), failed).empty());  // another one may have it
    CHECK(placement.on_answer(start, node_of(2), idle_answer()).empty());
    return all<Placed>(placement.on_answer(start, node_of(3), last))
        .front()
        .candidates.front()
        .node;
  };

  CHECK(placed_with(KnownWork::nothing) == node_of(1));
  CHECK(placed_with(KnownWork::going_on) == node_of(3));
  CHECK(placed_with(KnownWork::kept) == node_of(3));
}

TEST_CASE("routing: once the place of the work is known nobody waits for others or avoids them") {
  for (const KnownWork known : {KnownWork::kept, KnownWork::going_on}) {
    RunPlacement placement = placement_of(work_number(4));
    (void)placement.start(start);
    LoadAnswer knows = idle_answer();
    knows.known = known;

    const auto decided = placement.on_answer(start + 1ms, node_of(2), knows);

    REQUIRE(all<Placed>(decided).size() == 1);
    CHECK(all<Placed>(decided).front().candidates.front().node == node_of(2));
    CHECK(all<HolderSilent>(decided).empty());
    CHECK(placement.on_answer(start + 2ms, node_of(1), idle_answer()).empty());
  }
}

TEST_CASE("routing: a slow holder may be where the work goes on, and is waited for for a second") {
  RunPlacement placement = placement_of(work_number(4));
  (void)placement.start(start);
  (void)placement.on_answer(start, node_of(1), idle_answer());
  (void)placement.on_answer(start, node_of(3), idle_answer());
  CHECK(placement.on_deadline(start + 999ms).empty());
  LoadAnswer knows = idle_answer();
  knows.known = KnownWork::going_on;

  const auto decided = placement.on_answer(start + 999ms, node_of(2), knows);

  REQUIRE(all<Placed>(decided).size() == 1);
  CHECK(all<Placed>(decided).front().candidates.front().node == node_of(2));
}

TEST_CASE(
    "routing: who may lack the image is asked about the work, and runs it only if it is there") {
  const std::vector<NodeId> others{node_of(3)};
  const auto placed_after = [&](const LoadAnswer& third) {
    ProbeLoad probe{OperationId{7}, RequestId{{1}}, "thumbnail", Digest{{2}}};
    probe.work = work_number(4);
    RunPlacement placement(probe, {node_of(1), node_of(2)}, {}, others);
    CHECK(all<SendProbe>(placement.start(start)).size() == 3);
    LoadAnswer busy = idle_answer();
    busy.queued = 9;
    (void)placement.on_answer(start, node_of(1), busy);
    (void)placement.on_answer(start, node_of(2), busy);
    return all<Placed>(placement.on_answer(start, node_of(3), third)).front().candidates;
  };
  LoadAnswer knows = idle_answer();
  knows.known = KnownWork::going_on;

  CHECK(placed_after(knows).front().node == node_of(3));
  const auto without = placed_after(idle_answer());
  CHECK(without.size() == 2);
  CHECK(std::ranges::count(without, node_of(3), &Candidate::node) == 0);
}

TEST_CASE("routing: a choice that took long is not by load but by the order of the work") {
  RunPlacement placement = placement_of(work_number(4));
  (void)placement.start(start);
  LoadAnswer busy = idle_answer();
  busy.queued = 50;
  const NodeId arbiter = arbiter_of(work_number(4), three);
  for (const NodeId node : three) {
    const auto effects =
        placement.on_answer(start + 850ms, node, node == arbiter ? busy : idle_answer());
    const auto placed = all<Placed>(effects);
    if (!placed.empty()) CHECK(placed.front().candidates.front().node == arbiter);
  }
  CHECK(placement.decided());
}

TEST_CASE("routing: a holder that is full still gives out a result that it keeps") {
  RunPlacement placement = placement_of(work_number(1));
  (void)placement.start(start);
  LoadAnswer full = idle_answer();
  full.retry_after_ms = 700;
  full.too_large = true;
  (void)placement.on_answer(start, node_of(1), full);
  (void)placement.on_answer(start, node_of(2), full);
  full.known = KnownWork::kept;

  const auto placed = all<Placed>(placement.on_answer(start, node_of(3), full));
  REQUIRE(placed.size() == 1);
  REQUIRE(placed.front().candidates.size() == 1);
  CHECK(placed.front().candidates.front().node == node_of(3));
}

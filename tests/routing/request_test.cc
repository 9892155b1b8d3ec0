#include "routing/request.h"

#include <doctest/doctest.h>

#include "base/machine.h"
#include "base/rng.h"
#include "routing/hot_images.h"

using namespace pixmesh;

static_assert(Machine<RunPlacement>);

namespace {

constexpr Instant start{};
using Effects = RunPlacement::Effects;

NodeId node_of(std::uint8_t number) { return {{number}}; }

ProbeLoad probe() { return {OperationId{7}, RequestId{{1}}, "thumbnail", Digest{{2}}}; }

RunPlacement placement_of(std::vector<NodeId> holders) { return {probe(), std::move(holders)}; }

LoadAnswer answer_of(std::uint32_t queued) {
  return {OperationId{7}, true, true, 2, queued, 0, 2, 100'000};
}

template <typename Effect>
std::vector<Effect> all(const Effects& effects) {
  std::vector<Effect> found;
  for (const PlacementEffect& effect : effects) {
    if (const auto* one = std::get_if<Effect>(&effect)) found.push_back(*one);
  }
  return found;
}

std::vector<NodeId> released(const Effects& effects) {
  std::vector<NodeId> nodes;
  for (const SendRelease& release : all<SendRelease>(effects)) nodes.push_back(release.to);
  return nodes;
}

std::vector<NodeId> placed(const Effects& effects) {
  std::vector<NodeId> nodes;
  for (const Placed& one : all<Placed>(effects)) {
    for (const Candidate& candidate : one.candidates) nodes.push_back(candidate.node);
  }
  return nodes;
}

}  // namespace

TEST_CASE("routing: all holders are probed and the least loaded comes first") {
  RunPlacement placement = placement_of({node_of(3), node_of(1), node_of(2), node_of(1)});

  const std::vector<SendProbe> probes = all<SendProbe>(placement.start(start));
  REQUIRE(probes.size() == 3);
  CHECK(probes[0].message == probe());
  CHECK(placement.on_answer(start, node_of(1), answer_of(5)).empty());
  CHECK(placement.on_answer(start, node_of(2), answer_of(0)).empty());
  const Effects decided = placement.on_answer(start, node_of(3), answer_of(1));

  CHECK(placed(decided) == std::vector{node_of(2), node_of(3), node_of(1)});
  CHECK(released(decided) == std::vector{node_of(1), node_of(3)});
  CHECK(std::holds_alternative<Placed>(decided.back()));
  CHECK(placement.decided());
  CHECK(placement.next_deadline() == std::nullopt);
}

TEST_CASE("routing: after 100 ms it goes on without the silent holder, which is released too") {
  RunPlacement placement = placement_of({node_of(1), node_of(2)});
  (void)placement.start(start);
  (void)placement.on_answer(start + 1ms, node_of(2), answer_of(9));

  CHECK(placement.next_deadline() == start + 100ms);
  CHECK(placement.on_deadline(start + 99ms).empty());
  const Effects decided = placement.on_deadline(start + 100ms);

  CHECK(placed(decided) == std::vector{node_of(2)});
  CHECK(released(decided) == std::vector{node_of(1)});
  REQUIRE(all<HolderSilent>(decided).size() == 1);
  CHECK(all<HolderSilent>(decided)[0].node == node_of(1));
  CHECK(placement.on_answer(start + 101ms, node_of(1), answer_of(0)).empty());
}

TEST_CASE("routing: strangers, other operations and second answers change nothing") {
  RunPlacement placement = placement_of({node_of(1), node_of(2)});
  (void)placement.start(start);
  LoadAnswer other = answer_of(0);
  other.operation = OperationId{8};

  CHECK(placement.on_answer(start, node_of(9), answer_of(0)).empty());
  CHECK(placement.on_answer(start, node_of(1), other).empty());
  CHECK(placement.on_answer(start, node_of(1), answer_of(4)).empty());
  CHECK(placement.on_answer(start, node_of(1), answer_of(0)).empty());
  const Effects decided = placement.on_answer(start, node_of(2), answer_of(1));

  CHECK(placed(decided) == std::vector{node_of(2), node_of(1)});
}

TEST_CASE("routing: without an answer the request is unreachable") {
  RunPlacement placement = placement_of({node_of(1), node_of(2)});
  (void)placement.start(start);
  CHECK(placement.on_unreachable(start, node_of(1)).empty());
  const Effects decided = placement.on_unreachable(start, node_of(2));

  REQUIRE(all<NotPlaced>(decided).size() == 1);
  CHECK(all<NotPlaced>(decided)[0].error.code == ErrorCode::unreachable);

  const Effects nobody = placement_of({}).start(start);
  REQUIRE(all<NotPlaced>(nobody).size() == 1);
  CHECK(all<NotPlaced>(nobody)[0].error.detail == "no holder of the image is alive");
}

TEST_CASE("routing: holders without the recipe or that drain are passed over") {
  LoadAnswer without = answer_of(0), draining = answer_of(0), unable = answer_of(0);
  without.has_recipe = false;
  draining.accepts_work = false;
  unable.workers = 0;

  RunPlacement some = placement_of({node_of(1), node_of(2), node_of(3)});
  (void)some.start(start);
  (void)some.on_answer(start, node_of(1), without);
  (void)some.on_answer(start, node_of(2), draining);
  CHECK(placed(some.on_answer(start, node_of(3), answer_of(60))) == std::vector{node_of(3)});

  RunPlacement none = placement_of({node_of(1), node_of(2)});
  (void)none.start(start);
  (void)none.on_answer(start, node_of(1), without);
  const Effects differs = none.on_answer(start, node_of(2), without);
  REQUIRE(all<NotPlaced>(differs).size() == 1);
  CHECK(all<NotPlaced>(differs)[0].error.code == ErrorCode::overloaded);
  CHECK(all<NotPlaced>(differs)[0].error.detail.starts_with("the recipe differs, or"));
  CHECK(released(differs).size() == 2);

  RunPlacement busy = placement_of({node_of(1), node_of(2)});
  (void)busy.start(start);
  (void)busy.on_answer(start, node_of(1), draining);
  const Effects refused = busy.on_answer(start, node_of(2), unable);
  REQUIRE(all<NotPlaced>(refused).size() == 1);
  CHECK(all<NotPlaced>(refused)[0].error.detail.find("no new work") != std::string::npos);
}

TEST_CASE("routing: when all holders are full the soonest says when to come back") {
  LoadAnswer full = answer_of(64), fuller = answer_of(64), small = answer_of(0);
  full.retry_after_ms = 3'000;
  fuller.retry_after_ms = 4'000;
  small.too_large = true;

  RunPlacement some = placement_of({node_of(1), node_of(2)});
  (void)some.start(start);
  (void)some.on_answer(start, node_of(1), full);
  CHECK(placed(some.on_answer(start, node_of(2), answer_of(60))) == std::vector{node_of(2)});
  REQUIRE(some.load_of(node_of(2)) != nullptr);
  CHECK(some.load_of(node_of(2))->queued == 60);

  RunPlacement none = placement_of({node_of(1), node_of(2), node_of(3)});
  (void)none.start(start);
  (void)none.on_answer(start, node_of(1), fuller);
  (void)none.on_answer(start, node_of(2), small);
  const Effects refused = none.on_answer(start, node_of(3), full);
  REQUIRE(all<NotPlaced>(refused).size() == 1);
  CHECK(all<NotPlaced>(refused)[0].error.code == ErrorCode::overloaded);
  CHECK(all<NotPlaced>(refused)[0].retry_after == 3s);
  CHECK(released(refused).size() == 3);

  RunPlacement never = placement_of({node_of(1)});
  (void)never.start(start);
  const Effects denied = never.on_answer(start, node_of(1), small);
  REQUIRE(all<NotPlaced>(denied).size() == 1);
  CHECK(all<NotPlaced>(denied)[0].error.code == ErrorCode::denied);
}

TEST_CASE(
    "routing: a helper is asked when help is wanted, and chosen where moving the image pays") {
  LoadAnswer busy = answer_of(60);
  busy.wait_micros = 2'000'000;
  LoadAnswer free = answer_of(0), slow = answer_of(0), lent = answer_of(0);
  free.wait_micros = lent.wait_micros = 1'000'000;
  slow.wait_micros = 1'900'000;
  lent.has_image = true;
  RunPlacementOptions options;
  options.helpers = {node_of(7), node_of(8), node_of(9)};
  options.image_bytes = 50'000'000;  // 505 ms
  std::uint64_t least = 0;
  bool wanted = false;
  options.wants_help = [&](Instant, std::uint64_t wait) {
    least = wait;
    return wanted;
  };

  RunPlacement alone(probe(), {node_of(1)}, options);
  (void)alone.start(start);
  CHECK(placed(alone.on_answer(start, node_of(1), busy)) == std::vector{node_of(1)});
  CHECK(least == 2'000'000);

  wanted = true;
  RunPlacement helped(probe(), {node_of(1)}, options);
  (void)helped.start(start);
  CHECK(all<SendProbe>(helped.on_answer(start, node_of(1), busy)).size() == 3);
  CHECK(helped.next_deadline() == start + 100ms);
  helped.check_invariants();
  (void)helped.on_answer(start, node_of(7), free);
  (void)helped.on_answer(start, node_of(8), slow);
  const Effects decided = helped.on_answer(start, node_of(9), lent);
  CHECK(placed(decided) == std::vector{node_of(9), node_of(7), node_of(1)});
  const std::vector<Candidate> lost = helped.lost_helpers();
  REQUIRE(lost.size() == 1);
  CHECK(lost[0].node == node_of(8));
  const std::uint64_t share = slow.service_micros / slow.workers;
  CHECK(lost[0].score_micros == slow.wait_micros + share + moving_micros(50'000'000));
  CHECK(alone.lost_helpers().empty());
  CHECK(helped.bytes_to_move(node_of(7)) == 50'000'000);
  CHECK(helped.bytes_to_move(node_of(9)) == 0);
  CHECK(helped.bytes_to_move(node_of(1)) == 0);
  CHECK(released(decided).size() == 3);
}

TEST_CASE("routing: a cancelled placement releases all and stays silent") {
  RunPlacement placement = placement_of({node_of(1), node_of(2)});
  (void)placement.start(start);
  CHECK(released(placement.on_cancel(start)).size() == 2);
  CHECK(placement.on_cancel(start).empty());
  CHECK(placement.on_answer(start, node_of(1), answer_of(0)).empty());
  CHECK(placement.on_deadline(start + 1s).empty());
}

TEST_CASE("routing: whatever happens, a placement decides exactly once and leaks no announcement") {
  Rng rng(99);
  for (int round = 0; round < 3'000; ++round) {
    std::vector<NodeId> holders;
    for (std::uint64_t n = rng.below(4); n > 0; --n) {
      holders.push_back(node_of(static_cast<std::uint8_t>(n)));
    }
    RunPlacement placement = placement_of(holders);
    Effects seen = placement.start(start);
    Instant now = start;
    for (int step = 0; step < 30; ++step) {
      now += std::chrono::milliseconds(rng.below(20));
      const NodeId node = node_of(static_cast<std::uint8_t>(rng.below(5)));
      LoadAnswer answer = answer_of(static_cast<std::uint32_t>(rng.below(3)));
      answer.has_recipe = rng.below(3) != 0;
      const std::uint64_t kind = rng.below(4);
      const Effects next = kind == 0   ? placement.on_unreachable(now, node)
                           : kind == 1 ? placement.on_deadline(now)
                                       : placement.on_answer(now, node, answer);
      seen.insert(seen.end(), next.begin(), next.end());
      placement.check_invariants();
    }
    const Effects last = placement.on_deadline(start + 10s);
    seen.insert(seen.end(), last.begin(), last.end());
    const std::size_t kept = placed(seen).empty() ? 0 : 1;
    CHECK(placement.decided());
    CHECK(all<Placed>(seen).size() + all<NotPlaced>(seen).size() == 1);
    CHECK(released(seen).size() + kept == all<SendProbe>(seen).size());
  }
}

#include "node/work_claims.h"

#include <doctest/doctest.h>

using namespace pixmesh;

namespace {

constexpr Instant began{};
const Digest work{{7}};

/// Keeps what was said, by link.
struct ClaimLetters : Post {
  void to_member(NodeId, Message) override {}
  void to_link(LinkId to, Message message) override { answers[to] = std::get<LoadAnswer>(message); }
  std::map<LinkId, LoadAnswer> answers;
};

ProbeLoad probe_of(std::uint8_t request, bool arbiter = true) {
  ProbeLoad probe{OperationId{1}, RequestId{{request}}, "thumbnail", Digest{}};
  probe.work = work;
  probe.arbiter = arbiter;
  return probe;
}

struct Scene {
  ClaimLetters letters;
  WorkClaims claims{letters};
  void probe(Instant now, std::uint8_t request, bool arbiter = true) {
    claims.answer(now, LinkId{request}, probe_of(request, arbiter), LoadAnswer{});
  }
  [[nodiscard]] const LoadAnswer* answer(std::uint8_t request) const {
    const auto found = letters.answers.find(LinkId{request});
    return found == letters.answers.end() ? nullptr : &found->second;
  }
};

}  // namespace

TEST_CASE("claims: the first request is answered at once, the others when its place is known") {
  Scene scene;
  const NodeId place{{5}};

  scene.probe(began, 1);
  scene.probe(began + 1ms, 2);
  scene.probe(began + 1ms, 3);
  REQUIRE(scene.answer(1) != nullptr);
  CHECK(scene.answer(1)->placed_at == NodeId{});
  CHECK(scene.answer(2) == nullptr);
  scene.claims.on_placed(began + 2ms, RequestId{{1}}, place);

  REQUIRE(scene.answer(2) != nullptr);
  REQUIRE(scene.answer(3) != nullptr);
  CHECK(scene.answer(2)->placed_at == place);
  scene.probe(began + 3ms, 4);
  REQUIRE(scene.answer(4) != nullptr);
  CHECK(scene.answer(4)->placed_at == place);
  scene.claims.on_deadline(began + 4s);
  CHECK(scene.claims.count() == 0);
}

TEST_CASE("claims: without a word from the first router the others are told so in time") {
  Scene scene;
  scene.probe(began, 1);
  scene.probe(began + 10ms, 2);

  CHECK(scene.claims.next_deadline() == began + 10ms + WorkClaims::claim_patience);
  scene.claims.on_deadline(began + 910ms);

  REQUIRE(scene.answer(2) != nullptr);
  CHECK(scene.answer(2)->claimed);
  CHECK(scene.answer(2)->placed_at == NodeId{});
  scene.claims.on_deadline(began + 2s);
  CHECK(scene.claims.count() == 0);
}

TEST_CASE("claims: when the first request goes nowhere the next one is the first") {
  Scene scene;
  scene.probe(began, 1);
  scene.probe(began, 2);
  scene.probe(began, 3);

  scene.claims.on_placed(began + 1ms, RequestId{{1}}, NodeId{});

  REQUIRE(scene.answer(2) != nullptr);
  CHECK_FALSE(scene.answer(2)->claimed);
  CHECK(scene.answer(3) == nullptr);
  scene.claims.on_placed(began + 2ms, RequestId{{2}}, NodeId{{6}});
  REQUIRE(scene.answer(3) != nullptr);
  CHECK(scene.answer(3)->placed_at == NodeId{{6}});
}

TEST_CASE("claims: who is not the arbiter answers everybody at once") {
  Scene scene;
  scene.probe(began, 1, false);
  scene.probe(began, 2, false);

  CHECK(scene.answer(1) != nullptr);
  CHECK(scene.answer(2) != nullptr);
  CHECK(scene.claims.count() == 0);
}

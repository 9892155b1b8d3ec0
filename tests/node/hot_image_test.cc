#include "run_asker.h"

using namespace pixmesh;

// Runs of an image that more people want than its holders can serve.
namespace {

/// Six nodes, three of them holders of one image.
struct HotImage {
  explicit HotImage(std::uint64_t seed) : world(settled_mesh(6, seed)) {
    REQUIRE(world->put(0, "a.png", image, {.wait_all = true}).code == ErrorCode{});
    holders = world->keepers_of("a.png");
    REQUIRE(holders.size() == 3);
    where = route();
    REQUIRE_MESSAGE(where.code == ErrorCode{}, where.detail);
  }

  RunCandidates route() { return RunAsker(*world).route(); }
  OperationId start(std::uint32_t node, const RunCandidates& answer) {
    return RunAsker(*world).start(node, answer);
  }
  /// For six seconds each holder has work for three, as far as it knows.
  void keep_holders_busy() {
    for (const std::uint32_t holder : holders) {
      world->set_tool_time(holder, 20s);
      for (int i = 0; i < 32; ++i) (void)start(holder, where);
    }
    world->run_for(100ms);
  }
  bool is_holder(NodeId node) {
    return std::ranges::find(holders, world->number_of(node)) != holders.end();
  }

  const Bytes image = MeshWorld::sample_image(1'400'000, 1);
  std::unique_ptr<MeshWorld> world;
  std::vector<std::uint32_t> holders;
  RunCandidates where;
};

}  // namespace

TEST_CASE("node: others help with an image whose holders stay busy, and give it back afterwards") {
  HotImage hot(71);
  hot.keep_holders_busy();
  CHECK(hot.is_holder(hot.route().candidates.front().node));  // one peak is no reason
  hot.world->run_for(1100ms);

  const RunCandidates busy = hot.route();
  REQUIRE(!busy.candidates.empty());
  CHECK_FALSE(hot.is_holder(busy.candidates.front().node));
  CHECK(busy.candidates.front().bytes_to_move == hot.image.size());
  CHECK(busy.candidates.front().score_micros < busy.candidates.back().score_micros);
  for (const RunCandidate& one : busy.candidates) {
    const std::uint64_t all = one.wait_micros * one.workers + one.run_micros;
    CHECK(one.score_micros == all / one.workers + one.moving_micros);
    CHECK((one.moving_micros > 0) == (one.bytes_to_move > 0));
  }

  const RunOutcome outcome = hot.world->run(0, "a.png");
  REQUIRE_MESSAGE(outcome.code == ErrorCode{}, outcome.detail);
  CHECK_FALSE(hot.is_holder(outcome.node));
  CHECK(outcome.output == MeshWorld::expected_output(hot.image));
  const std::uint32_t helper = hot.world->number_of(outcome.node);
  CHECK(hot.world->disk(helper).temp_count() == 1);
  CHECK_FALSE(hot.world->record_at(helper, "a.png"));

  const RunCandidates again = hot.route();
  CHECK(again.candidates.front().node == outcome.node);
  CHECK(again.candidates.front().bytes_to_move == 0);
  hot.world->run_for(40s);
  CHECK(hot.world->disk(helper).temp_count() == 0);
  CHECK(hot.is_holder(hot.route().candidates.front().node));
}

TEST_CASE("node: a node that is asked for what nobody gives it says so, and keeps nothing") {
  HotImage hot(72);
  std::uint32_t other = 0;
  while (std::ranges::find(hot.holders, other) != hot.holders.end()) ++other;
  RunCandidates where = hot.where;
  where.input.digest.raw[0] ^= 1;  // no holder has such bytes

  const OperationId run = hot.start(other, where);
  // An asker goes elsewhere after two seconds without a word, and a large image takes longer.
  CHECK(hot.world->run_until([&] { return hot.world->client().was_accepted(run); }, 100ms));
  CHECK(hot.world->client().answer_of(run) == nullptr);
  REQUIRE(hot.world->run_until([&] { return hot.world->client().answer_of(run) != nullptr; }, 9s));

  const auto* done = std::get_if<RunDone>(hot.world->client().answer_of(run));
  REQUIRE(done != nullptr);
  CHECK(done->code == ErrorCode::unreachable);
  hot.world->run_for(1s);
  CHECK(hot.world->disk(other).temp_count() == 0);
  CHECK(hot.world->machine(other).node->open_conversations() == 0);
}

#include "run_asker.h"

using namespace pixmesh;

// Runs that wait at a node, and those that are not let in.
namespace {

/// Three nodes that all hold one image, and a client that starts runs at one of them.
struct Counter {
  explicit Counter(std::uint64_t seed) : world(settled_mesh(3, seed)) {
    const Bytes image = MeshWorld::sample_image(500, 1);
    REQUIRE(world->put(0, "a.png", image, {.wait_all = true}).code == ErrorCode{});
    where = route({});
    REQUIRE_MESSAGE(where.code == ErrorCode{}, where.detail);
  }

  RunCandidates route(RunRequest request) { return RunAsker(*world).route(std::move(request)); }
  OperationId start(std::uint32_t node, RunStart wish = {}) {
    return RunAsker(*world).start(node, where, std::move(wish));
  }

  const RunDone* done(OperationId run) {
    const Message* answer = world->client().answer_of(run);
    return answer == nullptr ? nullptr : std::get_if<RunDone>(answer);
  }
  /// Fills all workers and places of a node.
  void fill(std::uint32_t node) {
    for (int i = 0; i < 66; ++i) {
      (void)start(node);
      world->run_for(2ms);
    }
  }

  std::unique_ptr<MeshWorld> world;
  RunCandidates where;
};

}  // namespace

TEST_CASE("node: a run that is not done by its deadline is killed, and its asker is told so") {
  Counter counter(61);
  counter.world->set_tool_trouble(1, ToolTrouble::hangs);
  RunStart wish;
  wish.deadline_ms = 2'000;
  const OperationId run = counter.start(1, wish);

  REQUIRE(counter.world->run_until([&] { return counter.done(run) != nullptr; }, 3s));

  CHECK(counter.done(run)->code == ErrorCode::timed_out);
  CHECK(counter.done(run)->wall_micros <= 2'000'000);
  CHECK(counter.done(run)->wall_micros >= 1'900'000);
  CHECK(counter.world->tools_running(1) == 0);
}

TEST_CASE("node: an interactive run goes before the batch runs that wait") {
  Counter counter(62);
  counter.world->set_tool_time(1, 300ms);
  RunStart batch;
  batch.batch = true;
  std::vector<OperationId> batches;
  for (int i = 0; i < 6; ++i) batches.push_back(counter.start(1, batch));
  counter.world->run_for(50ms);
  const OperationId run = counter.start(1);

  REQUIRE(counter.world->run_until([&] { return counter.done(run) != nullptr; }, 5s));

  const auto done =
      std::ranges::count_if(batches, [&](OperationId one) { return counter.done(one) != nullptr; });
  CHECK(done <= 3);  // two ran when it came, and one beside it
  CHECK(counter.done(run)->queued_micros <= 300'000);
}

TEST_CASE("node: a client with many runs does not keep another one waiting behind them") {
  Counter counter(63);
  counter.world->set_tool_time(1, 300ms);
  RunStart wish;
  wish.client = 7;
  for (int i = 0; i < 20; ++i) (void)counter.start(1, wish);
  counter.world->run_for(50ms);
  wish.client = 8;
  const OperationId run = counter.start(1, wish);

  REQUIRE(counter.world->run_until([&] { return counter.done(run) != nullptr; }, 5s));

  CHECK(counter.done(run)->queued_micros <= 650'000);  // one round of both, and what ran
}

TEST_CASE("node: with all queues full a run is refused at once, with when to come back") {
  Counter counter(64);
  for (std::uint32_t node = 0; node < 3; ++node) counter.world->set_tool_time(node, 5s);
  for (std::uint32_t node = 0; node < 3; ++node) counter.fill(node);

  const Instant asked_at = counter.world->now();
  const RunCandidates refused = counter.route({});

  CHECK(refused.code == ErrorCode::overloaded);
  CHECK(refused.detail.find("queues are full") != std::string::npos);
  CHECK(refused.retry_after_ms >= 6'000);  // 66 runs of 200 ms by two at a time
  CHECK(counter.world->now() - asked_at < 50ms);
  const OperationId forced = counter.start(1);
  REQUIRE(counter.world->run_until([&] { return counter.done(forced) != nullptr; }, 1s));
  CHECK(counter.done(forced)->code == ErrorCode::overloaded);
  CHECK(counter.done(forced)->retry_after_ms >= 6'000);
}

TEST_CASE("node: requests that come at one moment are spread over the holders") {
  Counter counter(67);
  counter.world->run_for(300ms);  // what was asked before is announced no longer
  std::vector<OperationId> asked;
  for (int i = 0; i < 18; ++i) {
    RunRequest wish{{}, counter.world->client().fresh_request(), "a.png", "thumbnail", {}, false};
    wish.force = true;
    asked.push_back(counter.world->client().send(0, wish));
  }
  const auto answer_of = [&](OperationId one) { return counter.world->client().answer_of(one); };
  REQUIRE(counter.world->run_until([&] { return std::ranges::all_of(asked, answer_of); }, 5s));

  std::map<NodeId, int> chosen;
  for (const OperationId one : asked) {
    ++chosen[std::get<RunCandidates>(*answer_of(one)).candidates.front().node];
  }

  CHECK(chosen.size() == 3);
  for (const auto& [node, count] : chosen) CHECK(count <= 9);
}

TEST_CASE("node: a run whose turn would come after its deadline is refused by the router") {
  Counter counter(65);
  for (std::uint32_t node = 0; node < 3; ++node) counter.world->set_tool_time(node, 5s);
  for (std::uint32_t node = 0; node < 3; ++node) {
    for (int i = 0; i < 40; ++i) (void)counter.start(node);
  }
  counter.world->run_for(100ms);
  RunRequest hasty;
  hasty.deadline_ms = 2'000;

  CHECK(counter.route(hasty).code == ErrorCode::overloaded);
  CHECK(counter.route({}).code == ErrorCode{});
}

TEST_CASE("node: candidates come with what their score is made of") {
  Counter counter(66);
  counter.world->run_for(300ms);  // what was asked before is announced no longer
  (void)counter.start(1);
  (void)counter.start(1);
  counter.world->run_for(20ms);

  for (const RunCandidate& candidate : counter.route({}).candidates) {
    const bool busy = candidate.node == counter.world->id_of(1);
    CHECK(candidate.wait_micros == (busy ? 200'000 : 0));
    CHECK(candidate.run_micros == 200'000);
    CHECK(candidate.memory_bytes >= 64 << 20);
    CHECK(candidate.bytes_to_move == 0);
  }
}

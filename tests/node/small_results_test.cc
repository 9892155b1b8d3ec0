#include "node/small_results.h"

#include <doctest/doctest.h>

#include "base/digest.h"
#include "crowd.h"

using namespace pixmesh;

namespace {

Digest key(const char* text) { return digest_of(bytes_of(text)); }

}  // namespace

TEST_CASE("small results: those that were not used for longest go when there is no room") {
  SmallResults results(10);
  results.add(key("a"), Bytes(4, 1));
  results.add(key("b"), Bytes(4, 2));
  REQUIRE(results.find(key("a")) != nullptr);

  results.add(key("c"), Bytes(4, 3));

  CHECK(results.find(key("b")) == nullptr);
  REQUIRE(results.find(key("a")) != nullptr);
  CHECK(*results.find(key("a")) == Bytes(4, 1));
  CHECK(*results.find(key("c")) == Bytes(4, 3));
}

TEST_CASE("small results: one that is put again takes its own place, one too large takes none") {
  SmallResults results(10);
  results.add(key("a"), Bytes(4, 1));
  results.add(key("b"), Bytes(4, 2));
  results.add(key("a"), Bytes(6, 3));
  CHECK(*results.find(key("a")) == Bytes(6, 3));
  CHECK(results.find(key("b")) != nullptr);
  results.remove(key("a"));
  CHECK(results.find(key("a")) == nullptr);

  results.add(key("c"), Bytes(11, 4));

  CHECK(results.find(key("c")) == nullptr);
}

TEST_CASE("results: a small one comes with the word that it is ready, a large one is fetched") {
  for (const std::size_t size : {50'000U, 50'001U}) {  // the output of an odd one is large
    const Bytes image = MeshWorld::sample_image(size, 1);
    const auto world = world_with(image, 3, 75);
    for (int i = 0; i < 2; ++i) {  // made, and kept
      Crowd crowd = once(*world);
      REQUIRE(crowd.done(0).code == ErrorCode{});
      CHECK(crowd.done(0).output.empty() == (size % 2 == 1));
      CHECK(crowd.fetch(0) == MeshWorld::expected_output(image));  // small ones too
      crowd.leave();
    }
  }
}

TEST_CASE("results: a request that wants something else by now is not given what it wanted first") {
  const Bytes image = MeshWorld::sample_image(50'000, 1);
  const Bytes other = MeshWorld::sample_image(50'000, 2);
  const auto world = world_with(image, 1, 77);
  REQUIRE(world->put(0, "b.png", other).code == ErrorCode{});
  once(*world).leave();
  once(*world, "b.png").leave();
  MeshClient& client = world->client();
  const auto where_is = [&](const std::string& name) {
    const OperationId asked =
        client.send(0, RunRequest{{}, client.fresh_request(), name, "thumbnail", {}, false});
    REQUIRE(world->run_until([&] { return client.answer_of(asked) != nullptr; }, 5s));
    return std::get<RunCandidates>(*client.answer_of(asked));
  };
  const RunCandidates first = where_is("a.png");
  const RunCandidates second = where_is("b.png");
  const RequestId request = client.fresh_request();
  const auto start_of = [&](const RunCandidates& where) {
    return RunStart{{}, request, where.input, "thumbnail", where.recipe_digest, {}, 60'000};
  };

  world->disk(0).trouble.slower = 100ms;
  (void)client.send(0, start_of(first));
  (void)client.send(0, RunCancel{request});
  const OperationId wanted = client.send(0, start_of(second));

  REQUIRE(world->run_until([&] { return client.answer_of(wanted) != nullptr; }, 5s));
  CHECK(std::get<RunDone>(*client.answer_of(wanted)).output == MeshWorld::expected_output(other));
  (void)client.send(0, RunCancel{request});
  CHECK(once(*world, "b.png").done(0).output == MeshWorld::expected_output(other));
}

TEST_CASE("results: a router gives what it has kept without being asked to start it, if allowed") {
  const Bytes image = MeshWorld::sample_image(50'000, 1);
  const auto world = world_with(image, 3, 76);
  Crowd first = once(*world);
  first.leave();
  const auto at = first.place(0);
  const std::uint32_t other = (at + 1) % 3;
  MeshClient& client = world->client();
  const auto asked_of = [&](std::uint32_t node, bool start_kept, bool force) {
    RunRequest request{{}, client.fresh_request(), "a.png", "thumbnail", {}, false};
    request.start_kept = start_kept;
    request.force = force;
    const OperationId asked = client.send(node, request);
    std::vector<Message> said;
    (void)world->run_until(
        [&] {
          const Message* answer = client.answer_of(asked);
          if (answer != nullptr) {
            said.push_back(*answer);
            client.forget(asked);
          }
          return said.size() == 2;
        },
        2s);
    return said;
  };

  const auto given = asked_of(at, true, false);
  REQUIRE(given.size() == 2);
  CHECK(std::get<RunCandidates>(given[0]).started);
  CHECK(std::get<RunDone>(given[1]).output == MeshWorld::expected_output(image));
  CHECK(std::get<RunDone>(given[1]).origin == ResultOrigin::kept);
  for (const auto& [node, start_kept, force] :
       {std::tuple{at, false, false}, std::tuple{at, true, true}, std::tuple{other, true, false}}) {
    const auto told = asked_of(node, start_kept, force);
    REQUIRE(told.size() == 1);
    CHECK_FALSE(std::get<RunCandidates>(told[0]).started);
  }
}

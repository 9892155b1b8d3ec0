#include <doctest/doctest.h>

#include "image_bytes.h"
#include "simulations/world/mesh_world.h"

using namespace pixmesh;

TEST_CASE("node: a run is done by a holder and its result is delivered") {
  const auto world = settled_mesh(5, 41);
  const Bytes image = MeshWorld::sample_image(1'400'000, 1);
  REQUIRE(world->put(0, "a.png", image, {.wait_all = true}).code == ErrorCode{});

  for (std::uint32_t via = 0; via < 5; ++via) {
    const RunOutcome outcome = world->run(via, "a.png");
    CHECK_MESSAGE(outcome.code == ErrorCode{}, outcome.detail);
    CHECK(outcome.output == MeshWorld::expected_output(image));
    CHECK(world->record_at(world->number_of(outcome.node), "a.png").has_value());
  }
  CHECK(world->run(0, "b.png").code == ErrorCode::not_found);
}

TEST_CASE("node: runs spread over the holders, the least loaded first") {
  const auto world = settled_mesh(3, 42);
  const Bytes image = MeshWorld::sample_image(500, 1);
  REQUIRE(world->put(0, "a.png", image, {.wait_all = true}).code == ErrorCode{});
  for (std::uint32_t node = 0; node < 3; ++node) world->set_tool_time(node, 30s);
  std::map<std::uint32_t, std::uint32_t> chosen;
  for (int i = 0; i < 6; ++i) {
    RunRequest request;
    request.request = world->client().fresh_request();
    request.name = "a.png";
    request.recipe = "thumbnail";
    request.force = true;  // else they would share one run
    const OperationId asked = world->client().send(0, request);
    REQUIRE(world->run_until([&] { return world->client().answer_of(asked) != nullptr; }));
    const auto& where = std::get<RunCandidates>(*world->client().answer_of(asked));
    REQUIRE(where.candidates.size() == 3);
    const std::uint32_t best = world->number_of(where.candidates.front().node);
    ++chosen[best];
    RunStart start{{}, request.request, where.input, "thumbnail", where.recipe_digest, {}, 60'000};
    start.force = true;
    (void)world->client().send(best, std::move(start));
    world->run_for(20ms);
  }
  CHECK(chosen.size() == 3);
  for (const auto& [node, count] : chosen) {
    CHECK(count == 2);
    CHECK(world->tools_running(node) == 2);
  }
}

TEST_CASE("node: when the asker of a run is gone its tool is killed") {
  const auto world = settled_mesh(3, 43);
  REQUIRE(world->put(0, "a.png", MeshWorld::sample_image(500, 1), {.wait_all = true}).code ==
          ErrorCode{});
  for (std::uint32_t node = 0; node < 3; ++node) world->set_tool_time(node, 50s);
  const LookupAnswer found = world->look_up(0, "a.png");
  const ImageRecord& record = found.record;
  RunRequest request{{}, world->client().fresh_request(), "a.png", "thumbnail", {}, false};
  const OperationId asked = world->client().send(0, request);
  REQUIRE(world->run_until([&] { return world->client().answer_of(asked) != nullptr; }));
  const auto where = std::get<RunCandidates>(*world->client().answer_of(asked));
  (void)world->client().send(
      1, RunStart{{},
                  request.request,
                  {found.partition, record.digest, record.size, record.media, record.checksums},
                  "thumbnail",
                  where.recipe_digest,
                  {},
                  60'000});
  world->run_for(1s);
  REQUIRE(world->tools_running(1) == 1);
  for (int second = 0; second < 10; ++second) {  // as long as it is heard the run goes on
    (void)world->client().send(1, RunAlive{request.request});
    world->run_for(1s);
  }
  CHECK(world->tools_running(1) == 1);

  world->run_for(8s);

  CHECK(world->tools_running(1) == 0);
  CHECK(world->count_logged("run_asker_gone") == 1);
}

TEST_CASE("node: a run on damaged bytes fails there and is done by another holder") {
  const auto world = settled_mesh(3, 44);
  const Bytes image = MeshWorld::sample_image(1'400'000, 1);
  REQUIRE(world->put(0, "a.png", image, {.wait_all = true}).code == ErrorCode{});
  for (const std::uint32_t node : {0U, 1U}) {
    world->disk(node).damage(world->disk(node).blob_paths().front());
  }

  const RunOutcome outcome = world->run(0, "a.png");

  CHECK_MESSAGE(outcome.code == ErrorCode{}, outcome.detail);
  CHECK(outcome.node == world->id_of(2));
  CHECK(outcome.output == MeshWorld::expected_output(image));
}

TEST_CASE("node: a drained node keeps its images and gets no run") {
  const auto world = settled_mesh(3, 45);
  const Bytes image = MeshWorld::sample_image(500, 1);
  REQUIRE(world->put(0, "a.png", image, {.wait_all = true}).code == ErrorCode{});
  REQUIRE(world->command(2, NodeCommand::drain).code == ErrorCode{});
  world->run_for(1s);

  for (int i = 0; i < 5; ++i) CHECK(world->run(2, "a.png").node != world->id_of(2));

  CHECK(world->keepers_of("a.png").size() == 3);
}

TEST_CASE("node: a holder refuses an image by its own bytes, whatever the asker says of it") {
  const auto world = settled_mesh(3, 46);
  const Bytes bomb = test::png_bytes({.width = 20'000, .height = 15'000});
  REQUIRE(world->put(0, "bomb.png", bomb, {.wait_all = true}).code == ErrorCode{});
  const RunRequest request{{}, world->client().fresh_request(), "bomb.png", "thumbnail", {}, false};
  const OperationId asked = world->client().send(0, request);
  REQUIRE(world->run_until([&] { return world->client().answer_of(asked) != nullptr; }));
  auto where = std::get<RunCandidates>(*world->client().answer_of(asked));
  REQUIRE_MESSAGE(where.code == ErrorCode{}, where.detail);
  where.input.media.width = where.input.media.height = 10;

  const std::uint32_t holder = world->number_of(where.candidates.front().node);
  const OperationId started = world->client().send(
      holder,
      RunStart{{}, request.request, where.input, "thumbnail", where.recipe_digest, {}, 60'000});
  REQUIRE(world->run_until([&] { return world->client().answer_of(started) != nullptr; }, 5s));

  const auto done = std::get<RunDone>(*world->client().answer_of(started));
  CHECK(done.code == ErrorCode::denied);
  CHECK(done.detail.find("300 megapixels") != std::string::npos);
  CHECK(world->tools_running(holder) == 0);
  CHECK(world->machine(holder).node->open_conversations() == 0);
}

TEST_CASE("node: a holder tells what such a run took there before, also after a restart") {
  const auto world = settled_mesh(3, 47);
  const Bytes image = test::png_bytes({.width = 3'000, .height = 2'000});
  REQUIRE(world->put(0, "a.png", image, {.wait_all = true}).code == ErrorCode{});
  for (std::uint32_t node = 0; node < 3; ++node) world->set_tool_time(node, 2s);
  const auto costs_of = [&](std::uint32_t node) {
    const OperationId asked = world->client().send(node, CostsRequest{});
    (void)world->run_until([&] { return world->client().answer_of(asked) != nullptr; }, 5s);
    return std::get<CostsAnswer>(*world->client().answer_of(asked)).costs;
  };

  const RunOutcome outcome = world->run(0, "a.png");
  REQUIRE_MESSAGE(outcome.code == ErrorCode{}, outcome.detail);
  const std::uint32_t holder = world->number_of(outcome.node);
  const std::vector<RecipeCost> learned = costs_of(holder);
  world->run_for(61s);
  world->crash(holder);
  world->restart(holder);
  REQUIRE(world->run_until_settled());

  REQUIRE(learned.size() == 1);
  CHECK(learned[0].recipe == "thumbnail");
  CHECK(learned[0].way == "png");
  REQUIRE(learned[0].points.size() == 1);
  CHECK(learned[0].points[0].pixels == 6'000'000);
  CHECK(learned[0].points[0].wall_micros == 2'000'000);
  CHECK(costs_of(holder) == learned);
  CHECK(costs_of((holder + 1) % 3).empty());
}

#include <doctest/doctest.h>

#include "base/digest.h"
#include "crowd.h"
#include "run_asker.h"

using namespace pixmesh;

namespace {

void set_trouble(MeshWorld& world, ToolTrouble trouble) {
  for (const std::uint32_t node : world.running()) world.set_tool_trouble(node, trouble);
}

/// Three nodes with "a.png", and a recipe that takes a `size`.
std::unique_ptr<MeshWorld> world_with_sizes(std::uint64_t seed) {
  auto world = world_with(MeshWorld::sample_image(50'000, 1), 3, seed);
  Recipe recipe;
  recipe.name = "thumbnail";
  recipe.argv = {"tool", "{in}", "{size}", "{out}"};
  recipe.output = "png";
  recipe.parameters = {{"size", ParameterType::integer, 1, 100, 1, {}}};
  RecipeBook book;
  REQUIRE(book.add(recipe));
  book.set_fingerprint("thumbnail", digest_of(bytes_of("the tool")));
  for (const std::uint32_t node : world->running()) world->machine(node).node->set_recipes(book);
  return world;
}

RunDone sized(MeshWorld& world, int size, bool force = false) {
  Crowd one(world, "a.png", force, {{"size", std::to_string(size)}});
  one.add(static_cast<std::uint32_t>(size) % 3);
  (void)one.finish();
  one.leave();
  return one.done(0);
}

}  // namespace

TEST_CASE("results: a thousand who want the same at one time have one run, through any node") {
  const Bytes image = MeshWorld::sample_image(1'400'000, 1);
  const auto world = world_with(image, 5, 61);
  Crowd crowd(*world, "a.png");

  crowd.add(1'000, {0, 1, 2, 3, 4});

  CHECK(crowd.finish() == 1'000);
  CHECK(runs_of(*world) == 1);
  CHECK(crowd.count_of(ResultOrigin::made) == 1);
  CHECK(crowd.count_of(ResultOrigin::joined) == 999);
  CHECK(crowd.fetch(0) == MeshWorld::expected_output(image));
  CHECK(crowd.fetch(999) == MeshWorld::expected_output(image));
  crowd.leave();
  for (const std::uint32_t node : world->running()) {
    CHECK(world->machine(node).node->open_conversations() == 0);
  }
}

TEST_CASE("results: when the node that runs it dies, one other run serves all who waited") {
  const Bytes image = MeshWorld::sample_image(1'400'000, 1);
  for (const std::uint64_t seed : {62U, 63U, 64U, 65U}) {
    CAPTURE(seed);
    const auto world = world_with(image, 5, seed);
    for (std::uint32_t node = 0; node < 5; ++node) world->set_tool_time(node, 5s);
    Crowd crowd(*world, "a.png");
    std::uint32_t leader = 99;
    for (std::uint32_t node = 0; node < 5; ++node) {
      if (!world->record_at(node, "a.png")) crowd.add(200, {node});  // those that will live
    }
    REQUIRE(world->run_until([&] {
      (void)crowd.step();
      for (const std::uint32_t node : world->running()) {
        if (world->tools_running(node) > 0) leader = node;
      }
      return leader != 99;
    }));
    for (int i = 0; i < 50; ++i) {
      world->run_for(10ms);
      (void)crowd.step();
    }
    REQUIRE(runs_of(*world) == 1);

    world->crash(leader);

    CHECK(crowd.finish() == 400);
    CHECK(runs_of(*world) == 1);  // on those that live
  }
}

TEST_CASE("results: what was made once is given out again, and tells where it comes from") {
  const Bytes image = MeshWorld::sample_image(1'400'000, 1);
  const auto world = world_with(image, 4, 66);
  for (std::uint32_t node = 0; node < 4; ++node) world->set_tool_time(node, 3s);
  Crowd first = once(*world);
  first.leave();

  Crowd again(*world, "a.png");
  again.add(3, {1, 2, 3});
  CHECK(again.finish(1s) == 3);

  CHECK(runs_of(*world) == 1);
  CHECK(again.count_of(ResultOrigin::kept) == 3);
  CHECK(again.fetch(2) == MeshWorld::expected_output(image));
  CHECK(again.done(0).key == first.done(0).key);
  CHECK(again.done(0).fingerprint == digest_of(bytes_of("the tool")));
  CHECK(again.done(0).wall_micros == 3'000'000);
  CHECK(again.done(0).made_by == world->id_of(first.place(0)));
  CHECK(again.done(0).made_at_micros == first.done(0).made_at_micros);
  CHECK(results_of(*world).hits == 3);
  CHECK(results_of(*world).entries == 1);
}

TEST_CASE("results: a replaced image never gives the result of the old one, a removed one none") {
  const Bytes old_image = MeshWorld::sample_image(50'000, 1);
  const Bytes new_image = MeshWorld::sample_image(50'000, 2);
  const auto world = world_with(old_image, 3, 67);
  once(*world).leave();

  REQUIRE(world->put(1, "a.png", new_image).code == ErrorCode{});
  Crowd after = once(*world);
  REQUIRE(after.done(0).code == ErrorCode{});
  CHECK(after.done(0).origin == ResultOrigin::made);
  CHECK(after.fetch(0) == MeshWorld::expected_output(new_image));
  after.leave();

  REQUIRE(world->remove(2, "a.png").code == ErrorCode{});
  CHECK(once(*world).done(0).code == ErrorCode::not_found);
}

TEST_CASE(
    "results: a kept result survives a restart; a damaged one is made anew, never given out") {
  const Bytes image = MeshWorld::sample_image(50'000, 1);
  const auto world = world_with(image, 3, 68);
  Crowd first = once(*world);
  first.leave();
  const std::uint32_t node = first.place(0);
  const std::string path = result_path(first.done(0).key, "png");
  const Bytes kept = *world->disk(node).file(path);
  world->crash(node);
  world->restart(node);
  world->disk(node).write_file(path, kept);  // whatever the crash took
  REQUIRE(world->run_until_settled());

  Crowd second = once(*world);
  CHECK(second.count_of(ResultOrigin::kept) == 1);
  CHECK(second.place(0) == node);
  CHECK(second.done(0).output == MeshWorld::expected_output(image));
  second.leave();
  Bytes damaged = kept;
  ++damaged[damaged.size() / 2];
  world->disk(node).write_file(path, damaged);
  Crowd from_memory = once(*world);
  CHECK(from_memory.count_of(ResultOrigin::kept) == 1);
  CHECK(from_memory.done(0).output == MeshWorld::expected_output(image));
  from_memory.leave();
  world->crash(node);
  world->restart(node);
  world->disk(node).write_file(path, damaged);
  REQUIRE(world->run_until_settled());
  Crowd third = once(*world);

  REQUIRE(third.done(0).code == ErrorCode{});
  CHECK(third.count_of(ResultOrigin::made) == 1);
  CHECK(third.done(0).output == MeshWorld::expected_output(image));
  CHECK(world->count_logged("result_damaged") == 1);
}

TEST_CASE("results: a result that is lost without a word is not missed") {
  const Bytes image = MeshWorld::sample_image(50'000, 1);
  const auto world = world_with(image, 3, 69);
  Crowd first = once(*world);
  first.leave();
  world->disk(first.place(0)).remove_file(result_path(first.done(0).key, "png"));

  Crowd again = once(*world);

  CHECK(again.count_of(ResultOrigin::made) == 1);
  CHECK(again.fetch(0) == MeshWorld::expected_output(image));
}

TEST_CASE("results: a forced run works anew, and its result takes the place of the kept one") {
  const Bytes image = MeshWorld::sample_image(50'000, 1);
  const auto world = world_with(image, 3, 71);
  once(*world).leave();

  Crowd forced = once(*world, "a.png", true);
  CHECK(forced.count_of(ResultOrigin::made) == 1);
  forced.leave();

  CHECK(runs_of(*world) == 2);
  CHECK(once(*world).count_of(ResultOrigin::kept) == 1);
}

TEST_CASE(
    "results: a tool that crashes twice on an image is not tried again, unless it is forced") {
  const Bytes image = MeshWorld::sample_image(50'000, 1);
  const auto world = world_with(image, 5, 72);
  for (std::uint32_t node = 0; node < 5; ++node) world->set_tool_trouble(node, ToolTrouble::dies);
  for (int i = 0; i < 2; ++i) CHECK(once(*world).done(0).code == ErrorCode::tool_failed);
  REQUIRE(runs_of(*world) == 2);

  for (std::uint32_t via = 0; via < 5; ++via) {
    Crowd refused(*world, "a.png");
    refused.add(via);
    (void)refused.finish();
    CHECK(refused.done(0).code == ErrorCode::tool_failed);
    CHECK(refused.done(0).detail.find("crashed twice") != std::string::npos);
    CHECK(refused.done(0).detail.find("signal 11") != std::string::npos);
  }
  CHECK(runs_of(*world) == 2);
  for (std::uint32_t node = 0; node < 5; ++node) world->set_tool_trouble(node, ToolTrouble::none);
  CHECK(once(*world, "a.png", true).done(0).code == ErrorCode{});
  CHECK(runs_of(*world) == 3);
}

TEST_CASE("results: an image that killed the tool twice is refused with other parameters too") {
  const auto world = world_with_sizes(80);
  set_trouble(*world, ToolTrouble::dies);
  CHECK(sized(*world, 1).code == ErrorCode::tool_failed);
  CHECK(sized(*world, 2).code == ErrorCode::tool_failed);
  REQUIRE(runs_of(*world) == 2);

  for (int size = 3; size < 10; ++size) {
    const RunDone refused = sized(*world, size);
    CHECK(refused.code == ErrorCode::tool_failed);
    CHECK(refused.detail.find("crashed on this image") != std::string::npos);
    CHECK(refused.detail.find("signal 11") != std::string::npos);
  }

  CHECK(runs_of(*world) == 2);
  set_trouble(*world, ToolTrouble::none);
  CHECK(sized(*world, 3, true).code == ErrorCode{});  // forced, and it works: it is not the image
  CHECK(sized(*world, 4).code == ErrorCode{});
  CHECK(runs_of(*world) == 4);
}

TEST_CASE("results: an image that the tool has made something of is not blocked by parameters") {
  const auto world = world_with_sizes(81);
  REQUIRE(sized(*world, 1).code == ErrorCode{});
  set_trouble(*world, ToolTrouble::dies);
  for (int i = 0; i < 3; ++i) (void)sized(*world, 7);
  for (int i = 0; i < 3; ++i) (void)sized(*world, 8);
  CHECK(runs_of(*world) == 1 + 2 + 2);  // each wish twice, and then no more

  set_trouble(*world, ToolTrouble::none);

  CHECK(sized(*world, 2).code == ErrorCode{});
  CHECK(sized(*world, 1).origin == ResultOrigin::kept);
  CHECK(sized(*world, 7).detail.find("crashed twice on this") != std::string::npos);
}

TEST_CASE("results: runs that meet a limit or refuse their parameters are not yet the image's") {
  const auto world = world_with_sizes(82);
  set_trouble(*world, ToolTrouble::fails);
  for (int size = 1; size < 9; ++size) (void)sized(*world, size);
  CHECK(runs_of(*world) == 8);

  set_trouble(*world, ToolTrouble::floods);
  for (int size = 1; size < 9; ++size) (void)sized(*world, size);

  CHECK(runs_of(*world) == 8 + 4);  // with four different wishes, and nothing that worked
}

/// Where it went, once the arbiter has forgotten that.
std::uint32_t place_of_sized(MeshWorld& world, int size) {
  Crowd one(world, "a.png", false, {{"size", std::to_string(size)}});
  one.add(0);
  (void)one.finish();
  one.leave();
  world.run_for(5s);
  return one.place(0);
}

/// Four runs more than `node` would like to have.
void keep_busy(MeshWorld& world, std::uint32_t node) {
  world.set_tool_time(node, 20s);
  RunAsker others(world);
  const RunCandidates where = others.route();
  for (int i = 0; i < 4; ++i) {
    RunStart wish;
    wish.deadline_ms = 60'000;
    (void)others.start(node, where, wish);
  }
  world.run_for(1s);
  REQUIRE(world.tools_running(node) > 0);
}

TEST_CASE(
    "results: a node where an image met one limit attracts nobody, where it crashed it does") {
  for (const ToolTrouble trouble : {ToolTrouble::floods, ToolTrouble::dies}) {
    const auto world = world_with_sizes(91);
    set_trouble(*world, trouble);
    const std::uint32_t node = place_of_sized(*world, 1);
    set_trouble(*world, ToolTrouble::none);
    keep_busy(*world, node);
    CHECK((place_of_sized(*world, 2) == node) == (trouble == ToolTrouble::dies));
  }
}

TEST_CASE("results: after ten minutes the image that made a tool crash is tried again") {
  const auto world = world_with(MeshWorld::sample_image(50'000, 1), 3, 73);
  for (std::uint32_t node = 0; node < 3; ++node) world->set_tool_trouble(node, ToolTrouble::dies);
  for (int i = 0; i < 3; ++i) (void)once(*world);
  CHECK(runs_of(*world) == 2);

  world->run_for(10min);
  (void)once(*world);

  CHECK(runs_of(*world) == 3);
}

TEST_CASE(
    "results: a tool that ends with a status is told to all who wait, and tried by the next") {
  const auto world = world_with(MeshWorld::sample_image(50'000, 1), 3, 74);
  for (std::uint32_t node = 0; node < 3; ++node) world->set_tool_trouble(node, ToolTrouble::fails);
  Crowd crowd(*world, "a.png");
  crowd.add(20, {0, 1, 2});
  CHECK(crowd.finish() == 0);
  for (std::size_t i = 0; i < 20; ++i) CHECK(crowd.done(i).code == ErrorCode::tool_failed);
  CHECK(runs_of(*world) == 1);

  (void)once(*world);

  CHECK(runs_of(*world) == 2);
  CHECK(results_of(*world).entries == 0);
}

TEST_CASE("results: a run goes on for those who joined it when the one that began it has gone") {
  const Bytes image = MeshWorld::sample_image(50'000, 1);
  const auto world = world_with(image, 3, 75);
  for (std::uint32_t node = 0; node < 3; ++node) world->set_tool_time(node, 4s);
  Crowd first(*world, "a.png");
  first.add(0);
  (void)world->run_until([&] { return !first.step() && runs_of(*world) == 1; }, 1s);
  Crowd second(*world, "a.png");
  second.add(1);
  for (int i = 0; i < 20; ++i) {
    world->run_for(5ms);
    (void)second.step();
  }

  first.leave();

  CHECK(second.finish() == 1);
  CHECK(runs_of(*world) == 1);
  CHECK(second.fetch(0) == MeshWorld::expected_output(image));
}

TEST_CASE("results: who asks again just before it would count as gone keeps the run alive") {
  const auto world = world_with(MeshWorld::sample_image(1'400'000, 1), 3, 79);
  for (std::uint32_t node = 0; node < 3; ++node) world->set_tool_time(node, 9s);
  RunRequest request{{}, world->client().fresh_request(), "a.png", "thumbnail", {}, false};
  const OperationId asked = world->client().send(0, request);
  REQUIRE(world->run_until([&] { return world->client().answer_of(asked) != nullptr; }, 5s));
  const auto where = std::get<RunCandidates>(*world->client().answer_of(asked));
  REQUIRE(where.code == ErrorCode{});
  const std::uint32_t holder = world->number_of(where.candidates.front().node);
  const auto start = [&] {
    return world->client().send(
        holder,
        RunStart{{}, request.request, where.input, "thumbnail", where.recipe_digest, {}, 60'000});
  };
  (void)start();
  world->run_for(5500ms);
  const OperationId again = start();
  world->run_for(1s);
  for (int i = 0; i < 5; ++i) {
    (void)world->client().send(holder, RunAlive{request.request});
    world->run_for(1s);
  }
  const Message* answer = world->client().answer_of(again);
  REQUIRE(answer != nullptr);
  const auto* done = std::get_if<RunDone>(answer);
  REQUIRE(done != nullptr);
  CHECK(done->code == ErrorCode{});
}

TEST_CASE("results: when all who wait have gone the tool is killed") {
  const auto world = world_with(MeshWorld::sample_image(50'000, 1), 3, 76);
  for (std::uint32_t node = 0; node < 3; ++node) world->set_tool_time(node, 50s);
  Crowd crowd(*world, "a.png");
  crowd.add(10, {0, 1, 2});
  (void)world->run_until([&] { return !crowd.step() && runs_of(*world) == 1; }, 1s);
  for (int i = 0; i < 20; ++i) {
    world->run_for(5ms);
    (void)crowd.step();
  }
  const std::uint32_t node = crowd.place(0);
  REQUIRE(world->tools_running(node) == 1);

  crowd.leave();

  CHECK(world->tools_running(node) == 0);
}

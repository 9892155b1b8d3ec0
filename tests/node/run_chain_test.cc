#include <doctest/doctest.h>

#include "image_bytes.h"
#include "node/run_chain.h"
#include "simulations/world/mesh_world.h"

using namespace pixmesh;

namespace {

struct ChainAsker {
  MeshWorld& world;
  RequestId request = world.client().fresh_request();

  RunCandidates plan(std::vector<RunStep> then) {
    RunRequest wish{{}, request, "a.png", "thumbnail", {}, false};
    wish.then = std::move(then);
    const OperationId asked = world.client().send(0, wish);
    (void)world.run_until([&] { return world.client().answer_of(asked) != nullptr; });
    return std::get<RunCandidates>(*world.client().answer_of(asked));
  }
  /// Sends the start to a node. @returns the operation of its answer.
  OperationId start(std::uint32_t node, const RunCandidates& plan,
                    std::uint32_t limit_ms = 60'000) {
    RunStart wish{{}, request, plan.input, "thumbnail", plan.recipe_digest, {}, limit_ms};
    wish.then = plan.then;
    return world.client().send(node, wish);
  }
  RunDone end_of(OperationId asked) {
    (void)world.run_until([&] { return has_end(asked); }, 20s);
    REQUIRE(has_end(asked));
    return std::get<RunDone>(*world.client().answer_of(asked));
  }
  bool has_end(OperationId asked) {
    const Message* answer = world.client().answer_of(asked);
    return answer != nullptr && std::holds_alternative<RunDone>(*answer);
  }
};

/// Folders of runs that still have a result.
int outputs_left(MeshWorld& world, std::uint32_t node) {
  int left = 0;
  for (int run = 1; run < 20; ++run) {
    if (world.disk(node).file("scratch/run-" + std::to_string(run) + "/out.png")) ++left;
  }
  return left;
}

}  // namespace

TEST_CASE("node: the steps of a chain run one after another on one node, each on the last one's") {
  const auto world = settled_mesh(3, 51);
  const Bytes image = test::png_bytes({.width = 300, .height = 200});
  REQUIRE(world->put(0, "a.png", image, {.wait_all = true}).code == ErrorCode{});
  for (std::uint32_t node = 0; node < 3; ++node) world->set_tool_time(node, 1s);
  ChainAsker asker{*world};
  const RunCandidates plan = asker.plan({{"thumbnail", {}, {}}, {"thumbnail", {}, {}}});
  REQUIRE_MESSAGE(plan.code == ErrorCode{}, plan.detail);
  REQUIRE(plan.then.size() == 2);
  CHECK(plan.then[0].recipe_digest == plan.recipe_digest);
  CHECK(std::count(plan.argv.begin(), plan.argv.end(), "|") == 2);
  const std::uint32_t holder = world->number_of(plan.candidates.front().node);

  const RunDone done = asker.end_of(asker.start(holder, plan));

  REQUIRE_MESSAGE(done.code == ErrorCode{}, done.detail);
  CHECK(done.wall_micros == 3'000'000);
  StreamOpen open;
  open.run = asker.request;
  open.size = done.output_size;
  const auto course = world->client().begin_receive(holder, open);
  (void)world->run_until([&] { return course->complete || course->end; }, 5s);
  const auto once = [](const Bytes& bytes) { return MeshWorld::expected_output(bytes); };
  CHECK(course->bytes == once(once(once(image))));
  (void)world->client().send(holder, RunCancel{asker.request});
  world->run_for(1s);
  CHECK(outputs_left(*world, holder) == 0);
  CHECK(world->machine(holder).executor->discarded == 3);
}

TEST_CASE("node: who cannot do a later step of a chain is no candidate for it") {
  const auto world = settled_mesh(3, 55);
  REQUIRE(world->put(0, "a.png", Bytes(1'000, 7), {.wait_all = true}).code == ErrorCode{});
  Recipe recipe;
  recipe.argv = {"tool", "{in}", "{out}"};
  recipe.output = "png";
  for (const std::uint32_t node : world->running()) {
    RecipeBook book;
    recipe.name = "thumbnail";
    REQUIRE(book.add(recipe));
    recipe.name = "later";
    REQUIRE(book.add(recipe, node == 1 ? "" : "a native worker"));
    world->machine(node).node->set_recipes(book);
  }
  ChainAsker asker{*world};

  const RunCandidates plan = asker.plan({{"later", {}, {}}});

  REQUIRE_MESSAGE(plan.code == ErrorCode{}, plan.detail);
  REQUIRE(plan.candidates.size() == 1);
  CHECK(world->number_of(plan.candidates.front().node) == 1);
  CHECK(asker.end_of(asker.start(1, plan)).code == ErrorCode{});
  CHECK(ChainAsker{*world}.plan({}).candidates.size() == 3);
}

TEST_CASE("node: a chain's cost is that of all its steps, apart from that of its first recipe") {
  const auto world = settled_mesh(3, 54);
  const Bytes image(1'000, 7);  // of no type, for the record and for the node
  REQUIRE(world->put(0, "a.png", image, {.wait_all = true}).code == ErrorCode{});
  for (std::uint32_t node = 0; node < 3; ++node) world->set_tool_time(node, 1s);
  ChainAsker asker{*world};
  const RunCandidates plan = asker.plan({{"thumbnail", {}, {}}, {"thumbnail", {}, {}}});
  const std::uint32_t holder = world->number_of(plan.candidates.front().node);
  REQUIRE(asker.end_of(asker.start(holder, plan)).code == ErrorCode{});
  ChainAsker alone{*world};
  REQUIRE(alone.end_of(alone.start(holder, alone.plan({}))).code == ErrorCode{});

  const OperationId asked = world->client().send(holder, CostsRequest{});
  (void)world->run_until([&] { return world->client().answer_of(asked) != nullptr; });
  const auto costs = std::get<CostsAnswer>(*world->client().answer_of(asked)).costs;

  REQUIRE(costs.size() == 2);
  CHECK(costs[0].way == "any");
  CHECK(costs[0].points.front().wall_micros == 1'000'000);
  CHECK(costs[1].way == "any | thumbnail | thumbnail");
  CHECK(costs[1].points.front().wall_micros == 3'000'000);
  ChainAsker next{*world};
  const RunCandidates foreseen = next.plan({{"thumbnail", {}, {}}, {"thumbnail", {}, {}}});
  const auto there =
      std::ranges::find(foreseen.candidates, plan.candidates.front().node, &RunCandidate::node);
  REQUIRE(there != foreseen.candidates.end());
  CHECK(there->run_micros == 3'000'000);
}

TEST_CASE("node: the way of a run names what was chosen, and how large its largest number is") {
  BookEntry entry;
  entry.recipe.name = "resize";
  entry.recipe.argv = {"tool", "{in}", "{scale}", "{width}", "{left}", "{fast}", "{out}"};
  entry.recipe.output = "{format}";
  entry.recipe.parameters = {
      {"format", ParameterType::choice, 0, 0, 0, {"jpg", "webp"}},
      {"fast", ParameterType::boolean, 0, 1, 0, {}},
      {"scale", ParameterType::real, -10'000'000, 10'000'000, 500'000, {}},
      {"width", ParameterType::integer, 1, 16'384, 800, {}},
      {"left", ParameterType::integer, 0, 16'384, 0, {}},
  };
  const auto way = [&](const std::vector<RunArgument>& arguments) {
    const auto step = render_step(entry, arguments);
    REQUIRE(step.has_value());
    return way_of("jpeg", 0, choices_of({step.value()}));
  };

  CHECK(way({}) == "jpeg format=jpg fast=false ints<=1024 reals<=0.5");
  CHECK(way({{"width", "1024"}, {"left", "1000"}, {"scale", "0.500001"}}) ==
        "jpeg format=jpg fast=false ints<=1024 reals<=1");
  CHECK(way({{"format", "webp"}, {"left", "1025"}, {"scale", "-3"}}) ==
        "jpeg format=webp fast=false ints<=2048 reals<=4");
  const RenderedStep one = render_step(entry, {}).value();
  CHECK(way_of("png", 4, choices_of({one, one})) ==
        "png held format=jpg fast=false ints<=1024 reals<=0.5 | resize format=jpg fast=false "
        "ints<=1024 reals<=0.5");
  const std::string many = choices_of(std::vector<RenderedStep>(8, one));
  CHECK(many.size() <= 200);
  RenderedStep other = one;
  other.choices += " ";
  std::vector<RenderedStep> changed(8, one);
  changed.back() = other;
  CHECK(choices_of(changed) != many);
}

TEST_CASE("node: what a recipe says of its tool goes with each run of it") {
  BookEntry entry;
  entry.recipe.argv = {"vipsthumbnail", "{in}", "--size", "9", "-o", "{out}"};
  entry.recipe.output = "jpg";
  const auto tool = [&] { return tool_of(render_step(entry, {}).value()); };

  CHECK(tool().engine == ToolEngine::command);
  CHECK_FALSE(tool().fast_shrink_on_load);
  entry.recipe.engine = ToolEngine::vips;
  entry.recipe.fast_shrink_on_load = true;
  entry.recipe.limits.wall = 7s;
  CHECK(tool().engine == ToolEngine::vips);
  CHECK(tool().fast_shrink_on_load);
  CHECK(tool().limits == entry.recipe.limits);
  CHECK(tool().argv == entry.recipe.argv);
}

TEST_CASE("node: a later step that the deadline cuts is out of time, and has not failed") {
  const auto world = settled_mesh(3, 52);
  const Bytes image = test::png_bytes({.width = 300, .height = 200});
  REQUIRE(world->put(0, "a.png", image, {.wait_all = true}).code == ErrorCode{});
  ChainAsker asker{*world};
  const RunCandidates plan = asker.plan({{"thumbnail", {}, {}}});
  REQUIRE_MESSAGE(plan.code == ErrorCode{}, plan.detail);
  const std::uint32_t holder = world->number_of(plan.candidates.front().node);
  world->set_tool_time(holder, 15s);
  // The first step has all the time that its recipe gives it, a minute; the second one has less.
  const OperationId asked = asker.start(holder, plan, 70'000);
  for (int second = 0; second < 72 && !asker.has_end(asked); ++second) {
    (void)world->client().send(holder, RunAlive{asker.request});
    if (second == 10) world->set_tool_trouble(holder, ToolTrouble::hangs);
    world->run_for(1s);
  }
  CHECK(asker.end_of(asked).code == ErrorCode::timed_out);
}

TEST_CASE("node: a chain whose asker goes is killed in whatever step it is, and leaves nothing") {
  for (const Duration at : {1s, 3s, 5s}) {
    const auto world = settled_mesh(3, 52);
    REQUIRE(
        world->put(0, "a.png", test::png_bytes({.width = 300, .height = 200}), {.wait_all = true})
            .code == ErrorCode{});
    for (std::uint32_t node = 0; node < 3; ++node) world->set_tool_time(node, 2s);
    ChainAsker asker{*world};
    const RunCandidates plan = asker.plan({{"thumbnail", {}, {}}, {"thumbnail", {}, {}}});
    const std::uint32_t holder = world->number_of(plan.candidates.front().node);
    (void)asker.start(holder, plan);
    world->run_for(at);
    REQUIRE(world->tools_running(holder) == 1);

    (void)world->client().send(holder, RunCancel{asker.request});
    world->run_for(500ms);

    CHECK(world->tools_running(holder) == 0);
    CHECK(outputs_left(*world, holder) == 0);
    CHECK(world->machine(holder).executor->discarded == static_cast<std::uint32_t>(at / 2s + 1));
    CHECK(world->run(0, "a.png").code == ErrorCode{});
  }
}

TEST_CASE("node: a chain that nobody can run is refused before anything starts") {
  const auto world = settled_mesh(3, 53);
  REQUIRE(world->put(0, "a.png", test::png_bytes({.width = 300, .height = 200}), {.wait_all = true})
              .code == ErrorCode{});
  ChainAsker asker{*world};

  CHECK(asker.plan({{"no-such-recipe", {}, {}}}).code == ErrorCode::usage);
  CHECK(asker.plan({{"thumbnail", {{"no-such-parameter", "1"}}, {}}}).code == ErrorCode::usage);
  CHECK(asker.plan(std::vector<RunStep>(chain_steps_max, {"thumbnail", {}, {}})).code ==
        ErrorCode::usage);

  RunCandidates plan = asker.plan({{"thumbnail", {}, {}}});
  REQUIRE(plan.code == ErrorCode{});
  plan.then[0].recipe_digest.raw[0] ^= 1;  // the holder has another recipe of that name
  const std::uint32_t holder = world->number_of(plan.candidates.front().node);
  const RunDone done = asker.end_of(asker.start(holder, plan));
  CHECK(done.code == ErrorCode::overloaded);
  CHECK(done.detail.find("differs") != std::string::npos);
}

TEST_CASE("node: all that a chain did is one request's record") {
  const auto world = settled_mesh(3, 54);
  REQUIRE(world->put(0, "a.png", test::png_bytes({.width = 300, .height = 200}), {.wait_all = true})
              .code == ErrorCode{});
  for (std::uint32_t node = 0; node < 3; ++node) world->set_tool_time(node, 2s);
  ChainAsker asker{*world};
  const RunCandidates plan = asker.plan({{"thumbnail", {}, {}}});
  const std::uint32_t holder = world->number_of(plan.candidates.front().node);
  (void)asker.end_of(asker.start(holder, plan));

  const auto why = [&](std::uint32_t node) {
    const OperationId asked = world->client().send(node, WhyRequest{{}, asker.request});
    (void)world->run_until([&] { return world->client().answer_of(asked) != nullptr; }, 5s);
    return std::get<WhyAnswer>(*world->client().answer_of(asked));
  };
  const WhyAnswer routed = why(0);
  const WhyAnswer ran = why(holder);

  REQUIRE(routed.routes.size() == 1);
  CHECK(routed.routes[0].recipe == "thumbnail | thumbnail");
  CHECK(routed.routes[0].name == "a.png");
  CHECK(routed.routes[0].holders.size() == 3);
  CHECK(routed.routes[0].holders[0].answered);
  REQUIRE(ran.runs.size() == 1);
  CHECK(ran.runs[0].state == "done");
  CHECK(ran.runs[0].run_micros == 4'000'000);
}

TEST_CASE("node: when the connection of an asker ends its tool is killed within a second") {
  const auto world = settled_mesh(3, 55);
  REQUIRE(world->put(0, "a.png", test::png_bytes({.width = 300, .height = 200}), {.wait_all = true})
              .code == ErrorCode{});
  for (std::uint32_t node = 0; node < 3; ++node) world->set_tool_time(node, 50s);
  for (const bool comes_again : {false, true}) {
    ChainAsker asker{*world};
    const RunCandidates plan = asker.plan({});
    const std::uint32_t holder = world->number_of(plan.candidates.front().node);
    (void)asker.start(holder, plan);
    world->run_for(500ms);
    REQUIRE(world->tools_running(holder) == 1);

    for (std::uint64_t link = 1; link < 2'000; ++link) {  // the client's is one of them
      world->deliver(holder, LinkClosed{LinkId{link}});
    }
    world->run_for(600ms);
    CHECK(world->tools_running(holder) == 1);
    if (comes_again) (void)world->client().send(holder, AliveRequest{});
    world->run_for(300ms);

    CHECK(world->tools_running(holder) == (comes_again ? 1 : 0));
    (void)world->client().send(holder, RunCancel{asker.request});
    world->run_for(1s);
  }
}

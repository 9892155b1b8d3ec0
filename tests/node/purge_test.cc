// Results that go because somebody says so, or because their image was deleted.
#include <doctest/doctest.h>

#include "base/digest.h"
#include "crowd.h"
#include "wire/stored.h"

using namespace pixmesh;

namespace {

PurgeAnswer purge_at(MeshWorld& world, std::uint32_t node, PurgeRequest wish) {
  const OperationId asked = world.client().send(node, std::move(wish));
  REQUIRE(world.run_until([&] { return world.client().answer_of(asked) != nullptr; }, 5s));
  return std::get<PurgeAnswer>(*world.client().answer_of(asked));
}

PurgeAnswer purge_at(MeshWorld& world, std::uint32_t node, const Digest& source) {
  return purge_at(world, node, PurgeRequest{{}, {source}, {}, {}});
}

std::uint64_t purge_everywhere(MeshWorld& world, const PurgeRequest& wish) {
  std::uint64_t dropped = 0;
  for (const std::uint32_t node : world.running()) dropped += purge_at(world, node, wish).dropped;
  return dropped;
}

ResultKept result_for(const Digest& key, const Digest& source, const std::string& name) {
  ResultFacts facts;
  facts.key = key;
  facts.source = source;
  facts.extension = "png";
  facts.names = {name};
  return {key, "png", encode_result_facts(facts), KeptBytes{10, {1}}, true};
}
/// So that node 0 finds it.
void plant_result(MeshWorld& world, std::uint8_t number, const Digest& source,
                  const std::string& name) {
  const Digest key{{number}};
  world.machine(0).kept_facts.insert_or_assign(key, result_for(key, source, name));
}

/// A new process on the same disk; whatever the crash took of this result is there again.
void restart_with(MeshWorld& world, std::uint32_t node, const Digest& result) {
  const std::string path = result_path(result, "png");
  const Bytes kept = *world.disk(node).file(path);
  world.crash(node);
  world.restart(node);
  world.disk(node).write_file(path, kept);
  REQUIRE(world.run_until_settled());
}

}  // namespace

TEST_CASE("results: a purge drops what was made of an image, also what is still being made") {
  const Bytes image = MeshWorld::sample_image(50'000, 1);
  const auto world = world_with(image, 3, 70);
  Crowd first = once(*world);
  first.leave();
  const Digest source = digest_of(image);

  std::uint64_t dropped = 0;
  for (std::uint32_t node = 0; node < 3; ++node) dropped += purge_at(*world, node, source).dropped;
  CHECK(dropped == 1);
  CHECK(results_of(*world).entries == 0);
  CHECK_FALSE(world->disk(first.place(0)).file(result_path(first.done(0).key, "png")));
  for (std::uint32_t node = 0; node < 3; ++node) world->set_tool_time(node, 2s);
  Crowd running(*world, "a.png");
  running.add(0);
  REQUIRE(world->run_until([&] { return !running.step() && runs_of(*world) == 2; }, 1s));
  for (std::uint32_t node = 0; node < 3; ++node) (void)purge_at(*world, node, source);

  CHECK(running.finish() == 1);
  running.leave();
  CHECK(results_of(*world).entries == 0);
}

TEST_CASE("results: a purge of everything, or of more than a client of ours asks, is not heard") {
  const auto world = world_with(MeshWorld::sample_image(50'000, 1), 1, 84);
  once(*world).leave();
  const PurgeRequest everything{{}, {}, {}, {""}};
  const PurgeRequest too_many{{}, {}, {}, std::vector<std::string>(1'001, "a")};
  const PurgeRequest no_name{{}, {}, {std::string(2'000, 'a')}, {"a"}};
  for (const PurgeRequest& wish : {everything, too_many, no_name}) {
    const OperationId asked = world->client().send(0, wish);
    world->run_for(1s);
    CHECK(world->client().answer_of(asked) == nullptr);
  }
  CHECK(results_of(*world).entries == 1);
  CHECK(purge_at(*world, 0, PurgeRequest{{}, {}, {}, {"a"}}).dropped == 1);
}

TEST_CASE("results: a purge by name reaches what was made of the name's earlier images") {
  const auto world = world_with(MeshWorld::sample_image(50'000, 1), 3, 83);
  once(*world).leave();
  REQUIRE(world->put(1, "a.png", MeshWorld::sample_image(50'000, 2)).code == ErrorCode{});
  once(*world).leave();
  REQUIRE(world->put(1, "b.png", MeshWorld::sample_image(50'000, 3)).code == ErrorCode{});
  once(*world, "b.png").leave();
  REQUIRE(results_of(*world).entries == 3);

  CHECK(purge_everywhere(*world, {{}, {}, {"a.png"}, {}}) == 2);

  CHECK(once(*world, "b.png").count_of(ResultOrigin::kept) == 1);
  CHECK(once(*world).count_of(ResultOrigin::made) == 1);
  CHECK(purge_everywhere(*world, {{}, {}, {}, {"b."}}) == 1);
}

TEST_CASE(
    "results: what was given out for another name is found by that name, after a restart too") {
  const Bytes image = MeshWorld::sample_image(50'000, 1);
  const auto world = world_with(image, 3, 84);
  REQUIRE(world->put(1, "b.png", image, {.wait_all = true}).code == ErrorCode{});
  Crowd first = once(*world);
  first.leave();
  Crowd second = once(*world, "b.png");
  REQUIRE(second.count_of(ResultOrigin::kept) == 1);
  second.leave();
  restart_with(*world, first.place(0), first.done(0).key);
  REQUIRE(results_of(*world).entries == 1);

  CHECK(purge_everywhere(*world, {{}, {}, {"c.png"}, {}}) == 0);
  CHECK(purge_everywhere(*world, {{}, {}, {"b.png"}, {}}) == 1);

  world->run_for(50ms);
  CHECK_FALSE(world->disk(first.place(0)).file(result_path(first.done(0).key, "png")));
}

TEST_CASE("results: what was given out for more names than are remembered is found by each") {
  const Bytes image = MeshWorld::sample_image(5'000, 1);
  const auto world = world_with(image, 1, 90);
  const auto name_of = [](int number) { return "copy" + std::to_string(number); };
  for (int i = 0; i < 65; ++i) {
    REQUIRE(world->put(0, name_of(i), image, {.wait_all = true}).code == ErrorCode{});
  }
  const auto ask_for = [&](int count) {
    for (int i = 0; i < count; ++i) once(*world, name_of(i)).leave();
  };
  ask_for(64);
  CHECK(purge_at(*world, 0, {{}, {}, {name_of(64)}, {}}).dropped == 0);  // never made for it
  ask_for(65);
  CHECK(runs_of(*world) == 1);
  CHECK(purge_at(*world, 0, {{}, {}, {name_of(64)}, {}}).dropped == 1);

  ask_for(65);
  Crowd one = once(*world);
  one.leave();
  restart_with(*world, 0, one.done(0).key);
  REQUIRE(results_of(*world).entries == 1);
  CHECK(purge_at(*world, 0, {{}, {}, {}, {name_of(64)}}).dropped == 1);

  for (int i = 0; i < 65; ++i) REQUIRE(world->put(0, name_of(i), image).code == ErrorCode{});
  world->set_tool_time(0, 2s);
  Crowd all(*world, name_of(0));
  all.add(0);
  std::vector<Crowd> others;
  for (int i = 1; i < 65; ++i) others.emplace_back(*world, name_of(i)).add(0);
  world->run_for(500ms);
  for (Crowd& other : others) (void)other.step();
  (void)all.step();
  world->run_for(500ms);
  REQUIRE(world->tools_running(0) == 1);
  REQUIRE(world->remove(0, name_of(64)).code == ErrorCode{});
  CHECK(all.finish() == 1);
  all.leave();
  CHECK(results_of(*world).entries == 0);
}

TEST_CASE("results: a name that is noted while a result is made anew leaves it intact") {
  const Bytes image = MeshWorld::sample_image(50'000, 1);
  const auto world = world_with(image, 1, 88);
  REQUIRE(world->put(0, "b.png", image, {.wait_all = true}).code == ErrorCode{});
  world->set_tool_trouble(0, ToolTrouble::varies);
  Crowd first = once(*world);
  first.leave();
  once(*world).leave();  // from here on it lies in memory too
  world->machine(0).results->time = 1s;
  once(*world, "b.png", true).leave();  // the store is at it

  Crowd other = once(*world, "b.png");
  CHECK(other.done(0).made_at_micros == first.done(0).made_at_micros);
  other.leave();
  world->run_for(2300ms);  // two of three orders are carried out, if there are three
  restart_with(*world, 0, first.done(0).key);

  CHECK(once(*world).count_of(ResultOrigin::kept) == 1);
  CHECK(world->count_logged("result_damaged") == 0);
  CHECK(purge_everywhere(*world, {{}, {}, {"b.png"}, {}}) == 1);
}

TEST_CASE("results: what is found while it is made anew does not pass for what is made") {
  const Bytes image = MeshWorld::sample_image(50'000, 1);
  const auto world = world_with(image, 3, 89);
  for (std::uint32_t node = 0; node < 3; ++node) world->machine(node).results->time = 1s;
  Crowd first = once(*world);
  first.leave();

  const ResultKept found = result_for(first.done(0).key, digest_of(image), "z.png");
  world->machine(first.place(0)).node->on_event(world->now(), {1}, found);
  world->run_for(3s);

  CHECK(once(*world).count_of(ResultOrigin::kept) == 1);
  CHECK(purge_everywhere(*world, {{}, {}, {"z.png"}, {}}) == 1);
}

TEST_CASE(
    "results: what was made of an image goes when it is deleted, also where that comes late") {
  const auto world = world_with(MeshWorld::sample_image(50'000, 1), 3, 85);
  Crowd first = once(*world);
  first.leave();
  REQUIRE(world->put(1, "a.png", MeshWorld::sample_image(50'000, 2), {.wait_all = true}).code ==
          ErrorCode{});
  Crowd second = once(*world);
  second.leave();
  const std::string path = result_path(first.done(0).key, "png");
  const Bytes kept = *world->disk(first.place(0)).file(path);
  world->crash(first.place(0));
  world->disk(first.place(0)).write_file(path, kept);
  const std::uint32_t other = (first.place(0) + 1) % 3;

  REQUIRE(world->remove(other, "a.png").code == ErrorCode{});
  world->restart(first.place(0));
  REQUIRE(world->run_until_settled());

  CHECK(results_of(*world).entries == 0);
  CHECK_FALSE(world->disk(first.place(0)).file(path));
}

TEST_CASE("results: what is being made when its image is deleted is given out and not kept") {
  const auto world = world_with(MeshWorld::sample_image(50'000, 1), 3, 86);
  for (std::uint32_t node = 0; node < 3; ++node) world->set_tool_time(node, 2s);
  Crowd running(*world, "a.png");
  running.add(0);
  REQUIRE(world->run_until([&] { return !running.step() && runs_of(*world) == 1; }, 1s));

  REQUIRE(world->remove(1, "a.png").code == ErrorCode{});

  CHECK(running.finish() == 1);
  running.leave();
  CHECK(results_of(*world).entries == 0);
}

TEST_CASE("results: what is purged while a new process looks through what it keeps is not found") {
  const auto world = world_with(MeshWorld::sample_image(50'000, 1), 3, 87);
  world->crash(0);
  world->machine(0).look_through_time = 5s;
  plant_result(*world, 1, Digest{{1}}, "a.png");
  plant_result(*world, 2, Digest{{2}}, "b.png");
  plant_result(*world, 3, Digest{{77}}, "c.png");
  plant_result(*world, 4, Digest{{3}}, "dogs/1.png");
  plant_result(*world, 5, Digest{{4}}, "e.png");
  world->restart(0);
  world->run_for(1s);
  (void)purge_at(*world, 0, {{}, {Digest{{77}}}, {"b.png"}, {"dogs/"}});
  REQUIRE(world->remove(1, "a.png").code == ErrorCode{});
  REQUIRE(results_of(*world).entries == 0);

  REQUIRE(world->run_until_settled());
  world->run_for(6s);

  CHECK(results_of(*world).entries == 1);
  CHECK(purge_at(*world, 0, {{}, {}, {"e.png"}, {}}).dropped == 1);
  world->run_for(50ms);
  CHECK(world->machine(0).kept_facts.empty());
}

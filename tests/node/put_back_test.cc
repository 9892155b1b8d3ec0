#include <doctest/doctest.h>

#include "simulations/world/mesh_world.h"

using namespace pixmesh;

namespace {

constexpr std::uint32_t put_back = 5;

void put_back_to(MeshWorld& world, std::uint32_t node, NodeContents before) {
  world.crash(node);
  world.restore(node, std::move(before));
  world.restart(node);
}

/// Its disk is as it should be again.
void start_again(MeshWorld& world, std::uint32_t node) {
  world.crash(node);
  world.disk(node).trouble = {};
  world.restart(node);
  world.run_for(5s);
}

/// Node 5 is put back to a state of a minute ago. Six nodes: it does not hold every partition.
void put_back_node_5(MeshWorld& world) {
  world.add_nodes(6);
  REQUIRE(world.run_until_settled());
  NodeContents before = world.contents_of(put_back);
  world.run_for(60s);
  put_back_to(world, put_back, std::move(before));
}

}  // namespace

TEST_CASE("node: one that was put back recovers, however many tell it at once") {
  MeshWorld world({.seed = 71, .renew_every = 20s});
  put_back_node_5(world);
  CHECK(world.run_until_settled());
  world.run_for(30s);
  CHECK(world.count_logged("node_failed") == 0);
  CHECK(world.count_logged("copies_doubted") == 1);
  CHECK(world.is_running(put_back));
}

TEST_CASE("node: one that is told after its placement lists names like any other") {
  MeshWorld world({.seed = 72, .renew_every = 20s});
  put_back_node_5(world);
  for (std::uint32_t other = 0; other < put_back; ++other) world.cut(other, put_back);
  world.run_for(2s);
  REQUIRE(world.count_logged("copies_doubted") == 0);
  world.heal_all();
  REQUIRE(world.run_until([&] { return world.count_logged("copies_doubted") == 1; }));
  CHECK(world.run_until_settled());
  CHECK(world.run_until([&] { return world.list(put_back, "").complete; }));
  CHECK(world.list(0, "").complete);
}

// Two records of one generation: of the node before it was put back, and after.
TEST_CASE("node: one that was put back is told by whoever knows another record as new") {
  for (std::uint64_t seed = 80; seed < 88; ++seed) {  // which of the two prevails is chance
    MeshWorld world({.seed = seed});
    world.add_nodes(4);
    REQUIRE(world.run_until_settled());
    NodeContents before = world.contents_of(3);
    start_again(world, 3);
    put_back_to(world, 3, std::move(before));
    world.run_for(20s);
    CHECK(world.count_logged("copies_doubted") == 1);
  }
}

// Seed 262807: each start made a later record, until none of the others knew a later one.
TEST_CASE("node: one that was put back and starts over and over, heard by nobody, is told") {
  MeshWorld world({.seed = 73, .renew_every = 20s});
  put_back_node_5(world);
  for (std::uint32_t other = 0; other < put_back; ++other) world.cut(other, put_back);
  const std::uint64_t generation = world.stored_member(put_back)->generation;
  for (int starts = 0; starts < 10; ++starts) {
    world.run_for(3s);
    world.crash(put_back);
    world.restart(put_back);
  }
  world.run_for(3s);
  CHECK(world.stored_member(put_back)->generation == generation);
  world.heal_all();
  CHECK(world.run_until([&] { return world.count_logged("copies_doubted") == 1; }));
  CHECK(world.run_until_settled());
}

TEST_CASE("node: each start makes a later record, as soon as another member has the present one") {
  MeshWorld world({.seed = 74});
  world.add_nodes(3);
  REQUIRE(world.run_until_settled());
  const std::uint64_t generation = world.stored_member(2)->generation;
  world.crash(2);
  world.restart(2);
  world.run_for(3s);
  CHECK(world.stored_member(2)->generation == generation + 1);
  world.run_for(30s);
  CHECK(world.stored_member(2)->generation == generation + 1);
  CHECK(world.count_logged("copies_doubted") == 0);
}

TEST_CASE("node: one that stops while it is told that it was put back is told again") {
  for (std::uint32_t steps = 1; steps <= 8; ++steps) {
    MeshWorld world({.seed = 90 + steps, .renew_every = 20s});
    world.add_nodes(4);
    REQUIRE(world.run_until_settled());
    NodeContents before = world.contents_of(3);
    world.run_for(60s);
    world.disk(3).trouble.slower = 50ms;  // the doubts are written there, its record is not
    put_back_to(world, 3, std::move(before));
    REQUIRE(world.run_until([&] { return world.count_logged("copies_doubted") == 1; }));
    world.run_for(5ms * steps);
    world.crash(3);
    world.disk(3).trouble = {};
    world.restart(3);
    CHECK(world.run_until([&] { return world.count_logged("copies_doubted") == 2; }, 20s));
  }
}

// Seed 264993: the doubts could not be written, and after two starts its record was the later one.
TEST_CASE("node: one that is told while its disk fails doubts its copies after the next start") {
  for (std::uint64_t seed = 110; seed < 114; ++seed) {
    MeshWorld world({.seed = seed});
    world.add_nodes(4);
    REQUIRE(world.run_until_settled());
    NodeContents before = world.contents_of(3);
    start_again(world, 3);
    world.disk(3).trouble.failing_writes = 1'000'000;
    put_back_to(world, 3, std::move(before));
    REQUIRE(world.run_until([&] { return world.count_logged("copies_doubted") == 1; }));
    world.run_for(2s);
    start_again(world, 3);
    CHECK(world.count_logged("copies_doubted") == 2);
    CHECK(world.run_until_settled());
    start_again(world, 3);
    CHECK(world.count_logged("copies_doubted") == 2);  // it has all again
  }
}

// Seed 264397: under its old lists it was a read quorum by itself, and called its copies whole.
TEST_CASE("node: one that was put back to when it was alone asks the others what they hold") {
  for (std::uint64_t seed = 120; seed < 124; ++seed) {
    MeshWorld world({.seed = seed, .renew_every = 20s});
    world.add_nodes(1);
    REQUIRE(world.run_until_settled());
    NodeContents before = world.contents_of(0);
    world.add_nodes(4);
    REQUIRE(world.run_until_settled());
    const std::vector<std::string> names{"a.png", "b.png", "c.png", "d.png"};
    for (const std::string& name : names) {
      REQUIRE(world.put(1, name, MeshWorld::sample_image(900, seed)).code == ErrorCode{});
    }
    world.run_for(60s);
    put_back_to(world, 0, std::move(before));
    REQUIRE(world.run_until([&] { return world.count_logged("copies_doubted") == 1; }));
    std::size_t denied = 0;
    for (int i = 0; i < 40; ++i) {
      for (const std::string& name : names) {
        const LookupAnswer answer = world.look_up(0, name);
        denied += answer.confirmed && answer.code == ErrorCode::not_found ? 1 : 0;
      }
      world.run_for(20ms);
    }
    CHECK(denied == 0);
    CHECK(world.run_until_settled());
    for (const std::string& name : names) CHECK(world.look_up(0, name).code == ErrorCode{});
  }
}

TEST_CASE("node: of two processes with one identity one ends, and nothing is lost") {
  for (std::uint64_t seed = 100; seed < 104; ++seed) {
    MeshWorld world({.seed = seed});
    world.add_nodes(5);
    REQUIRE(world.run_until_settled());
    const Bytes bytes = MeshWorld::sample_image(900, seed);
    world.start_twin(3);
    REQUIRE(world.put(0, "a.png", bytes).code == ErrorCode{});
    CHECK(world.run_until([&] { return !world.has_twin(3) || !world.is_running(3); }, 30s));
    world.end_twin(3);
    if (!world.is_running(3)) world.restart(3);
    CHECK(world.run_until_settled());
    for (std::uint32_t node = 0; node < 5; ++node) CHECK(world.get(node, "a.png").value() == bytes);
  }
}

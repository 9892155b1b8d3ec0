#include <doctest/doctest.h>

#include "simulations/world/mesh_world.h"

using namespace pixmesh;

namespace {

constexpr std::uint32_t slow_node = 1;

/// @returns how long a node takes to answer this.
template <typename Ask>
Duration time_of(MeshWorld& world, Ask ask) {
  const Instant asked = world.now();
  ask();
  return world.now() - asked;
}

Duration time_of_status(MeshWorld& world) {
  return time_of(world, [&] { CHECK(!world.status(slow_node).members.empty()); });
}

}  // namespace

TEST_CASE("simulations: a slow node takes one event after the other, each so many times as long") {
  const auto world = settled_mesh(3, 5);
  const Duration before = time_of_status(*world);
  world->set_slowness(slow_node, 10'000);  // a second for each

  const Instant begun = world->now();
  const Bytes image = MeshWorld::sample_image(800, 1);
  CHECK(world->put(0, "image", image).code == ErrorCode{});  // by the two others
  CHECK(world->now() - begun < 5s);
  CHECK(time_of_status(*world) > 2s);

  world->set_slowness(slow_node, 1);
  world->run_for(10s);
  CHECK(time_of_status(*world) < before + 5ms);
  CHECK(world->run_until_settled());
  CHECK(world->get(slow_node, "image").value() == image);
}

TEST_CASE("simulations: bytes wait with their event until a slow node takes it") {
  const auto world = settled_mesh(3, 6);
  for (std::uint32_t node = 0; node < 3; ++node) world->set_slowness(node, 50);
  const Bytes image = MeshWorld::sample_image(3 << 20, 2);

  CHECK(world->put(slow_node, "image", image).code == ErrorCode{});
  CHECK(world->get(2, "image").value() == image);
  CHECK(joined(world->faults()).empty());
}

TEST_CASE("simulations: tools of a slow node take so many times as long") {
  const auto world = settled_mesh(1, 7);
  CHECK(world->put(0, "image", MeshWorld::sample_image(800, 1)).code == ErrorCode{});
  const auto run = [&] { CHECK(world->run(0, "image").code == ErrorCode{}); };
  const Duration before = time_of(*world, run);
  CHECK(world->put(0, "image", MeshWorld::sample_image(802, 2)).code == ErrorCode{});
  world->set_slowness(0, 50);

  CHECK(time_of(*world, run) > 40 * before);
}

TEST_CASE(
    "simulations: a pause of a slow node ends with what came meanwhile, one after the other") {
  const auto world = settled_mesh(3, 8);
  world->set_slowness(slow_node, 50);
  world->pause(slow_node);
  world->run_for(20s);
  world->resume(slow_node);
  CHECK(world->run_until([&] { return world->status(0).members.size() == 3; }));
  CHECK(world->run_until_settled());
  CHECK(world->is_running(slow_node));
}

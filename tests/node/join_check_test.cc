#include "sample_images.h"

using namespace pixmesh;

namespace {

constexpr std::uint64_t roomy = 1ULL << 40;

std::string state_of(MeshWorld& world, std::uint32_t node) {
  for (const MemberStatus& member : world.status(0).members) {
    if (member.node == world.id_of(node)) return member.state;
  }
  return "unknown";
}

/// Nodes that are all in one zone, and settled.
std::unique_ptr<MeshWorld> mesh_in_one_zone(std::uint32_t count, std::uint64_t seed) {
  auto world = std::make_unique<MeshWorld>(WorldOptions{.seed = seed});
  for (std::uint32_t node = 0; node < count; ++node) world->add_node({.zone = "a"});
  REQUIRE(world->run_until_settled());
  return world;
}

bool comes_to_be(MeshWorld& world, std::uint32_t node, const std::string& state) {
  return world.run_until([&] { return state_of(world, node) == state; }, 30s);
}

std::string waits_for(MeshWorld& world, std::uint32_t node) { return world.status(node).waits_for; }

}  // namespace

TEST_CASE("node: a newcomer with room for its share takes its place by itself") {
  const auto world = settled_mesh(3, 71);
  const Images images = put_images(*world, 20);
  const std::uint32_t newcomer = world->add_node({.capacity = roomy});

  CHECK(comes_to_be(*world, newcomer, "active"));
  REQUIRE(world->run_until_settled());
  CHECK(world->status(newcomer).bytes > 0);
  CHECK(waits_for(*world, newcomer).empty());
}

TEST_CASE("node: a newcomer that its share would fill waits until an operator applies a plan") {
  const auto world = settled_mesh(3, 72);
  const Images images = put_images(*world, 20);
  REQUIRE(world->run_until_settled());
  const std::uint32_t held = world->add_node({.capacity = 100});
  const auto is_held = [&] {
    return waits_for(*world, held).find("more than 80 % of its capacity") != std::string::npos;
  };

  REQUIRE(world->run_until([&] { return is_held(); }, 30s));
  CHECK(state_of(*world, held) == "joining");
  CHECK(waits_for(*world, held).find("ring plan join") != std::string::npos);
  world->crash(held);
  world->restart(held);
  world->run_for(10s);
  CHECK(is_held());
  CHECK(state_of(*world, held) == "joining");
  CHECK(world->status(held).bytes == 0);

  RingChange join;
  join.kind = RingChangeKind::join;
  join.node = world->id_of(held);
  const PlanAnswer plan = world->plan(held, join);
  REQUIRE(plan.detail == "");
  CHECK(world->apply(held, plan.plan).code == ErrorCode{});
  CHECK(comes_to_be(*world, held, "active"));
  check_all_readable(*world, images);
}

TEST_CASE("node: a newcomer alone in a small zone waits, for it would take a copy of everything") {
  const auto world = mesh_in_one_zone(3, 73);
  (void)put_images(*world, 20);
  REQUIRE(world->run_until_settled());
  const std::uint32_t held = world->add_node({.zone = "b", .capacity = roomy});

  CHECK(world->run_until(
      [&] { return waits_for(*world, held).find("its zone 'b' is so small") != std::string::npos; },
      30s));
  world->run_for(10s);
  CHECK(state_of(*world, held) == "joining");
}

TEST_CASE("node: in a mesh without images nobody is held back") {
  const auto world = mesh_in_one_zone(3, 74);
  const std::uint32_t small = world->add_node({.zone = "b", .capacity = 100});
  CHECK(comes_to_be(*world, small, "active"));
}

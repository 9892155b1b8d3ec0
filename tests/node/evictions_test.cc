#include <doctest/doctest.h>

#include "sample_images.h"

using namespace pixmesh;

namespace {

constexpr Duration out_delay = 30s;

std::unique_ptr<MeshWorld> mesh_of(std::uint32_t count, std::uint64_t seed) {
  auto world = std::make_unique<MeshWorld>(WorldOptions{.seed = seed, .out_delay = out_delay});
  world->add_nodes(count);
  REQUIRE(world->run_until_settled());
  return world;
}

bool is_evicted(MeshWorld& world, std::uint32_t via, std::uint32_t node) {
  const StatusAnswer status = world.status(via);
  return std::ranges::any_of(status.members, [&](const MemberStatus& member) {
    return member.node == world.id_of(node) && member.state == "evicted";
  });
}

struct Awaited {
  std::uint64_t partitions = 0;  // that wait for node 3
  std::uint64_t unsettled = 0;   // in all, each counted once
};
Awaited awaited_of(MeshWorld& world) {
  Awaited sum;
  std::set<PartitionId> unsettled;
  for (const std::uint32_t via : world.running()) {
    for (const MemberStatus& member : world.status(via).members) {
      if (member.node == world.id_of(3)) sum.partitions += member.awaited_by;
    }
    for (std::uint32_t raw = 0; raw < 1U << world.settings().partition_bits; ++raw) {
      const auto lists = world.stored_lists(via, PartitionId{raw});
      if (lists && !lists->is_settled()) unsettled.insert(PartitionId{raw});
    }
  }
  sum.unsettled = unsettled.size();
  return sum;
}

}  // namespace

TEST_CASE("node: of five nodes one that is dead for good is evicted, and its copies made anew") {
  const auto world = mesh_of(5, 40);
  const Images images = put_images(*world, 40);
  world->run_for(2s);
  world->crash(4);
  world->run_for(out_delay - 5s);
  CHECK_FALSE(is_evicted(*world, 0, 4));
  check_all_readable(*world, images);

  CHECK(world->run_until([&] { return is_evicted(*world, 0, 4); }, 30s));
  world->note_forgotten(4);
  CHECK(world->run_until_settled());
  CHECK(joined(world->unrest()) == "");
  for (const auto& [name, bytes] : images) CHECK(world->keepers_of(name).size() == 3);
  check_all_readable(*world, images);
}

// It knows none of those that are there now. Seed 245866.
TEST_CASE("node: one that was away until all others had been replaced asks where it may join") {
  const auto world = mesh_of(3, 44);
  world->crash(2);
  world->add_nodes(3);
  REQUIRE(world->run_until([&] { return is_evicted(*world, 0, 2); }, 90s));
  world->note_forgotten(2);
  REQUIRE(world->run_until_settled());
  for (const std::uint32_t node : {0U, 1U}) {
    REQUIRE(world->command(node, NodeCommand::leave).code == ErrorCode{});
    REQUIRE(world->run_until([&] { return !world->is_running(node); }, 60s));
  }
  const Bytes image = MeshWorld::sample_image(300, 1);
  REQUIRE(world->put(3, "a.png", image).code == ErrorCode{});

  world->restart(2);

  world->machine(2).is_member = true;
  CHECK(world->run_until_settled());
  CHECK(joined(world->unrest()) == "");
  CHECK(world->get(2, "a.png").value() == image);
}

TEST_CASE("node: one whose only disk has failed stops after the out delay and is replaced") {
  const auto world = mesh_of(5, 43);
  const Images images = put_images(*world, 40);
  world->disk(4).trouble.failing_syncs = 1;
  for (std::uint32_t i = 0; !world->disk(4).has_failed(); ++i) {
    REQUIRE(world->put(4, "more" + std::to_string(i), MeshWorld::sample_image(500, i)).copies >= 2);
  }
  world->run_for(out_delay - 1s);
  CHECK(world->is_running(4));
  check_all_readable(*world, images);

  CHECK(world->run_until([&] { return !world->is_running(4); }, 10s));
  CHECK(world->run_until([&] { return is_evicted(*world, 0, 4); }, out_delay + 30s));
  world->note_forgotten(4);
  CHECK(world->run_until_settled());
  CHECK(joined(world->unrest()) == "");
  for (const auto& [name, bytes] : images) CHECK(world->keepers_of(name).size() == 3);
  check_all_readable(*world, images);
}

TEST_CASE("node: a disk whose trouble ends within the out delay is nobody's reason to stop") {
  const auto world = mesh_of(3, 44);
  const Images images = put_images(*world, 8);
  world->disk(2).trouble.full = true;  // not failed, however long
  world->run_for(2 * out_delay);
  CHECK(world->is_running(2));
  world->disk(2).trouble = {};
  CHECK(world->run_until_settled());
  check_all_readable(*world, images);
}

TEST_CASE("node: of five nodes two that are dead are evicted one after the other") {
  const auto world = mesh_of(5, 41);
  const Images images = put_images(*world, 40);
  world->run_for(2s);
  world->crash(3);
  world->crash(4);
  world->run_for(out_delay + 120s);
  CHECK(is_evicted(*world, 0, 3));
  CHECK(is_evicted(*world, 1, 4));
  world->note_forgotten(3);
  world->note_forgotten(4);

  // Partitions that both held wait for them, and no others: some of what was acknowledged there
  // may be with those two alone.
  const Awaited before = awaited_of(*world);
  CHECK(before.partitions > 0);
  CHECK(before.partitions == before.unsettled);
  world->run_for(60s);
  CHECK(awaited_of(*world).partitions == before.partitions);

  for (const std::uint32_t lost : {3U, 4U}) {
    CHECK(world->command(0, NodeCommand::forget, world->id_of(lost), true).code == ErrorCode{});
  }
  CHECK(world->run_until_settled());
  CHECK(joined(world->unrest()) == "");
  CHECK(awaited_of(*world).partitions == 0);
  check_all_readable(*world, images);
}

TEST_CASE("node: partitions that wait for two evicted members go on when one of them is back") {
  const auto world = mesh_of(5, 45);
  const Images images = put_images(*world, 40);
  world->run_for(2s);
  world->crash(3);
  world->crash(4);
  world->run_for(out_delay + 120s);
  world->note_forgotten(4);
  REQUIRE(awaited_of(*world).partitions > 0);

  world->restart(3);
  CHECK(world->run_until_settled());
  CHECK(joined(world->unrest()) == "");
  check_all_readable(*world, images);
}

TEST_CASE("node: of three nodes one that is dead is not evicted, and puts and reads go on") {
  const auto world = mesh_of(3, 42);
  Images images = put_images(*world, 10);
  world->run_for(2s);
  world->crash(2);
  world->run_for(out_delay + 120s);
  CHECK_FALSE(is_evicted(*world, 0, 2));
  images["later"] = MeshWorld::sample_image(500, 99);
  CHECK(world->put(0, "later", images["later"]).detail == "");
  check_all_readable(*world, images);
}

TEST_CASE(
    "node: a smaller half evicts nobody, and joins anew when the greater one has evicted it") {
  const auto world = mesh_of(5, 43);
  const Images images = put_images(*world, 40);
  world->run_for(2s);
  for (const std::uint32_t here : {0U, 1U, 2U}) {
    for (const std::uint32_t there : {3U, 4U}) world->cut(here, there);
  }
  world->run_for(out_delay + 120s);
  CHECK(is_evicted(*world, 0, 3));
  CHECK_FALSE(is_evicted(*world, 4, 0));
  CHECK_FALSE(is_evicted(*world, 4, 1));

  world->heal_all();
  CHECK(world->run_until_settled());
  CHECK(joined(world->unrest()) == "");
  for (const std::uint32_t node : {3U, 4U}) CHECK_FALSE(is_evicted(*world, 0, node));
  for (const auto& [name, bytes] : images) CHECK(world->keepers_of(name).size() == 3);
  check_all_readable(*world, images);
}

TEST_CASE("node: forgetting without force is voted on, and refused where too few would remain") {
  const auto world = mesh_of(4, 44);
  const Images images = put_images(*world, 20);
  world->run_for(2s);
  world->crash(3);
  world->run_for(10s);
  CHECK(world->command(2, NodeCommand::forget, world->id_of(3)).code == ErrorCode{});
  CHECK(world->run_until([&] { return is_evicted(*world, 0, 3); }, 15s));
  world->note_forgotten(3);
  CHECK(world->run_until_settled());
  check_all_readable(*world, images);

  world->crash(2);
  world->run_for(10s);
  const CommandAnswer few = world->command(0, NodeCommand::forget, world->id_of(2));
  CHECK(few.code == ErrorCode::fewer_copies);
  CHECK(few.detail.find("--force") != std::string::npos);
}

TEST_CASE("node: a wish to forget outlives the node that was asked, and status tells of it") {
  auto world = std::make_unique<MeshWorld>(WorldOptions{.seed = 46});
  world->add_nodes(5);
  REQUIRE(world->run_until_settled());
  const Images images = put_images(*world, 20);
  world->run_for(2s);
  world->crash(3);
  world->run_for(10s);
  CHECK(world->command(1, NodeCommand::forget, world->id_of(3)).code == ErrorCode{});
  REQUIRE(world->status(1).votes.size() == 1);
  CHECK(world->status(1).votes[0].node == world->id_of(3));
  CHECK(world->status(1).votes[0].told);
  CHECK(world->status(0).votes.empty());  // nobody told it, and there is no out delay
  world->crash(1);
  world->run_for(20s);
  CHECK_FALSE(is_evicted(*world, 0, 3));

  world->restart(1);
  CHECK(world->run_until([&] { return is_evicted(*world, 0, 3); }, 60s));
  world->note_forgotten(3);
  CHECK(world->run_until_settled());
  CHECK(world->status(1).votes.empty());
  check_all_readable(*world, images);
}

TEST_CASE("node: a wish to forget ends with who is back, though the node that was asked was away") {
  auto world = std::make_unique<MeshWorld>(WorldOptions{.seed = 47});
  world->add_nodes(5);
  REQUIRE(world->run_until_settled());
  world->crash(3);
  world->run_for(10s);
  CHECK(world->command(1, NodeCommand::forget, world->id_of(3)).code == ErrorCode{});
  world->crash(1);
  world->restart(3);
  world->run_for(5s);
  world->restart(1);
  CHECK(world->run_until([&] { return world->status(1).votes.empty(); }, 30s));
  REQUIRE(world->run_until_settled());

  world->crash(3);  // an old wish must not take it out now
  world->run_for(60s);
  CHECK_FALSE(is_evicted(*world, 0, 3));
}

TEST_CASE("node: partitions whose holders were all given up begin anew, and the others keep all") {
  const auto world = settled_mesh(6, 41);
  Images images = put_images(*world, 60);
  for (const std::uint32_t lost : {3U, 4U, 5U}) world->crash(lost);
  world->run_for(20s);
  Images kept;
  for (const auto& [name, bytes] : images) {
    if (world->record_at(0, name) || world->record_at(1, name) || world->record_at(2, name)) {
      kept[name] = bytes;
    }
  }
  REQUIRE(kept.size() < images.size());

  for (const std::uint32_t lost : {3U, 4U, 5U}) {
    const CommandAnswer answer = world->command(0, NodeCommand::forget, world->id_of(lost), true);
    CHECK_MESSAGE(answer.code == ErrorCode{}, answer.detail);
    world->note_forgotten(lost);
  }

  CHECK(world->run_until_settled(180s));
  CHECK(joined(world->unrest()) == "");
  check_all_readable(*world, kept);
  for (const auto& [name, bytes] : images) {
    if (!kept.contains(name)) CHECK(world->put(1, name, bytes).code == ErrorCode{});
  }
  check_all_readable(*world, images);
  std::uint32_t begun_anew = 0;
  for (const std::uint32_t node : {0U, 1U, 2U}) begun_anew += world->status(node).begun_anew;
  CHECK(begun_anew > 0);
}

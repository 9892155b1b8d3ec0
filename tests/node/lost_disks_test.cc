#include <doctest/doctest.h>

#include "base/bytes.h"
#include "node/disk_marks.h"
#include "simulations/world/mesh_world.h"

using namespace pixmesh;

namespace {

DiskDescription disk_of_number(std::uint8_t number) { return {{number}, 1ULL << 40, {}}; }

/// What a node with these disks knows: its state folder names `known`, at mark 7.
NodeMemory memory_of(const std::vector<std::uint8_t>& known, std::vector<TableRows> on_disk) {
  NodeMemory memory;
  for (const std::uint8_t number : known) {
    const DiskDescription disk = disk_of_number(number);
    const std::string key = "disk/" + hex_of(disk.id);
    const ByteView name = bytes_of(key);
    memory.facts.rows.emplace_back(Bytes(name.begin(), name.end()),
                                   CanonicalBytes().u64(7).u64(disk.capacity_bytes).bytes());
  }
  memory.disk_facts = std::move(on_disk);
  return memory;
}

TableRows marked(std::uint64_t mark) {
  const ByteView name = bytes_of("mark");
  return {{{Bytes(name.begin(), name.end()), CanonicalBytes().u64(mark).bytes()}}};
}

std::size_t doubted(const std::vector<std::uint8_t>& now, const NodeMemory& memory) {
  NodeOptions options;
  for (const std::uint8_t number : now) options.disks.push_back(disk_of_number(number));
  const DiskPlaces places(options.disks, disks_known_to(memory.facts), memory.facts, 1'000);
  return doubts_about(options, memory, places).partitions.size();
}

void lose_disk(MeshWorld& world, std::uint32_t node) {
  world.crash(node);
  world.disk(node).restore({});
  world.run_for(200ms);
  world.restart(node);
}

}  // namespace

TEST_CASE("node: a disk is trusted if its mark is at least the one in the state folder") {
  CHECK(doubted({1}, memory_of({1}, {marked(7)})) == 0);
  CHECK(doubted({1}, memory_of({1}, {marked(8)})) == 0);
  CHECK(doubted({1}, memory_of({1}, {marked(6)})) == 1'000);
  CHECK(doubted({1}, memory_of({1}, {TableRows{}})) == 1'000);
  CHECK(doubted({2}, memory_of({1}, {marked(7)})) == 1'000);
  CHECK(doubted({1}, memory_of({}, {TableRows{}})) == 0);  // the first start
}

TEST_CASE("node: of two disks only what the lost one had is doubted, wherever it should be now") {
  const std::size_t lost = doubted({1}, memory_of({1, 2}, {marked(7)}));
  CHECK(lost > 400);
  CHECK(lost < 600);
  CHECK(doubted({1, 3}, memory_of({1, 2}, {marked(7), TableRows{}})) == lost);
  CHECK(doubted({1, 3}, memory_of({1}, {marked(7), TableRows{}})) == 0);
  CHECK(doubted({2, 1}, memory_of({1, 2}, {marked(7), marked(7)})) == 0);
}

TEST_CASE("node: an empty disk is filled again, and answers nothing before it is") {
  const auto world = settled_mesh(3, 51);
  std::map<std::string, Bytes> images;
  for (std::uint32_t i = 0; i < 8; ++i) {
    const std::string name = "image" + std::to_string(i);
    images[name] = MeshWorld::sample_image(1'500, i);
    REQUIRE(world->put(i % 3, name, images[name]).code == ErrorCode{});
  }
  world->crash(1);
  lose_disk(*world, 2);
  world->run_for(20s);

  // One of two answers is not a read quorum: neither "here it is" nor "not found" is sure.
  CHECK_FALSE(world->look_up(0, "image0").confirmed);
  CHECK(world->look_up(0, "nothing").code == ErrorCode::unreachable);
  CHECK_FALSE(world->list(0, "image").complete);
  CHECK(world->status(2).repair.recovering == 1U << world->settings().partition_bits);

  world->restart(1);
  CHECK(world->run_until_settled(60s));
  CHECK(world->status(2).repair.recovering == 0);
  world->crash(0);
  world->run_for(20s);
  for (const auto& [name, bytes] : images) {
    CHECK(world->look_up(2, name).confirmed);
    CHECK(world->get(2, name).value() == bytes);
  }
}

TEST_CASE("node: a disk put back to an earlier state does not bring back what was deleted") {
  const auto world = settled_mesh(3, 52);
  REQUIRE(world->put(0, "a.png", MeshWorld::sample_image(900, 1), {.wait_all = true}).code ==
          ErrorCode{});
  const VirtualDisk::Contents before = world->disk(2).contents();
  world->crash(1);
  world->run_for(20s);
  REQUIRE(world->remove(0, "a.png").code == ErrorCode{});  // durable at 0 and 2

  world->crash(2);
  world->disk(2).restore(before);
  world->crash(0);
  world->restart(1);
  world->restart(2);
  world->run_for(20s);
  CHECK_FALSE(world->look_up(1, "a.png").confirmed);  // two that know no better are no quorum

  world->restart(0);
  CHECK(world->run_until_settled(60s));
  for (std::uint32_t node = 0; node < 3; ++node) {
    CHECK(world->look_up(node, "a.png").code == ErrorCode::not_found);
  }
}

// Its state folder went with it, so only others can tell.
TEST_CASE("node: a whole node put back to an earlier state does not bring back what was deleted") {
  MeshWorld world(
      {.seed = 63, .renew_every = 30s, .collection = {.kept_for = 10s, .interval = 3s}});
  world.add_nodes(3);
  REQUIRE(world.run_until_settled());
  const Bytes kept = MeshWorld::sample_image(900, 2);
  REQUIRE(world.put(0, "a.png", MeshWorld::sample_image(900, 1), {.wait_all = true}).detail == "");
  world.run_for(10s);
  const VirtualDisk::Contents disk = world.disk(2).contents();
  const VirtualDisk::Contents state = world.state(2).contents();
  REQUIRE(world.remove(0, "a.png").code == ErrorCode{});
  REQUIRE(world.put(0, "b.png", kept, {.wait_all = true}).detail == "");
  REQUIRE(world.run_until([&] { return world.keepers_of("a.png").empty(); }, 120s));
  world.run_for(60s);

  world.crash(2);
  world.disk(2).restore(disk);
  world.state(2).restore(state);
  world.restart(2);

  CHECK(world.run_until_settled());
  CHECK(joined(world.unrest()) == "");
  CHECK(world.count_logged("copies_doubted") == 1);
  for (std::uint32_t node = 0; node < 3; ++node) {
    CHECK(world.look_up(node, "a.png").code == ErrorCode::not_found);
    CHECK(world.get(node, "b.png").value() == kept);
  }
}

// It made one record after the other while nobody heard them, until none of the others knew a
// later.
TEST_CASE("node: one that was put back and is alone for longer is told all the same") {
  MeshWorld world({.seed = 65, .renew_every = 5s});
  world.add_nodes(3);
  REQUIRE(world.run_until_settled());
  world.run_for(10s);
  const VirtualDisk::Contents disk = world.disk(2).contents();
  const VirtualDisk::Contents state = world.state(2).contents();
  world.run_for(30s);
  for (std::uint32_t node = 0; node < 3; ++node) world.crash(node);
  world.disk(2).restore(disk);
  world.state(2).restore(state);
  world.restart(2);
  world.run_for(120s);
  for (const std::uint32_t node : {0U, 1U}) world.restart(node);

  world.run_for(20s);
  CHECK(world.run_until_settled());
  CHECK(world.count_logged("copies_doubted") == 1);
}

// Of three, two doubt what they have: the one with the latest snapshot is no read quorum.
TEST_CASE("node: a mesh put back to snapshots of different times has all that is in any of them") {
  MeshWorld world({.seed = 64, .renew_every = 30s});
  world.add_nodes(3);
  REQUIRE(world.run_until_settled());
  std::map<std::string, Bytes> images;
  std::array<std::pair<VirtualDisk::Contents, VirtualDisk::Contents>, 3> snapshots;
  for (const std::uint32_t node : {2U, 1U, 0U}) {
    const std::string name = "image" + std::to_string(node);
    images[name] = MeshWorld::sample_image(900, node);
    REQUIRE(world.put(0, name, images[name], {.wait_all = true}).detail == "");
    snapshots[node] = {world.disk(node).contents(), world.state(node).contents()};
    world.run_for(60s);
  }
  REQUIRE(world.put(0, "after", MeshWorld::sample_image(900, 9), {.wait_all = true}).detail == "");
  const auto put_back = [&](std::uint32_t node) {
    world.disk(node).restore(snapshots[node].first);
    world.state(node).restore(snapshots[node].second);
  };

  for (std::uint32_t node = 0; node < 3; ++node) world.crash(node);
  for (std::uint32_t node = 0; node < 3; ++node) put_back(node);

  SUBCASE("all of them come back") {
    for (std::uint32_t node = 0; node < 3; ++node) world.restart(node);
  }
  SUBCASE("one of them never does, until it is forgotten") {
    for (const std::uint32_t node : {0U, 2U}) world.restart(node);
    world.run_for(60s);
    CHECK_FALSE(world.look_up(0, "image0").confirmed);
    REQUIRE(world.command(0, NodeCommand::forget, world.id_of(1), true).code == ErrorCode{});
    world.note_forgotten(1);
  }
  CHECK(world.run_until_settled());
  CHECK(joined(world.unrest()) == "");
  CHECK(world.count_logged("copies_doubted") > 0);
  for (const auto& [name, bytes] : images) {
    for (const std::uint32_t node : {0U, 2U}) {
      CHECK(world.look_up(node, name).confirmed);
      const auto got = world.get(node, name);
      REQUIRE_MESSAGE(got, name);
      CHECK(got.value() == bytes);
    }
  }
}

TEST_CASE("node: one that has lost its disk leaves only when no settled set names it") {
  const auto world = settled_mesh(4, 53);
  std::map<std::string, Bytes> images;
  for (std::uint32_t i = 0; i < 8; ++i) {
    const std::string name = "image" + std::to_string(i);
    images[name] = MeshWorld::sample_image(1'500, i);
    REQUIRE(world->put(0, name, images[name], {.wait_all = true}).code == ErrorCode{});
  }
  lose_disk(*world, 3);
  world->run_for(300ms);
  REQUIRE(world->command(3, NodeCommand::leave).code == ErrorCode{});
  CHECK(world->run_until([&] { return !world->is_running(3); }, 120s));
  CHECK(world->run_until_settled(60s));
  for (const auto& [name, bytes] : images) CHECK(world->get(0, name).value() == bytes);
}

TEST_CASE("node: restarts doubt nothing") {
  const auto world = settled_mesh(3, 54);
  for (int i = 0; i < 3; ++i) {
    world->crash(1);
    world->run_for(i * 7s);
    world->restart(1);
    world->run_for(i * 4s);
  }
  CHECK(world->count_logged("copies_doubted") == 0);
}

TEST_CASE("node: a lost disk gets no new mark before what it lacks is written down") {
  const auto doubts = [](MeshWorld& world) {
    return std::ranges::count_if(world.log(), [](const LoggedEvent& line) {
      return line.node == 1 && line.name == "copies_doubted";
    });
  };
  for (Duration full_for = 4'900ms; full_for <= 5'200ms; full_for += 4ms) {
    CAPTURE(full_for / 1ms);
    const auto world = settled_mesh(3, 61);
    CHECK(world->put(0, "image", MeshWorld::sample_image(500, 1)).detail == "");
    for (const std::uint32_t other : {0U, 2U}) world->crash(other);
    world->disk(1).trouble.full = true;
    lose_disk(*world, 1);
    world->run_for(full_for);
    world->disk(1).trouble.full = false;
    world->run_for(4ms);
    CHECK(doubts(*world) == 1);

    // Either that is written by now or the disk is doubted again. It cannot have been made whole,
    // for the others do not run.
    world->crash(1);
    const auto& rows = world->disk(1).table(Table::lists).rows;
    const bool is_written = std::ranges::any_of(
        rows, [](const auto& row) { return row.first.size() == 5 && row.first[4] == 'r'; });
    world->restart(1);
    world->run_for(100ms);
    CHECK((is_written || doubts(*world) == 2));
  }
}

// Seed 3219.
TEST_CASE("node: one that is alone in its mesh begins anew when it has lost its disk") {
  MeshWorld world({.seed = 61});
  world.add_nodes(1);
  REQUIRE(world.run_until_settled());
  REQUIRE(world.put(0, "gone", MeshWorld::sample_image(500, 1)).detail == "");
  lose_disk(world, 0);
  CHECK(world.run_until_settled());

  const Bytes image = MeshWorld::sample_image(500, 2);
  CHECK(world.put(0, "new", image).detail == "");
  world.add_nodes(2);
  CHECK(world.run_until_settled());
  CHECK(joined(world.unrest()) == "");
  CHECK(world.keepers_of("new").size() == 3);
}

TEST_CASE("node: two of three holders that lose their disks at once make each other whole") {
  MeshWorld world({.seed = 62});
  world.add_nodes(3);
  REQUIRE(world.run_until_settled());
  std::map<std::string, Bytes> images;
  for (int i = 0; i < 10; ++i) {
    images["image" + std::to_string(i)] = MeshWorld::sample_image(500, i);
  }
  for (const auto& [name, bytes] : images) REQUIRE(world.put(0, name, bytes).detail == "");
  world.run_for(2s);
  for (const std::uint32_t node : {0U, 1U}) world.crash(node);
  for (const std::uint32_t node : {0U, 1U}) {
    world.disk(node).restore({});
    world.restart(node);
  }
  CHECK(world.run_until_settled());
  CHECK(joined(world.unrest()) == "");
  for (const auto& [name, bytes] : images) CHECK(world.get(1, name).value() == bytes);
}

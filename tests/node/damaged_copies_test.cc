#include <doctest/doctest.h>

#include "simulations/world/mesh_world.h"

using namespace pixmesh;

namespace {

std::string blob_at(MeshWorld& world, std::uint32_t node, const std::string& name) {
  const ImageRecord record = world.record_at(node, name).value();
  return blob_path(record.digest, record.media);
}

bool is_whole(MeshWorld& world, std::uint32_t node, const std::string& name, const Bytes& bytes) {
  const SharedBytes file = world.disk(node).file(blob_at(world, node, name));
  const Digest digest = world.record_at(node, name)->digest;
  return file && *file == bytes && !world.disk(node).is_damaged(digest);
}

}  // namespace

TEST_CASE("node: a copy that a reader finds rotten is never given out, and mended by itself") {
  const auto world = settled_mesh(3, 41);
  const Bytes image = MeshWorld::sample_image(2'600'000, 1);
  REQUIRE(world->put(0, "a.png", image, {.wait_all = true}).code == ErrorCode{});
  std::vector<std::uint32_t> readers_order;
  for (const HolderAddress& holder : world->look_up(0, "a.png").holders) {
    readers_order.push_back(world->number_of(holder.node));
  }
  REQUIRE(readers_order.size() >= 2);
  for (const std::uint32_t node : {readers_order[0], readers_order[1]}) {
    world->disk(node).damage(blob_at(*world, node, "a.png"));
  }

  for (int i = 0; i < 3; ++i) CHECK(world->get(0, "a.png").value() == image);

  for (std::uint32_t node = 0; node < 3; ++node) {
    CHECK(world->run_until([&] { return is_whole(*world, node, "a.png", image); }, 20s));
  }
  CHECK(world->status(0).disks.front().damaged == 0);
  CHECK(joined(world->unrest()) == "");
}

TEST_CASE("node: a copy that nobody reads is found by the scrub an operator asks for") {
  const auto world = settled_mesh(3, 42);
  std::map<std::string, Bytes> images;
  for (std::uint32_t i = 0; i < 5; ++i) {
    const std::string name = "image" + std::to_string(i);
    images[name] = MeshWorld::sample_image(1'500, i);
    REQUIRE(world->put(0, name, images[name], {.wait_all = true}).code == ErrorCode{});
  }
  world->disk(1).damage(blob_at(*world, 1, "image3"));
  world->disk(1).remove_file(blob_at(*world, 1, "image4"));

  CHECK(world->command(1, NodeCommand::scrub).code == ErrorCode{});

  CHECK(world->run_until([&] { return is_whole(*world, 1, "image3", images["image3"]); }, 20s));
  CHECK(world->run_until([&] { return is_whole(*world, 1, "image4", images["image4"]); }, 20s));
  CHECK(world->status(1).disks.front().found_damaged == 2);
  CHECK(world->status(1).disks.front().scrubs == 1);
}

TEST_CASE("node: a copy with a sector that cannot be read is fetched again") {
  const auto world = settled_mesh(3, 47);
  const Bytes image = MeshWorld::sample_image(1'500, 1);
  REQUIRE(world->put(0, "a.png", image, {.wait_all = true}).code == ErrorCode{});
  world->disk(1).trouble.failing_reads = 2;  // of the scrub, and of whoever looks again

  REQUIRE(world->command(1, NodeCommand::scrub).code == ErrorCode{});

  const Digest digest = world->record_at(1, "a.png")->digest;
  CHECK(world->run_until([&] { return world->disk(1).is_damaged(digest); }, 5s));
  CHECK(world->run_until([&] { return is_whole(*world, 1, "a.png", image); }, 20s));
  CHECK(world->status(1).disks.front().found_damaged == 1);
}

TEST_CASE("node: a node alone finds a copy whole again that it could not read for a while") {
  const auto world = settled_mesh(1, 48);
  const Bytes image = MeshWorld::sample_image(1'500, 1);
  REQUIRE(world->put(0, "a.png", image).code == ErrorCode{});
  world->disk(0).trouble.failing_reads = 2;  // of the scrub, and of whoever looks again
  REQUIRE(world->command(0, NodeCommand::scrub).code == ErrorCode{});
  const Digest digest = world->record_at(0, "a.png")->digest;
  REQUIRE(world->run_until([&] { return world->disk(0).is_damaged(digest); }, 5s));

  REQUIRE(world->command(0, NodeCommand::scrub).code == ErrorCode{});
  CHECK(world->run_until([&] { return is_whole(*world, 0, "a.png", image); }, 20s));
  CHECK(world->status(0).under_replicated == 0);
}

TEST_CASE("node: a file that is gone when the node starts is fetched again") {
  const auto world = settled_mesh(3, 43);
  const Bytes image = MeshWorld::sample_image(1'500, 1);
  REQUIRE(world->put(0, "a.png", image, {.wait_all = true}).code == ErrorCode{});
  world->crash(2);
  world->disk(2).remove_file(blob_at(*world, 0, "a.png"));
  world->run_for(1s);
  world->restart(2);
  CHECK(world->run_until([&] { return is_whole(*world, 2, "a.png", image); }, 40s));
}

TEST_CASE("node: a damaged copy moves to another disk with its mark, and is mended there") {
  const auto world = settled_mesh(3, 49);
  const Bytes image = MeshWorld::sample_image(1'500, 1);
  REQUIRE(world->put(0, "a.png", image, {.wait_all = true}).code == ErrorCode{});
  const Digest digest = world->record_at(0, "a.png")->digest;
  const std::string path = blob_at(*world, 0, "a.png");
  const PartitionId partition = world->partition_of_name("a.png");
  for (const std::uint32_t other : {1U, 2U}) world->crash(other);
  world->disk(0).damage(path);
  REQUIRE(world->command(0, NodeCommand::scrub).code == ErrorCode{});
  REQUIRE(world->run_until([&] { return world->disk(0).is_damaged(digest); }, 10s));

  world->add_disk(0, 1ULL << 50);  // which is to have nearly all
  const auto here = [&]() -> const VirtualDisk& { return world->disk_of(0, partition); };
  REQUIRE(world->run_until([&] { return &here() != &world->disk(0); }, 90s));
  CHECK(here().is_damaged(digest));
  CHECK(world->run_until([&] { return world->disk(0).records().empty(); }, 30s));
  CHECK(world->status(0).disks.back().damaged == 1);
  CHECK_FALSE(world->get(0, "a.png").has_value());

  for (const std::uint32_t other : {1U, 2U}) world->restart(other);
  CHECK(world->run_until(
      [&] {
        const SharedBytes file = here().file(path);
        return file && *file == image && !here().is_damaged(digest);
      },
      60s));
  CHECK(world->status(0).disks.back().damaged == 0);
  CHECK(joined(world->unrest()) == "");
}

TEST_CASE("node: a holder leaves its copy only to holders whose copies are whole") {
  const auto world = settled_mesh(4, 44);
  std::map<std::string, Bytes> images;
  for (std::uint32_t i = 0; i < 12; ++i) {
    const std::string name = "image" + std::to_string(i);
    images[name] = MeshWorld::sample_image(1'500, i);
    REQUIRE(world->put(0, name, images[name], {.wait_all = true}).code == ErrorCode{});
  }
  // Every copy on node 1 rots and is known to be rotten; while it fetches them anew, node 3 leaves.
  for (const std::string& path : world->disk(1).blob_paths()) world->disk(1).damage(path);
  REQUIRE(world->command(1, NodeCommand::scrub).code == ErrorCode{});
  REQUIRE(world->command(3, NodeCommand::leave).code == ErrorCode{});
  CHECK(world->run_until([&] { return !world->is_running(3); }, 120s));
  for (const auto& [name, bytes] : images) {
    for (std::uint32_t node = 0; node < 3; ++node) CHECK(is_whole(*world, node, name, bytes));
  }
}

TEST_CASE("node: an image whose copies are all damaged is found once, named, and left in peace") {
  const auto world = settled_mesh(3, 47);
  const Bytes image = MeshWorld::sample_image(1'500, 1);
  REQUIRE(world->put(0, "a.png", image, {.wait_all = true}).copies == 3);
  for (std::uint32_t node = 0; node < 3; ++node) {
    world->disk(node).damage(blob_at(*world, node, "a.png"));
  }

  CHECK_FALSE(world->get(0, "a.png").has_value());
  world->run_for(60s);

  CHECK(world->count_logged("copy_damaged") == 3);
  CHECK(world->look_up(1, "a.png").code == ErrorCode{});  // it is there, without bytes
  for (std::uint32_t node = 0; node < 3; ++node) {
    CHECK(world->status(node).disks.front().damaged == 1);
  }
  const std::uint64_t sent = world->bytes_sent();
  world->run_for(10s);
  const std::uint64_t quiet = world->bytes_sent() - sent;
  CHECK_FALSE(world->get(0, "a.png").has_value());
  world->run_for(10s);
  CHECK(world->bytes_sent() - sent < 3 * quiet);
}

// Then a sync of a partition that does not exist was begun.
TEST_CASE("node: a client that names no partition of the mesh has nothing verified") {
  const auto world = settled_mesh(3, 46);
  REQUIRE(world->put(0, "a.png", MeshWorld::sample_image(1'500, 1), {.wait_all = true}).copies ==
          3);
  world->disk(1).damage(blob_at(*world, 1, "a.png"));
  const Digest digest = world->record_at(1, "a.png")->digest;

  const OperationId asked = world->client().send(1, VerifyRequest{{}, PartitionId{70'000}, digest});
  world->run_for(2s);

  const Message* answer = world->client().answer_of(asked);
  REQUIRE(answer != nullptr);
  CHECK(std::get<VerifyAnswer>(*answer).code == ErrorCode::malformed);
  CHECK(world->status(1).disks.front().damaged == 0);
}

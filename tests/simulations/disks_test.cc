#include "base/digest.h"
#include "spoiled_mesh.h"

using namespace pixmesh;

namespace {

std::map<std::string, Bytes> put_some(MeshWorld& world, std::uint32_t count) {
  std::map<std::string, Bytes> images;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::string name = "image" + std::to_string(i);
    images[name] = MeshWorld::sample_image(500 + i, i);
    const WriteDone done = world.put(i % world.node_count(), name, images[name]);
    REQUIRE_MESSAGE(done.code == ErrorCode{}, done.detail);
  }
  world.run_for(2s);
  return images;
}

void check_all(MeshWorld& world, const std::map<std::string, Bytes>& images) {
  CHECK(world.run_until_settled(300s));
  CHECK(joined(world.unrest()) == "");
  CHECK(joined(world.faults()) == "");
  for (const auto& [name, bytes] : images) {
    CHECK(world.keepers_of(name).size() == 3);
    for (const std::uint32_t node : world.running()) {
      const auto got = world.get(node, name);
      CHECK_MESSAGE((got && got.value() == bytes), name << " via node " << node);
    }
  }
}

std::unique_ptr<MeshWorld> mesh_of_two_disks_each(std::uint64_t seed) {
  WorldOptions options;
  options.seed = seed;
  options.out_delay = 20s;
  auto world = std::make_unique<MeshWorld>(options);
  NodePlan plan;
  plan.disks = 2;
  for (int i = 0; i < 4; ++i) (void)world->add_node(plan);
  REQUIRE(world->run_until_settled());
  return world;
}

std::size_t records_on(MeshWorld& world, std::uint32_t node, std::uint32_t place) {
  return world.disk(node, place).records().size();
}

}  // namespace

TEST_CASE(
    "simulations: a node spreads its copies over its disks, and one that is added gets some") {
  const auto world = mesh_of_two_disks_each(11);
  const auto images = put_some(*world, 60);
  REQUIRE(records_on(*world, 0, 0) > 0);
  REQUIRE(records_on(*world, 0, 1) > 0);
  const std::size_t before = records_on(*world, 0, 0) + records_on(*world, 0, 1);

  world->add_disk(0, 4ULL << 40);
  CHECK(world->run_until([&] { return records_on(*world, 0, 2) > 0; }));

  check_all(*world, images);
  CHECK(world->disks(0).size() == 3);
  CHECK(records_on(*world, 0, 0) + records_on(*world, 0, 1) + records_on(*world, 0, 2) == before);
  CHECK(world->count_logged("copies_doubted") == 0);
  world->crash(0);
  world->restart(0);
  check_all(*world, images);
  CHECK(world->disks(0).size() == 3);
  CHECK(world->count_logged("copies_doubted") == 0);
}

TEST_CASE("simulations: what was on a disk that is replaced or removed comes from other nodes") {
  for (const bool with_another : {true, false}) {
    CAPTURE(with_another);
    const auto world = mesh_of_two_disks_each(12);
    const auto images = put_some(*world, 60);
    REQUIRE(records_on(*world, 0, 1) > 0);

    world->disk(0, 1).fail();
    if (with_another) {
      world->replace_disk(0, 1);
    } else {
      world->remove_disk(0, 1);
    }
    CHECK(world->run_until([&] { return world->count_logged("disk_taken_out") == 1; }));

    check_all(*world, images);
    CHECK(world->disks(0).size() == (with_another ? 2 : 1));
    world->crash(0);
    world->restart(0);
    check_all(*world, images);
  }
}

TEST_CASE("simulations: a node gives up a disk that fails for long, and takes it back at a start") {
  const auto world = mesh_of_two_disks_each(13);
  const auto images = put_some(*world, 60);

  world->disk(0, 1).fail();
  CHECK(world->run_until([&] { return world->disks(0).size() == 1; }));
  check_all(*world, images);
  CHECK(records_on(*world, 0, 1) > 0);  // as it failed

  world->crash(0);
  world->restart(0);
  check_all(*world, images);
  CHECK(world->disks(0).size() == 2);
  CHECK(records_on(*world, 0, 1) > 0);
}

TEST_CASE("simulations: a node comes back with another disk in the place of one of its two") {
  const auto world = mesh_of_two_disks_each(14);
  const auto images = put_some(*world, 60);

  world->crash(0);
  world->lose_disk(0, 1);
  world->restart(0);

  CHECK(world->run_until([&] { return world->count_logged("copies_doubted") == 1; }));
  check_all(*world, images);
  CHECK(records_on(*world, 0, 1) > 0);
}

TEST_CASE(
    "simulations: a second name on another disk of its holders brings no bytes over the network") {
  NodePlan plan;
  plan.disks = 2;
  SpoiledMesh mesh(plan);
  mesh.world_.run_for(35s);
  std::size_t on_both = 0;
  for (int i = 0; i < 6; ++i) {
    const std::string name = "image-" + std::to_string(i);
    const WriteDone done = mesh.world_.copy(0, "image", name);
    REQUIRE_MESSAGE(done.code == ErrorCode{}, done.detail);
    CHECK(done.copies == 3);
  }
  CHECK(mesh.promise() == "");
  for (const std::uint32_t node : mesh.holders()) {
    const bool first = mesh.world_.disk(node, 0).file(mesh.path()) != nullptr;
    const bool second = mesh.world_.disk(node, 1).file(mesh.path()) != nullptr;
    on_both += first && second ? 1 : 0;
  }
  CHECK(on_both > 0);
}

TEST_CASE(
    "simulations: bytes that rotted on another disk of the node come from elsewhere, and are "
    "mended") {
  NodePlan plan;
  plan.disks = 2;
  SpoiledMesh mesh(plan);
  const auto image = mesh.world_.get(0, "image");
  REQUIRE(image.has_value());
  const std::uint32_t victim = mesh.holders().front();
  VirtualDisk& disk = mesh.world_.disk_of(victim, mesh.partition());
  disk.damage(mesh.path());
  std::string name;
  const auto is_for_the_other_disk = [&] {  // of the same node
    const PartitionId partition = mesh.world_.partition_of_name(name);
    const auto lists = mesh.world_.stored_lists(victim, partition);
    return lists && is_holder(*lists, mesh.world_.id_of(victim)) &&
           &mesh.world_.disk_of(victim, partition) != &disk;
  };
  for (int i = 0; !is_for_the_other_disk(); ++i) name = "image-" + std::to_string(i);

  REQUIRE(mesh.world_.copy(0, "image", name).code == ErrorCode{});

  CHECK(mesh.world_.run_until([&] { return disk.rotten().empty(); }));
  CHECK(mesh.world_.run_until_settled(300s));
  CHECK(joined(mesh.world_.unrest()) == "");
  CHECK(mesh.world_.get(victim, name).value() == image.value());
}

TEST_CASE("simulations: a copy on a disk where its partition does not lie is none") {
  NodePlan plan;
  plan.disks = 2;
  SpoiledMesh mesh(plan);
  const PartitionId partition = mesh.partition();
  for (const std::uint32_t node : mesh.holders()) {
    const auto all = mesh.world_.machine(node).disks->descriptions();
    const bool lies_on_first = &mesh.world_.disk_of(node, partition) == &mesh.world_.disk(node, 0);
    const auto& other = all[lies_on_first ? 1 : 0].id;
    const std::string name = "lies/" + hex_of(row_prefix(partition));
    const ByteView key = bytes_of(name);
    mesh.world_.state(node).write_row(
        {Table::facts, Bytes(key.begin(), key.end()), Bytes(other.begin(), other.end())});
    CHECK(mesh.world_.is_stray(node, mesh.world_.disk(node, lies_on_first ? 0 : 1), partition));
  }
  CHECK(joined(mesh.world_.unrest()).find("is strayed") != std::string::npos);
  mesh.checks_.on_crashed(0);
  CHECK(mesh.promise() == "I1");
}

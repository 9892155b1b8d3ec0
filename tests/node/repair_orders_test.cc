#include "sample_images.h"

using namespace pixmesh;

namespace {

CommandAnswer order(MeshWorld& world, std::uint32_t via, NodeCommand what, std::uint64_t amount) {
  CommandRequest request;
  request.command = what;
  request.amount = amount;
  return world.order(via, request);
}

void order_all(MeshWorld& world, NodeCommand what, std::uint64_t amount) {
  for (const std::uint32_t via : world.running()) {
    REQUIRE(order(world, via, what, amount).code == ErrorCode{});
  }
}

std::uint64_t copied(MeshWorld& world) {
  std::uint64_t sum = 0;
  for (const std::uint32_t node : world.running()) sum += world.status(node).repair.copied_bytes;
  return sum;
}

}  // namespace

TEST_CASE("node: while repair is paused nothing is copied, and clients are served") {
  const auto world = settled_mesh(4, 70);
  Images images = put_images(*world, 30);
  REQUIRE(world->run_until_settled());
  order_all(*world, NodeCommand::pause_repair, 3'600);
  CHECK(world->status(0).repair.paused_seconds > 3'590);
  const std::uint64_t before = copied(*world);

  CHECK(world->command(3, NodeCommand::leave).code == ErrorCode{});
  world->run_for(60s);
  CHECK(world->is_running(3));
  CHECK(copied(*world) == before);
  std::uint64_t to_copy = 0;
  for (const std::uint32_t node : world->running()) {
    to_copy += world->status(node).repair.to_copy_bytes;
  }
  CHECK(to_copy > 0);
  images["meanwhile"] = MeshWorld::sample_image(500, 99);
  CHECK(world->put(0, "meanwhile", images["meanwhile"]).detail == "");
  check_all_readable(*world, images);

  order_all(*world, NodeCommand::resume_repair, 0);
  CHECK(world->run_until([&] { return !world->is_running(3); }, 120s));
  CHECK(copied(*world) > before);
  check_all_readable(*world, images);
}

TEST_CASE("node: a pause outlives a restart and ends by itself") {
  const auto world = settled_mesh(3, 71);
  put_images(*world, 5);
  REQUIRE(world->run_until_settled());
  REQUIRE(order(*world, 1, NodeCommand::pause_repair, 60).code == ErrorCode{});
  REQUIRE(order(*world, 1, NodeCommand::throttle_repair, 5'000'000).code == ErrorCode{});
  world->run_for(20s);
  world->crash(1);
  world->restart(1);
  world->run_for(5s);
  const RepairStatus paused = world->status(1).repair;
  CHECK(paused.paused_seconds > 20);
  CHECK(paused.paused_seconds < 40);
  CHECK(paused.rate == 5'000'000);

  world->run_for(40s);
  CHECK(world->status(1).repair.paused_seconds == 0);
  CHECK(world->status(1).repair.rate == 5'000'000);
  REQUIRE(order(*world, 1, NodeCommand::throttle_repair, 0).code == ErrorCode{});
  CHECK(world->status(1).repair.rate == 0);
}

TEST_CASE("node: pauses and rates out of their bounds are refused") {
  const auto world = settled_mesh(3, 72);
  for (const std::uint64_t seconds : {std::uint64_t{0}, std::uint64_t{24 * 3'600 + 1}}) {
    CHECK(order(*world, 0, NodeCommand::pause_repair, seconds).code == ErrorCode::usage);
  }
  CHECK(order(*world, 0, NodeCommand::throttle_repair, 100).code == ErrorCode::usage);
  CHECK(world->status(0).repair.paused_seconds == 0);
  CHECK(world->status(0).repair.rate == 0);
}

TEST_CASE("node: a rate bounds how fast a leaving node's copies are taken over") {
  const auto world = settled_mesh(4, 73);
  const Images images = put_images(*world, 30);
  REQUIRE(world->run_until_settled());
  constexpr std::uint64_t rate = 50'000;
  order_all(*world, NodeCommand::throttle_repair, rate);
  const std::uint64_t before = copied(*world);
  CHECK(world->command(3, NodeCommand::leave).code == ErrorCode{});
  constexpr std::uint64_t seconds = 20;
  constexpr std::uint64_t one_image_more = 1'300'000;  // what has begun is counted and not stopped
  world->run_for(std::chrono::seconds(seconds));
  for (const std::uint32_t node : world->running()) {
    CHECK(world->status(node).repair.copied_bytes <= before + rate * seconds + one_image_more);
  }
  CHECK(copied(*world) > before);

  order_all(*world, NodeCommand::throttle_repair, 0);
  CHECK(world->run_until([&] { return !world->is_running(3); }, 120s));
  check_all_readable(*world, images);
}

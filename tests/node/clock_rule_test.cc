#include <doctest/doctest.h>

#include "simulations/world/mesh_world.h"

using namespace pixmesh;

namespace {

const Bytes picture = MeshWorld::sample_image(300, 1);

bool refuses(const WriteDone& done) {
  return done.code == ErrorCode::unreachable &&
         done.detail.find("set it right there (chronyc makestep)") != std::string::npos;
}

}  // namespace

TEST_CASE("node: whose clock is off gives no write a time, says so, and goes on once it is right") {
  const auto world = settled_mesh(3, 41);
  REQUIRE(world->put(0, "a.png", picture).code == ErrorCode{});
  world->set_wall_shift(0, 74s);

  const WriteDone refused = world->put(0, "b.png", picture);

  CHECK(refuses(refused));
  CHECK(refused.detail.find("is 74 s ahead of the others' (the lower median of 3)") !=
        std::string::npos);
  world->run_for(3s);
  CHECK(refuses(world->remove(0, "a.png")));
  CHECK(world->tag(0, "a.png", {{"a", "b"}}).code == ErrorCode{});  // follows what it changes
  CHECK(refuses(world->copy(0, "a.png", "c.png")));
  CHECK(world->get(0, "a.png").value() == picture);
  CHECK(world->put(1, "b.png", picture).code == ErrorCode{});
  const ClockStatus clock = world->status(0).clock;
  CHECK(clock.clocks == 3);
  CHECK(clock.ahead_ms > 73'000);
  CHECK_FALSE(clock.orders_writes);
  CHECK(world->status(1).clock.orders_writes);

  world->set_wall_shift(0, -74s);
  CHECK(refuses(world->put(0, "d.png", picture)));
  CHECK(world->status(0).clock.behind_ms > 73'000);
  world->set_wall_shift(0, {});
  const WriteDone right = world->put(0, "d.png", picture);
  CHECK(right.code == ErrorCode{});
  // What was refused has left no trace in its clock.
  CHECK(right.version.clock < world->put(1, "e.png", picture).version.clock);
}

// It was done at another node before, and replaced since.
TEST_CASE("node: a wish that its node is late with hides nothing, even if its clock is ahead") {
  const auto world = settled_mesh(3, 45);
  world->set_wall_shift(0, 10s);
  REQUIRE(world->put(0, "b.png", picture).code == ErrorCode{});  // so its clock gives versions
  PutWish wish;
  wish.request.emplace().raw[0] = 7;
  const auto late = world->client().begin_put(0, "a.png", picture, wish);
  REQUIRE(world->run_until([&] { return late->credit > 0; }, 1s));
  world->pause(0);
  const Bytes other = MeshWorld::sample_image(300, 2);
  REQUIRE(world->put(1, "a.png", picture, wish).code == ErrorCode{});
  REQUIRE(world->put(1, "a.png", other).code == ErrorCode{});

  world->resume(0);
  REQUIRE(world->run_until([&] { return late->done.has_value(); }, 30s));

  CHECK(late->done->code == ErrorCode{});
  CHECK(world->get(2, "a.png").value() == other);
}

// The client went on at another node, heard that there is nothing to delete, and stored something.
TEST_CASE("node: a deletion that came to nothing does not come true when it is heard again") {
  const auto world = settled_mesh(3, 46);
  RequestId removal;
  removal.raw[0] = 7;
  CHECK(world->remove(1, "a.png", removal).code == ErrorCode::not_found);
  CHECK(world->remove(2, "a.png", removal).code == ErrorCode::not_found);
  REQUIRE(world->put(1, "a.png", picture).code == ErrorCode{});

  CHECK(world->remove(0, "a.png", removal).code == ErrorCode::not_found);
  CHECK(world->get(2, "a.png").value() == picture);
}

TEST_CASE("node: a deletion that finds nothing does not delete what is just being stored") {
  const auto world = settled_mesh(3, 47);
  world->pause(2);
  const auto upload = world->client().begin_put(0, "a.png", picture, {});
  REQUIRE(world->run_until([&] { return upload->credit > 0; }, 10s));
  CHECK_FALSE(upload->done);
  CHECK(world->remove(1, "a.png").code == ErrorCode::not_found);
  REQUIRE(world->run_until([&] { return upload->done.has_value(); }, 30s));
  CHECK(upload->done->code == ErrorCode{});
  CHECK(world->get(1, "a.png").value() == picture);
}

TEST_CASE("node: a write that was given its version before is never refused for time") {
  const auto world = settled_mesh(3, 42);
  PutWish wish;
  wish.request.emplace().raw[0] = 7;
  const WriteDone first = world->put(0, "a.png", picture, wish);
  REQUIRE(first.code == ErrorCode{});
  world->set_wall_shift(0, 74s);

  const WriteDone again = world->put(0, "a.png", picture, wish);

  CHECK(again.code == ErrorCode{});
  CHECK(again.version == first.version);
}

TEST_CASE("node: two nodes whose clocks differ go on, and the one ahead shows it") {
  const auto world = settled_mesh(2, 43);
  world->set_wall_shift(0, 74s);

  CHECK(world->put(0, "a.png", picture).code == ErrorCode{});
  CHECK(world->put(1, "b.png", picture).code == ErrorCode{});
  world->run_for(3s);
  const ClockStatus clock = world->status(0).clock;
  CHECK(clock.ahead_ms > 73'000);
  CHECK(clock.orders_writes);
}

TEST_CASE("node: what has a version far in the future is replaced and removed by right clocks") {
  const auto world = settled_mesh(3, 44);
  for (std::uint32_t node = 0; node < 3; ++node) world->set_wall_shift(node, 24h * 365);
  world->run_for(5s);  // all are wrong alike
  const WriteDone future = world->put(0, "a.png", picture);
  REQUIRE(future.code == ErrorCode{});
  for (std::uint32_t node = 0; node < 3; ++node) world->set_wall_shift(node, {});
  world->run_for(5s);

  const Bytes other = MeshWorld::sample_image(300, 2);
  const WriteDone next = world->put(1, "a.png", other);

  CHECK(next.code == ErrorCode{});
  CHECK(next.version > future.version);
  CHECK(world->get(2, "a.png").value() == other);
  CHECK(world->remove(2, "a.png").code == ErrorCode{});
  CHECK(world->get(0, "a.png").error().code == ErrorCode::not_found);
  CHECK(world->put(1, "b.png", picture).code == ErrorCode{});
  CHECK(world->put(2, "c.png", picture).code == ErrorCode{});
}

// Their clocks were all wrong alike, so one of them has a clock of versions that is far ahead
// still.
TEST_CASE("node: a version that no holder takes does not push those of others ahead") {
  const auto world = settled_mesh(3, 48);
  for (std::uint32_t node = 0; node < 3; ++node) world->set_wall_shift(node, 24h * 365);
  world->run_for(5s);
  const WriteDone future = world->put(0, "a.png", picture);
  REQUIRE(future.code == ErrorCode{});
  for (std::uint32_t node = 0; node < 3; ++node) world->set_wall_shift(node, {});
  world->run_for(5s);

  const Bytes large = MeshWorld::sample_image(12 << 20, 2);  // more than the first credit allows
  const auto upload = world->client().begin_put(0, "b.png", large, {});
  REQUIRE(world->run_until([&] { return upload->sent > 0; }, 10s));
  world->client().stall(upload);
  world->run_for(1s);
  const WriteDone next = world->put(1, "b.png", picture);

  CHECK(next.code == ErrorCode{});
  CHECK(next.version.clock < future.version.clock);
}

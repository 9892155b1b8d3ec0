#include <doctest/doctest.h>

#include "simulations/world/mesh_world.h"

using namespace pixmesh;

namespace {

Bytes image(std::uint64_t seed) { return MeshWorld::sample_image(4'000, seed); }

}  // namespace

TEST_CASE("node: an upload said twice is stored once") {
  const auto world = settled_mesh(3, 61);
  const RequestId request = world->client().fresh_request();
  const WriteDone first = world->put(0, "a.png", image(1), {.request = request});
  REQUIRE(first.code == ErrorCode{});

  const WriteDone second = world->put(1, "a.png", image(1), {.request = request});

  CHECK(second.code == ErrorCode{});
  CHECK(second.stored);
  CHECK(second.version == first.version);
}

TEST_CASE("node: a late retry does not undo what was written after the first try") {
  const auto world = settled_mesh(3, 62);
  const RequestId request = world->client().fresh_request();
  const WriteDone first = world->put(0, "a.png", image(1), {.request = request});
  REQUIRE(world->put(1, "a.png", image(2)).code == ErrorCode{});

  const WriteDone retry = world->put(2, "a.png", image(1), {.request = request});

  CHECK(retry.code == ErrorCode{});
  CHECK(retry.version == first.version);
  CHECK(world->get(0, "a.png").value() == image(2));
}

TEST_CASE("node: a retry finds its version at nodes that restarted meanwhile") {
  const auto world = settled_mesh(3, 63);
  const RequestId request = world->client().fresh_request();
  const WriteDone first = world->put(0, "a.png", image(1), {.wait_all = true, .request = request});
  REQUIRE(world->put(1, "a.png", image(2), {.wait_all = true}).code == ErrorCode{});
  for (std::uint32_t node = 0; node < 3; ++node) world->crash(node);
  for (std::uint32_t node = 0; node < 3; ++node) world->restart(node);
  REQUIRE(world->run_until_settled());

  CHECK(world->put(0, "a.png", image(1), {.request = request}).version == first.version);
  CHECK(world->get(1, "a.png").value() == image(2));
}

TEST_CASE("node: a retry of a write that one holder has makes it durable on a quorum") {
  const auto world = settled_mesh(3, 64);
  const RequestId request = world->client().fresh_request();
  // Its peers are cut off in the middle: one copy becomes durable, no quorum.
  REQUIRE(world->put(0, "a.png", image(1), {.wait_all = true}).code == ErrorCode{});
  const auto course = world->client().begin_put(0, "a.png", image(2), {.request = request});
  REQUIRE(world->run_until([&] { return course->sent > 0; }));
  world->cut(0, 1);
  world->cut(0, 2);
  (void)world->run_until([&] { return course->done.has_value(); }, 120s);
  REQUIRE(course->done.has_value());
  REQUIRE(course->done->code != ErrorCode{});
  world->heal_all();
  world->run_for(500ms);

  const WriteDone retry = world->put(0, "a.png", image(2), {.request = request});

  CHECK(retry.code == ErrorCode{});
  CHECK(retry.copies >= 2);
  CHECK(world->get(1, "a.png").value() == image(2));
  std::uint32_t holders = 0;
  for (const std::uint32_t node : world->keepers_of("a.png")) {
    const auto record = world->record_at(node, "a.png");
    holders += record && record->version == retry.version ? 1 : 0;
  }
  CHECK(holders >= 2);
}

TEST_CASE("node: a retry that brings other bytes is refused, not mixed with the first try") {
  const auto world = settled_mesh(3, 65);
  const RequestId request = world->client().fresh_request();
  const auto lone = world->client().begin_put(0, "a.png", image(1), {.request = request});
  REQUIRE(world->run_until([&] { return lone->sent > 0; }));
  world->cut(0, 1);
  world->cut(0, 2);
  (void)world->run_until([&] { return lone->done.has_value(); }, 120s);
  world->heal_all();
  world->run_for(500ms);
  const auto stored = world->record_at(0, "a.png");

  const WriteDone retry = world->put(0, "a.png", image(2), {.request = request});

  if (stored && stored->request == request) {
    CHECK(retry.code == ErrorCode::failed);
  } else {
    CHECK(retry.code == ErrorCode{});
  }
  world->run_for(30s);
  for (const std::uint32_t node : world->keepers_of("a.png")) {
    const auto record = world->record_at(node, "a.png");
    REQUIRE(record.has_value());
    CHECK(record->digest == digest_of(stored && stored->request == request ? image(1) : image(2)));
  }
}

TEST_CASE("node: an upload said again takes the place of a first try that got nowhere") {
  const auto world = settled_mesh(3, 66);
  const RequestId request = world->client().fresh_request();
  const Bytes large = MeshWorld::sample_image(12 << 20, 1);  // more than the first credit allows
  const auto lost = world->client().begin_put(0, "a.png", large, {.request = request});
  REQUIRE(world->run_until([&] { return lost->sent > 0; }));
  world->client().stall(lost);
  world->run_for(500ms);
  REQUIRE_FALSE(lost->done.has_value());
  const Instant before = world->now();

  const WriteDone retry = world->put(0, "a.png", large, {.request = request});

  CHECK(retry.code == ErrorCode{});
  CHECK(world->now() - before < 2s);
  REQUIRE(lost->done.has_value());
  CHECK(lost->done->code == ErrorCode::unreachable);
  CHECK(world->get(1, "a.png").value() == large);
}

TEST_CASE("node: a deletion said twice at once to one node is one deletion") {
  const auto world = settled_mesh(3, 67);
  REQUIRE(world->put(0, "a.png", image(1), {.wait_all = true}).code == ErrorCode{});
  const RequestId request = world->client().fresh_request();
  const RemoveRequest wish{{}, request, "a.png"};
  const auto told = [&](OperationId operation) {
    return std::get<WriteDone>(*world->client().answer_of(operation));
  };

  const OperationId first = world->client().send(0, wish);
  SUBCASE("while the first try still looks") {}
  SUBCASE("while the first try is stored") {
    REQUIRE(world->run_until([&] { return world->record_at(1, "a.png")->tombstone; }));
  }
  REQUIRE(world->client().answer_of(first) == nullptr);
  const OperationId second = world->client().send(0, wish);
  REQUIRE(world->run_until([&] { return world->client().answer_of(second) != nullptr; }));

  REQUIRE(world->client().answer_of(first) != nullptr);
  const bool gave_way = told(first).code == ErrorCode::unreachable;
  CHECK((gave_way || told(first).version == told(second).version));
  world->run_for(1s);
  for (const std::uint32_t node : world->keepers_of("a.png")) {
    CHECK(world->record_at(node, "a.png")->version == told(second).version);
  }
}

#include "cli/map_forecast.h"

#include <doctest/doctest.h>

#include "cli/map_pace.h"

using namespace pixmesh;

namespace {

constexpr std::uint64_t megapixel = 1'000'000;
const Digest digest{{7}};

/// What a node has learned of thumbnails of JPEGs: 100 ms a megapixel.
RecipeCost learned() {
  CostModel model(1s);
  for (const std::uint64_t size : {1, 10, 100}) {
    model.add({"thumbnail", "jpeg ints<=1024"}, digest, size * megapixel, {size * 100ms, {}, 0});
  }
  return model.costs_of("thumbnail").front();
}

MapForecast forecast(std::size_t workers) {
  MapForecast known({"thumbnail", digest, " ints<=1024"}, workers);
  known.learn(learned());
  return known;
}

MapItem image(std::uint64_t megapixels) { return {"a", "", "jpeg", megapixels * megapixel}; }

}  // namespace

TEST_CASE("cli: a map whose recipe the nodes know has an ETA before any run has ended") {
  MapForecast known = forecast(4);
  for (int i = 0; i < 40; ++i) known.add(image(10));
  known.begin(Instant{});

  CHECK(known.left(Instant{}, 8) == 10s);  // 40 s of work for four workers
  CHECK(known.left(Instant{}, 2) == 20s);  // no more than are under way

  MapForecast unknown({"thumbnail", digest, ""}, 4);
  unknown.add(image(10));
  CHECK_FALSE(unknown.left(Instant{}, 8));
  unknown.learn({"thumbnail", Digest{{8}}, learned().points, "jpeg"});  // another recipe
  CHECK_FALSE(unknown.left(Instant{}, 8));
}

TEST_CASE("cli: what is left of a map is weighed by what it takes, not by how many there are") {
  MapForecast known = forecast(1);
  Instant now{};
  known.begin(now);
  for (int i = 0; i < 90; ++i) known.add(image(1));
  for (int i = 0; i < 10; ++i) known.add(image(100));

  // The small ones come first: 90 of 100 are done, and 9 s of 109 s of work.
  for (int i = 0; i < 90; ++i) known.on_ended(now += 100ms, image(1), 100ms, true);

  const auto left = known.left(now, 1);
  REQUIRE(left);
  CHECK(*left > 95s);
  CHECK(*left < 105s);
}

TEST_CASE("cli: a map learns from its own runs, and what was kept tells only how fast it goes") {
  MapForecast fresh({"thumbnail", digest, ""}, 1);
  Instant now{};
  fresh.begin(now);
  for (int i = 0; i < 30; ++i) fresh.add(image(10));
  fresh.on_ended(now += 10ms, image(10), 3s, false);
  CHECK_FALSE(fresh.left(now, 1));
  for (int i = 0; i < 9; ++i) fresh.on_ended(now += 1s, image(10), 2s, true);

  const auto left = fresh.left(now, 2);  // twenty of 2 s; 21 s of work in 9 s
  REQUIRE(left);
  CHECK(*left > 16s);
  CHECK(*left < 18s);
  for (int i = 0; i < 20; ++i) fresh.on_ended(now += 1s, image(10), std::nullopt, false);
  CHECK(fresh.left(now, 2) == Duration{});
}

TEST_CASE(
    "cli: the first results of a map being kept ones, the others are not thought to come as fast") {
  MapForecast known = forecast(1);
  Instant now{};
  known.begin(now);
  for (int i = 0; i < 41; ++i) known.add(image(10));
  known.on_ended(now += 10ms, image(10), 1s, false);
  CHECK(known.left(now, 1) == 40s);
  for (int i = 0; i < 20; ++i) known.on_ended(now += 50ms, image(10), 1s, false);
  const auto left = known.left(now, 1);  // a second has passed, and twenty-one were kept
  REQUIRE(left);
  CHECK(*left < 1s);
}

TEST_CASE("cli: as many images are under way as the mesh has places, and files to be opened") {
  // A worker of each node and one more a node to begin with; at most twice as many.
  CHECK(map_bounds({.workers = 6, .nodes = 3, .files = 60'000}).start == 9);
  CHECK(map_bounds({.workers = 6, .nodes = 3, .files = 60'000}).most == 64);
  const MapBounds large = map_bounds({.workers = 800, .nodes = 100, .files = 60'000});
  CHECK(large.start == 900);
  CHECK(large.most == MapPace::most);
  CHECK(large.most * (large.links * 4 + 6) <= 60'000);
  // A process that may open few files has few connections, whatever the mesh is.
  const MapBounds poor = map_bounds({.workers = 800, .nodes = 100, .files = 900});
  CHECK(poor.most == 23);
  CHECK(poor.start == 23);
  CHECK(poor.most * (poor.links * 4 + 6) <= 900);
  CHECK(map_bounds({.workers = 6, .nodes = 3, .files = 60'000, .concurrency = 500}).most == 500);
  CHECK(map_bounds({}).most == 1);
}

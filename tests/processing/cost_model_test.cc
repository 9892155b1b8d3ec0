#include "processing/cost_model.h"

#include <doctest/doctest.h>

#include "base/rng.h"
#include "processing/memory_tokens.h"

using namespace pixmesh;

namespace {

constexpr std::uint64_t megapixel = 1'000'000;
const Digest version_one{{1}};
const Digest version_two{{2}};

RunCost cost_of(Duration time, std::uint64_t memory = 0) { return {time, time, memory}; }

/// A tool that takes 50 ms and 10 ms a megapixel, and 20 MB and 1 MB a megapixel.
RunCost linear(std::uint64_t megapixels) {
  return cost_of(50ms + static_cast<std::int64_t>(megapixels) * 10ms,
                 (20 + megapixels) * 1'000'000);
}

bool near(std::uint64_t value, std::uint64_t wanted, std::uint64_t percent) {
  const std::uint64_t apart = value > wanted ? value - wanted : wanted - value;
  return apart * 100 <= wanted * percent;
}

}  // namespace

TEST_CASE("processing: what never ran is expected to take what the node was told") {
  const CostModel model(200ms);

  CHECK(model.of({"thumbnail"}, 24 * megapixel) == CostEstimate{200'000, 0, 0});
}

TEST_CASE("processing: one run tells of its size; of larger images in proportion") {
  CostModel model(200ms);
  model.add({"thumbnail"}, version_one, 10 * megapixel, {100ms, 90ms, 50'000'000});

  CHECK(model.of({"thumbnail"}, 10 * megapixel) == CostEstimate{100'000, 90'000, 50'000'000});
  CHECK(model.of({"thumbnail"}, 30 * megapixel) == CostEstimate{300'000, 270'000, 150'000'000});
  CHECK(model.of({"thumbnail"}, 1 * megapixel) == CostEstimate{100'000, 90'000, 50'000'000});
  CHECK(model.of({"convert"}, megapixel).wall_micros == 200'000);
}

TEST_CASE("processing: a fixed part and a part by size are told apart") {
  CostModel model(200ms);
  for (int i = 0; i < 20; ++i) {
    for (const std::uint64_t size : {2, 6, 24}) {
      model.add({"thumbnail"}, version_one, size * megapixel, linear(size));
    }
  }

  for (const std::uint64_t size : {1, 2, 4, 6, 12, 24, 48, 100, 240}) {
    CAPTURE(size);
    const CostEstimate estimate = model.of({"thumbnail"}, size * megapixel);
    CHECK(near(estimate.wall_micros, 50'000 + size * 10'000, 1));
    CHECK(near(estimate.cpu_micros, 50'000 + size * 10'000, 1));
    CHECK(near(estimate.memory_bytes, (20 + size) * 1'000'000, 1));
  }
}

TEST_CASE("processing: a stalled run or a very fast one moves an estimate by no quarter") {
  CostModel model(200ms);
  for (int i = 0; i < 20; ++i) model.add({"a"}, version_one, megapixel, cost_of(100ms));
  CostModel fast = model;

  model.add({"a"}, version_one, megapixel, cost_of(60s));
  fast.add({"a"}, version_one, megapixel, cost_of(1us));

  CHECK(model.of({"a"}, megapixel).wall_micros <= 119'000);
  CHECK(fast.of({"a"}, megapixel).wall_micros >= 95'000);
}

TEST_CASE("processing: a node that became ten times slower is known as that after twenty runs") {
  CostModel model(200ms);
  for (int i = 0; i < 100; ++i) model.add({"a"}, version_one, megapixel, cost_of(100ms));
  for (int i = 0; i < 20; ++i) model.add({"a"}, version_one, megapixel, cost_of(1s));

  CHECK(model.of({"a"}, megapixel).wall_micros > 700'000);
}

TEST_CASE("processing: memory is expected near the upper end of what was seen") {
  CostModel model(200ms);
  Rng rng(7);
  std::uint64_t above = 0;
  for (int i = 0; i < 2'000; ++i) {
    const std::uint64_t took = 50'000'000 + rng.below(50'000'000);
    if (i >= 1'000 && took > model.of({"a"}, megapixel).memory_bytes) ++above;
    model.add({"a"}, version_one, megapixel, cost_of(100ms, took));
  }

  CHECK(above < 200);  // of 1,000
  CHECK(model.of({"a"}, megapixel).memory_bytes < 100'000'000);
}

TEST_CASE("processing: images of unknown size have an estimate of their own") {
  CostModel model(200ms);
  model.add({"a"}, version_one, 10 * megapixel, cost_of(100ms));
  CHECK(model.of({"a"}, 0).wall_micros == 100'000);

  model.add({"a"}, version_one, 0, cost_of(900ms));

  CHECK(model.of({"a"}, 0).wall_micros == 900'000);
  CHECK(model.of({"a"}, 10 * megapixel).wall_micros == 100'000);
  CHECK(model.of({"a"}, 20 * megapixel).wall_micros == 200'000);
}

TEST_CASE("processing: another recipe of the same name starts anew") {
  CostModel model(200ms);
  for (int i = 0; i < 9; ++i) model.add({"a"}, version_one, megapixel, cost_of(8s));

  model.add({"a"}, version_two, megapixel, cost_of(100ms));

  CHECK(model.of({"a"}, megapixel).wall_micros == 100'000);
  CHECK(model.costs_of("a").front().digest == version_two);
}

TEST_CASE("processing: each way of a recipe has a cost of its own") {
  CostModel model(200ms);
  model.add({"convert", "jpeg format=jpg"}, version_one, megapixel, {100ms, 90ms, 50'000'000});
  model.add({"convert", "jpeg format=webp"}, version_one, megapixel, {4s, 4s, 300'000'000});

  CHECK(model.of({"convert", "jpeg format=jpg"}, megapixel).memory_bytes == 50'000'000);
  CHECK(model.of({"convert", "jpeg format=webp"}, megapixel).wall_micros == 4'000'000);
  CHECK(model.costs_of("convert").size() == 2);
}

TEST_CASE(
    "processing: a way that never ran is tried early, with memory for the largest other one") {
  CostModel model(200ms);
  model.add({"convert", "jpeg format=jpg"}, version_one, megapixel, {100ms, 90ms, 50'000'000});
  model.add({"convert", "jpeg format=webp"}, version_one, megapixel, {4s, 4s, 300'000'000});

  const CostEstimate png = model.of({"convert", "jpeg format=png"}, megapixel);

  CHECK(png == CostEstimate{100'000, 90'000, 300'000'000, true});
  const MemoryNeed need = memory_need_of(png, megapixel, 0, 0);
  CHECK(need == MemoryNeed{375'000'000, false});
  CHECK(memory_need_of(png, 100 * megapixel, 0, 0).bytes == (64ULL << 20) + 1'600'000'000);
}

TEST_CASE("processing: of many ways of a recipe the one that ran last stays, the oldest goes") {
  CostModel model(200ms);
  const auto way = [](std::size_t number) { return "jpeg ints<=" + std::to_string(number); };
  for (std::size_t i = 0; i < cost_ways_max; ++i) {
    model.add({"a", way(i)}, version_one, megapixel, cost_of(1s));
  }
  model.add({"a", way(0)}, version_one, megapixel, cost_of(1s));
  model.add({"a", "new"}, version_one, megapixel, cost_of(1s));

  CHECK(model.costs_of("a").size() == cost_ways_max);
  CHECK_FALSE(model.of({"a", way(0)}, megapixel).of_others);
  CHECK_FALSE(model.of({"a", "new"}, megapixel).of_others);
  CHECK(model.of({"a", way(1)}, megapixel).of_others);
  model.check_invariants();
}

TEST_CASE("processing: what was learned is the same after it was told and restored") {
  CostModel model(200ms);
  for (const std::uint64_t size : {0, 1, 5, 30}) {
    model.add({"a"}, version_one, size * megapixel, linear(size));
    model.add({"a", "jpeg format=webp"}, version_one, size * megapixel, linear(9 * size));
  }
  CostModel restored(200ms);

  for (const std::string& name : model.recipes()) {
    for (const RecipeCost& cost : model.costs_of(name)) restored.restore(cost);
  }

  CHECK(restored.costs_of("a") == model.costs_of("a"));
  CHECK(restored.of({"a"}, 12 * megapixel) == model.of({"a"}, 12 * megapixel));
  restored.check_invariants();
}

TEST_CASE("processing: rows that make no sense are not restored") {
  const CostPoint sound{megapixel, 1'000, 900, 1'000'000, 3};
  for (CostPoint wrong : {CostPoint{megapixel, 0, 0, 0, 1}, CostPoint{~0ULL, 1, 1, 1, 1},
                          CostPoint{1, ~0ULL, 1, 1, 1}, CostPoint{1, 1, 1, ~0ULL, 1},
                          CostPoint{1, 1, 1, 1, 0}, CostPoint{1, 1, 1, 1, ~0ULL}}) {
    CostModel model(200ms);
    model.restore({"a", version_one, {sound, wrong}});
    CHECK(model.recipes().empty());
  }
  CostModel model(200ms);
  model.restore({"a", version_one, {}});
  model.restore({"b", version_one, std::vector<CostPoint>(cost_points_max + 1, sound)});
  CHECK(model.recipes().empty());
}

TEST_CASE("processing: no runs, however odd, break a cost model") {
  constexpr std::uint64_t seed = 4'242;
  Rng rng(seed);
  CostModel model(1ns);
  const auto odd = [&rng] { return rng.next() >> rng.below(64); };
  for (int i = 0; i < 20'000; ++i) {
    const std::string name(1, static_cast<char>('a' + rng.below(3)));
    const auto wall = static_cast<std::int64_t>(odd() >> 1);
    const auto cpu = static_cast<std::int64_t>(odd() >> 1);
    const Work work{name, rng.below(2) == 0 ? "x" : "y"};
    model.add(work, rng.below(500) == 0 ? version_two : version_one, odd(),
              {Duration(rng.below(9) == 0 ? -wall : wall), Duration(cpu), odd()});
    const CostEstimate estimate = model.of(work, odd());
    REQUIRE(estimate.wall_micros >= 1);
    REQUIRE(estimate.wall_micros <= 1ULL << 40);
    if (i % 100 == 0) model.check_invariants();
  }
}

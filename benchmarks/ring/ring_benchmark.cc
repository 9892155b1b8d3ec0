// Placement: how long it takes, how even it is, how much it moves; beside what others do.
//
//   ring_benchmark --benchmark_filter=recompute      times, peak over target, one join
//   ring_benchmark --benchmark_filter=history        movement over histories, D beside its rival
#include <benchmark/benchmark.h>

#include <algorithm>
#include <string>
#include <vector>

#include "ring/partition.h"
#include "simulations/rivals/member_history.h"
#include "simulations/rivals/rivals.h"

namespace pixmesh::studies {
namespace {

using Way = Outcome (*)(const std::vector<PlacementMember>&, const PlacementOptions&);

void lookup(benchmark::State& state) {
  const auto members = mesh_of(100, 3, true, 1).members();
  const PlacementTable table = compute_placement(members, {});
  std::vector<std::string> names;
  for (int i = 0; i < 1024; ++i) names.push_back("scans/2024/image-" + std::to_string(i) + ".tif");
  std::size_t next = 0;
  for (auto _ : state) {
    const PartitionId partition = partition_of(names[next++ % 1024], 0, table.partition_bits());
    benchmark::DoNotOptimize(table.row_of(partition)[0]);
  }
}
BENCHMARK(lookup);

void row(benchmark::State& state) {
  const auto members = mesh_of(100, 3, true, 1).members();
  const PlacementTable table = compute_placement(members, {});
  std::uint32_t next = 0;
  for (auto _ : state) {
    next = next * 1664525 + 1013904223;
    benchmark::DoNotOptimize(table.row_of(PartitionId{next >> 18})[0]);
  }
}
BENCHMARK(row);

/// Arguments: members, zones, partition bits. The time is that of the table alone.
void recompute(benchmark::State& state) {
  const auto members = mesh_of(static_cast<std::size_t>(state.range(0)),
                               static_cast<std::uint32_t>(state.range(1)), false, 2)
                           .members();
  const PlacementOptions options{.partition_bits = static_cast<std::uint32_t>(state.range(2))};
  for (auto _ : state) benchmark::DoNotOptimize(compute_placement(members, options));
}
BENCHMARK(recompute)
    ->ArgNames({"nodes", "zones", "k"})
    ->ArgsProduct({{10, 100, 1000}, {1, 3, 4, 5, 6, 24}, {14}})
    ->ArgsProduct({{1000}, {1, 3, 4, 6}, {16}})
    ->Unit(benchmark::kMillisecond);

/// Arguments as above. The time contains what the outcome costs to collect, for all ways alike.
void one_join(benchmark::State& state, Way way) {
  MemberHistory mesh = mesh_of(static_cast<std::size_t>(state.range(0)),
                               static_cast<std::uint32_t>(state.range(1)), false, 2);
  const PlacementOptions options{.partition_bits = static_cast<std::uint32_t>(state.range(2))};
  const Outcome before = way(mesh.members(), options);
  mesh.join();
  Outcome after;
  for (auto _ : state) after = way(mesh.members(), options);
  state.counters["peak_over_target"] = peak_over_target(after);
  state.counters["lowest_over_target"] = lowest_over_target(after);
  state.counters["moved_over_ideal"] =
      static_cast<double>(moved_slots(before, after)) / ideal_slots(before, after);
}

/// Arguments: members on average, zones, even zones, partition bits. Four seeds; the counters are
/// the sum over 24 changes each, and the worst of those whose ideal is at least 100 slots.
void history(benchmark::State& state, Way way) {
  const auto count = static_cast<std::size_t>(state.range(0));
  const PlacementOptions options{.partition_bits = static_cast<std::uint32_t>(state.range(3))};
  double moved = 0, ideal = 0, worst = 0, peak = 0, lowest = 1;
  for (auto _ : state) {
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
      MemberHistory mesh =
          mesh_of(count, static_cast<std::uint32_t>(state.range(1)), state.range(2) != 0, seed);
      Outcome before = way(mesh.members(), options);
      for (int i = 0; i < 24; ++i) {
        mesh.change(count - count / 4, count + count / 4);
        Outcome after = way(mesh.members(), options);
        const auto step_moved = static_cast<double>(moved_slots(before, after));
        const double step_ideal = ideal_slots(before, after);
        moved += step_moved;
        ideal += step_ideal;
        if (step_ideal >= 100) worst = std::max(worst, step_moved / step_ideal);
        peak = std::max(peak, peak_over_target(after));
        lowest = std::min(lowest, lowest_over_target(after));
        before = std::move(after);
      }
    }
  }
  state.counters["moved_over_ideal"] = moved / ideal;
  state.counters["worst_change"] = worst;
  state.counters["peak_over_target"] = peak;
  state.counters["lowest_over_target"] = lowest;
}

#define PIXMESH_WAY(name)                               \
  BENCHMARK_CAPTURE(one_join, name, name)               \
      ->ArgNames({"nodes", "zones", "k"})               \
      ->ArgsProduct({{10, 100}, {1, 3, 4}, {14}})       \
      ->ArgsProduct({{1000}, {4}, {16}})                \
      ->Unit(benchmark::kMillisecond);                  \
  BENCHMARK_CAPTURE(history, name, name)                \
      ->ArgNames({"nodes", "zones", "even", "k"})       \
      ->ArgsProduct({{10}, {1, 3}, {0}, {12}})          \
      ->ArgsProduct({{10}, {2, 4, 5, 6}, {0, 1}, {12}}) \
      ->ArgsProduct({{60}, {1, 3}, {0}, {14}})          \
      ->ArgsProduct({{60}, {2, 4, 5, 6}, {0, 1}, {14}}) \
      ->Iterations(1)                                   \
      ->Unit(benchmark::kMillisecond)

PIXMESH_WAY(calibrated);
PIXMESH_WAY(closed_form);
PIXMESH_WAY(token_ring);
PIXMESH_WAY(plain_rendezvous);

}  // namespace
}  // namespace pixmesh::studies

BENCHMARK_MAIN();

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>

#include "small_mesh.h"

using namespace pixmesh;

namespace {

std::uint64_t seed_of_run() {
  const char* given = std::getenv("PIXMESH_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : 20'240'611;
  MESSAGE("seed ", seed, " (PIXMESH_SEED=", seed, " repeats this run)");
  return seed;
}

SmallMeshOptions lossy(std::uint64_t seed) {
  SmallMeshOptions options;
  options.seed = seed;
  options.jitter = 2ms;
  options.loss_permille = 50;
  options.with_records = false;
  return options;
}

SmallMesh mesh_of(std::size_t count, const SmallMeshOptions& options) {
  SmallMesh mesh(options);
  for (std::size_t i = 0; i < count; ++i) mesh.add("n" + std::to_string(i));
  mesh.found();
  return mesh;
}

/// Seconds from the crash of one node until every other holds it dead.
Duration detection_time(std::size_t count, std::uint64_t seed) {
  SmallMesh mesh = mesh_of(count, lossy(seed));
  const Instant crash = Instant{} + 5s;
  mesh.run_until(crash);
  mesh.crash(0);
  std::size_t knowing = 0;
  mesh.on_change = [&](std::size_t, const MemberChanged& change) {
    if (change.node != mesh.id_of(0)) return;
    if (change.state == LifeState::dead) ++knowing;
    if (change.was == LifeState::dead) --knowing;
  };
  mesh.run_until(crash + 60s, [&] { return knowing == count - 1; });
  return mesh.now() - crash;
}

Duration median_detection_time(std::size_t count, std::size_t runs, std::uint64_t seed) {
  std::vector<Duration> times;
  for (std::size_t run = 0; run < runs; ++run) times.push_back(detection_time(count, seed + run));
  std::ranges::sort(times);
  MESSAGE("detection among ", count, ": p50 ", times[runs / 2] / 1ms, " ms, worst ",
          times.back() / 1ms, " ms");
  return times[runs / 2];
}

}  // namespace

TEST_CASE("membership: among 32 nodes losing 5 % of messages nobody dies in ten minutes") {
  SmallMesh mesh = mesh_of(32, lossy(seed_of_run()));
  std::size_t suspicions = 0;
  std::size_t deaths = 0;
  mesh.on_change = [&](std::size_t, const MemberChanged& change) {
    if (change.state == LifeState::suspect) ++suspicions;
    if (change.state == LifeState::dead) ++deaths;
  };

  mesh.run_until(Instant{} + 600s);

  MESSAGE("suspicions ", suspicions, ", messages ", mesh.sent_count());
  CHECK(deaths == 0);
}

TEST_CASE("membership: a crash is known to all within the bound at the median") {
  const std::uint64_t seed = seed_of_run();
  // 1.2 s + 1.5 s * log10 N
  CHECK(median_detection_time(10, 9, seed) <= 2'700ms);
  CHECK(median_detection_time(32, 9, seed) <= 3'458ms);
  CHECK(median_detection_time(128, 1, seed) <= 4'361ms);
}

TEST_CASE("membership: members that pause themselves blame nobody who did not") {
  SmallMesh mesh = mesh_of(32, lossy(seed_of_run()));
  Rng chance(7);
  std::vector<bool> ever_paused(32, false);
  std::size_t false_deaths = 0;
  mesh.on_change = [&](std::size_t, const MemberChanged& change) {
    const bool paused = ever_paused[mesh.number_of(change.node)];
    if (change.state == LifeState::dead && !paused) ++false_deaths;
  };

  for (int i = 0; i < 20; ++i) {
    const std::size_t node = chance.below(8);
    ever_paused[node] = true;
    mesh.pause(node, Duration(1s) + Duration(1ms) * static_cast<std::int64_t>(chance.below(6000)));
    mesh.run_until(mesh.now() + 8s);
  }

  CHECK(false_deaths == 0);
}

TEST_CASE("membership: at rest a node sends nothing but its probes and their answers") {
  SmallMeshOptions options;
  options.with_records = false;
  SmallMesh mesh = mesh_of(8, options);
  mesh.run_until(Instant{} + 20s);
  std::size_t rumours = 0;
  mesh.on_send = [&](std::size_t, std::size_t, const LivenessMessage& message, bool) {
    std::visit([&](const auto& any) { rumours += any.rumours.size(); }, message);
  };
  const std::uint64_t before = mesh.sent_count();

  mesh.run_until(Instant{} + 30s);

  CHECK(rumours == 0);
  CHECK(mesh.sent_count() - before == 8 * 20 * 2);
}

TEST_CASE("membership: halves of 40 nodes hold each other alive again soon after they meet") {
  SmallMeshOptions options = lossy(seed_of_run());
  options.loss_permille = 0;
  SmallMesh mesh = mesh_of(40, options);
  mesh.run_until(Instant{} + 3s);
  for (std::size_t a = 0; a < 20; ++a) {
    for (std::size_t b = 20; b < 40; ++b) {
      mesh.cut(a, b);
      mesh.cut(b, a);
    }
  }
  mesh.run_until(Instant{} + 60s);
  CHECK(mesh.liveness(0).alive().size() == 20);

  mesh.mend();
  const auto whole = [&] {
    for (std::size_t node = 0; node < 40; ++node) {
      if (mesh.liveness(node).alive().size() != 40) return false;
    }
    return true;
  };
  mesh.run_until(Instant{} + 90s, whole);

  MESSAGE("whole after ", (mesh.now() - (Instant{} + 60s)) / 1ms, " ms");
  CHECK(mesh.now() <= Instant{} + 65s);
}

TEST_CASE("membership: a changed record reaches 32 nodes in well under a second") {
  SmallMeshOptions options = lossy(seed_of_run());
  options.with_records = true;
  SmallMesh mesh = mesh_of(32, options);
  mesh.run_until(Instant{} + 2s);
  const Epoch before = mesh.table(0).epoch();

  mesh.change_own(0, [](MemberRecord& record) {
    record.weight = 9;
    ++record.placement_generation;
  });
  const auto equal = [&] {
    for (std::size_t node = 1; node < 32; ++node) {
      if (mesh.table(node).table_digest() != mesh.table(0).table_digest()) return false;
    }
    return true;
  };
  mesh.run_until(Instant{} + 10s, equal);

  MESSAGE("equal after ", (mesh.now() - (Instant{} + 2s)) / 1ms, " ms");
  CHECK(mesh.table(31).epoch() == mesh.table(0).epoch());
  CHECK(mesh.table(31).epoch() != before);
  CHECK(mesh.now() <= Instant{} + 3s);
}

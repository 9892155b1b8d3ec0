#include <doctest/doctest.h>

#include <chrono>
#include <thread>

#include "test_mesh.h"
#include "traffic.h"

using namespace pixmesh;

namespace {

struct Kills {
  std::size_t all = 0;
  std::size_t amid = 0;  // while partitions were on their way
};

/// One of the running nodes, at a moment of chance, soon after something began to move.
void kill_one(TestMesh& mesh, Rng& chance, Kills& kills) {
  std::this_thread::sleep_for(std::chrono::milliseconds(50 + chance.below(400)));
  std::size_t victim = chance.below(mesh.size());
  while (!mesh.running(victim)) victim = chance.below(mesh.size());
  const ProcessAnswer status = mesh.cli({"status", "--json", "--timeout", "1s"});
  const bool moves = status.exit == 0 && json_lines(status.out).at(0)["totals"]["unsettled"] > 0;
  if (!mesh.running(victim)) return;  // it has left
  mesh.kill_node(victim);
  kills.all += 1;
  kills.amid += moves ? 1 : 0;
  std::this_thread::sleep_for(std::chrono::milliseconds(chance.below(600)));
  mesh.restart_node(victim);
}

}  // namespace

TEST_SUITE("kill_loop") {
  TEST_CASE("kill loop: what was acknowledged survives kill -9 of node after node under load") {
    const std::size_t cycles = asked_count("PIXMESH_KILL_CYCLES", 20);
    TestMesh mesh;
    Traffic traffic(mesh);
    Rng chance(7);
    for (std::size_t cycle = 0; cycle < cycles; ++cycle) {
      std::this_thread::sleep_for(std::chrono::milliseconds(200 + chance.below(800)));
      const std::size_t victim = chance.below(mesh.size());
      mesh.kill_node(victim);
      // Every tenth time all die: a power cut without a power cut.
      const bool all = cycle % 10 == 9;
      for (std::size_t node = 0; all && node < mesh.size(); ++node) {
        if (node != victim) mesh.kill_node(node);
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(chance.below(1'500)));
      for (std::size_t node = 0; node < mesh.size(); ++node) {
        if (!mesh.running(node)) mesh.restart_node(node);
      }
      if (cycle % 5 == 4) mesh.wait_calm();
    }
    traffic.stop();
    mesh.wait_calm();
    traffic.check_through_each_node(mesh);
    CHECK(traffic.acknowledged() > 5 * cycles);
    // What a kill broke off is given up after 20 s of silence, and a peer's after 30 s.
    CHECK(becomes_true(35s, [&] { return mesh.temp_files() == 0; }));

    for (std::size_t node = 0; node < mesh.size(); ++node) CHECK(mesh.stop_node(node) == 0);
    traffic.check_rescued(rescued_from({mesh.storage_of(0), mesh.storage_of(1)}));
    MESSAGE(cycles << " kills, " << traffic.figures());
  }

  TEST_CASE("kill loop: those who give and those who get die while members come and go") {
    const std::size_t changes = asked_count("PIXMESH_MOVE_CHANGES", 2);
    TestMesh mesh({.nodes = 4});
    Traffic traffic(mesh);
    Rng chance(8);
    Kills kills;
    REQUIRE(becomes_true(60s, [&] { return traffic.acknowledged() > 60; }));
    std::size_t guest = 0;
    for (std::size_t change = 0; change < changes; ++change) {
      const bool comes = change % 2 == 0;
      if (comes) {
        guest = mesh.add_node();
        REQUIRE(becomes_true(10s, [&] { return mesh.cli_at(guest, {"status"}).exit == 0; }));
      } else {
        CHECK(mesh.cli_at(guest, {"node", "leave"}).exit == 0);
      }
      for (int i = 0; i < 4; ++i) kill_one(mesh, chance, kills);
      if (!comes) CHECK(becomes_true(90s, [&] { return !mesh.running(guest); }));
      mesh.wait_calm();
    }
    traffic.stop();
    mesh.wait_calm();
    traffic.check_through_each_node(mesh);
    check_every_copy(mesh);
    MESSAGE(changes << " changes of members, " << kills.all << " kills, " << kills.amid
                    << " of them while partitions moved, " << traffic.figures());
  }
}

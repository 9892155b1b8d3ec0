#include <doctest/doctest.h>

#include <chrono>
#include <thread>

#include "test_mesh.h"
#include "traffic.h"

using namespace pixmesh;

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
}

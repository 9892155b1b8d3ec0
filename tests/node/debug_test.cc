#include <doctest/doctest.h>
#include "mesh_world.h"
#include <iostream>
using namespace pixmesh;
TEST_CASE("debug") {
  MeshWorld world({.seed = 7});
  Rng rng(7 * 977 + 5);
  world.add_nodes(3 + static_cast<std::uint32_t>(rng.below(3)));
  (void)world.run_until_settled();
  std::cout << joined(world.unrest()) << "\n";
  for (auto n : world.running()) {
    auto s = world.status(n);
    std::cout << "node " << n << " unsettled " << s.unsettled << " to_sync " << s.to_sync << " epoch " << short_text(s.epoch) << "\n";
    for (std::uint32_t p : {6U, 7U, 12U}) {
      auto l = world.stored_lists(n, PartitionId{p});
      if (!l) { std::cout << "  none\n"; continue; }
      std::cout << "  " << p << " n=" << l->number << " lost=" << l->lost << " S:";
      for (auto& x : l->settled) std::cout << world.number_of(x) << ",";
      std::cout << " T:";
      for (auto& x : l->target) std::cout << world.number_of(x) << ",";
      std::cout << "\n";
    }
  }
}

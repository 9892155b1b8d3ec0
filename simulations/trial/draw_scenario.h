#pragma once

#include <optional>

#include "simulations/faults/draw.h"
#include "simulations/scenario/scenario.h"

namespace pixmesh {

/// What a person may fix about a scenario that is otherwise drawn.
struct DrawWishes {
  std::optional<std::uint32_t> nodes;  // 1 … 200
  std::optional<Duration> safety;      // > 0
  FaultChoice faults = FaultChoice::ordinary();
};

/// The scenario of a seed: 1 to 12 nodes, one seed in twenty 13 to 100, in 1 to 6 zones. Where
/// disks may come and go, the nodes of one seed in five have 1 to 3 each.
[[nodiscard]] Scenario draw_scenario(std::uint64_t seed, const DrawWishes& wishes);

}  // namespace pixmesh

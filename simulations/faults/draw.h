#pragma once

#include <array>
#include <vector>

#include "base/rng.h"
#include "simulations/scenario/scenario.h"

namespace pixmesh {

/// A disk that is put back by less may pass for what it was.
inline constexpr Duration noticed_from = 10s;

/// Which classes of faults may be drawn.
struct FaultChoice {
  std::array<bool, fault_class_count> allowed{};
  std::uint32_t beyond_one_in = 1;  // of so many scenarios one has it, if it is allowed
  /// What the mesh is expected to survive.
  [[nodiscard]] static FaultChoice ordinary();
};

/// Faults for the safety phase of a scenario whose nodes are set already, in order of time. Of the
/// allowed classes each is off with probability 1/2; how often the others strike is drawn too, so
/// that some seeds are stormy in one way and calm in all others. The draws of one class do not
/// shift those of another.
[[nodiscard]] std::vector<Event> draw_faults(Rng rng, const Scenario& scenario,
                                             const FaultChoice& choice);

}  // namespace pixmesh

#pragma once

#include <functional>
#include <string>

#include "simulations/scenario/scenario.h"

namespace pixmesh {

/// Makes a scenario that breaks a promise smaller while it still breaks the same one: takes out
/// events (delta debugging: halves, quarters, … single ones; Zeller, Hildebrandt 2002), founding
/// members from the end, and time after the last event.
///
/// @param promise  that must stay broken.
/// @param tries_max  runs at most; each costs what a run of the scenario costs.
/// @param told  called after each success with what is left.
[[nodiscard]] Scenario shrink(Scenario scenario, const std::string& promise,
                              std::uint32_t tries_max,
                              const std::function<void(const Scenario&)>& told);

}  // namespace pixmesh

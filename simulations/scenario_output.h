#pragma once

#include <string>

#include "simulations/scenario/scenario.h"

namespace pixmesh {

/// Plays a scenario and prints what became of it. If it broke a promise and `shrink_it`, the
/// smallest scenario that still does is printed too, ready for a file.
/// @param repeat  the command that does it again.
/// @returns the exit code: 0 all well, 1 a promise was broken.
int play_scenario(const Scenario& scenario, const std::string& repeat, bool json, bool shrink_it);

}  // namespace pixmesh

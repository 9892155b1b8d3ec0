#pragma once

#include <string>

#include "simulations/scenario/scenario.h"

namespace pixmesh {

/// What is to be printed besides how it ended.
struct PlayFlags {
  bool json = false;    // one JSON object in place of the report
  bool shrink = false;  // the smallest scenario that breaks the same promise
  bool trace = false;   // every event, on stderr
};

/// Plays a scenario and prints what became of it. A shrunk scenario is ready for a file.
/// @param repeat  the command that does it again.
/// @returns the exit code: 0 all well, 1 a promise was broken.
int play_scenario(const Scenario& scenario, const std::string& repeat, const PlayFlags& flags);

}  // namespace pixmesh

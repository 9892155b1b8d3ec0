#pragma once

#include <string>

#include "simulations/trial/trial.h"

namespace pixmesh {

/// What a person is told about a run: what it was, its digest, and if a promise was broken which
/// one, the last events of the nodes involved, and `repeat`, the command that does it again.
[[nodiscard]] std::string report_of(const Scenario& scenario, const TrialResult& result,
                                    const std::string& repeat);
/// The same for programs: one JSON object.
[[nodiscard]] std::string json_of(const Scenario& scenario, const TrialResult& result,
                                  const std::string& repeat);

}  // namespace pixmesh

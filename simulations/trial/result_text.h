#pragma once

#include "base/result.h"
#include "simulations/trial/trial.h"

namespace pixmesh {

/// A result as text between two processes of this program.
[[nodiscard]] std::string text_of(const TrialResult& result);
/// Errors: malformed, if the text does not end in a whole result.
[[nodiscard]] Result<TrialResult> parse_result(std::string_view text);

}  // namespace pixmesh

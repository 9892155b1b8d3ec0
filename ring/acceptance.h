#pragma once

#include "ring/assignment.h"
#include "ring/preferences.h"
#include "ring/shares.h"

namespace pixmesh {

/// Deferred acceptance (Gale, Shapley 1962): each partition proposes to its nodes in the order it
/// wants them, keeping the zone rule; a node keeps the proposals with the smallest keys, as many
/// as its cap, and refuses the rest, which propose on.
///
/// Both sides rank by the same key, so the result is that of "take all pairs in the order of
/// their keys, accept each that is allowed", without sorting the pairs, and does not depend on
/// who proposes first. Rows whose every node refused are left with free slots (see repair.h).
[[nodiscard]] Assignment accept_within_caps(const Shares& shares, Preferences& preferences);

}  // namespace pixmesh

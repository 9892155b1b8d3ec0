#pragma once

#include "base/time.h"

namespace pixmesh {

/// This machine's monotonic clock: never set back, counts from boot. About 30 ns.
[[nodiscard]] Instant monotonic_now();

/// Wall time, UTC; may jump when somebody sets the clock.
[[nodiscard]] WallTime wall_now();

}  // namespace pixmesh

#include "host/system/clocks.h"

#include <chrono>

namespace pixmesh {

Instant monotonic_now() {
  const auto since_boot = std::chrono::steady_clock::now().time_since_epoch();
  return Instant(std::chrono::duration_cast<Duration>(since_boot));
}

WallTime wall_now() {
  const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
  const auto count = std::chrono::duration_cast<std::chrono::microseconds>(since_1970).count();
  return {static_cast<std::uint64_t>(count)};
}

}  // namespace pixmesh

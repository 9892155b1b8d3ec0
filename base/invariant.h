#pragma once

#include <cstdio>
#include <cstdlib>

namespace pixmesh {

/// Stops the process when our own reasoning was wrong; on in release builds too.
/// Never for bad input: a peer, a disk or a user being wrong is a Result.
constexpr void invariant(bool holds, const char* claim, const char* file = __builtin_FILE(),
                         int line = __builtin_LINE()) {
  if (holds) [[likely]]
    return;
  std::fprintf(stderr, "%s:%d: invariant broken: %s\n", file, line, claim);
  std::abort();
}

}  // namespace pixmesh

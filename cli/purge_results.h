#pragma once

#include <cstdint>
#include <map>

#include "client/client.h"

namespace pixmesh {

/// What all members together forgot.
struct PurgeSums {
  std::uint64_t dropped = 0;
  std::uint64_t bytes = 0;
  std::map<NodeId, PurgeReport> missed;  // by node: not reached at least once

  void add(const PurgeSums& more);
};

/// Has every member forget these results; any number of each.
/// Errors: unreachable — no member answers.
[[nodiscard]] Result<PurgeSums> purge_results(Client& client, const PurgeWish& wish);

}  // namespace pixmesh

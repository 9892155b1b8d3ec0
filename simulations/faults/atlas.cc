#include "simulations/faults/atlas.h"

#include "simulations/world/mesh_world.h"

namespace pixmesh {

bool Atlas::may_destroy(std::uint32_t node, bool for_good) {
  bool everybody_runs = true;
  for (std::uint32_t other = 0; other < world_.node_count(); ++other) {
    if (world_.is_member(other) && !world_.is_running(other)) everybody_runs = false;
  }
  if (everybody_runs && world_.unrest().empty()) since_whole_.clear();
  const bool allowed = since_whole_.contains(node) || since_whole_.size() + 1 < quorum_;
  if (!allowed) return false;
  since_whole_.insert(node);
  if (for_good) gone_.insert(node);
  return true;
}

}  // namespace pixmesh

#include "simulations/faults/atlas.h"

#include <algorithm>

#include "simulations/world/mesh_world.h"
#include "wire/stored.h"

namespace pixmesh {

bool Atlas::may_destroy(std::uint32_t node, bool for_good) {
  bool all_well = true;
  for (std::uint32_t other = 0; other < world_.node_count(); ++other) {
    if (!world_.is_member(other)) continue;
    if (!world_.is_running(other) || world_.disk(other).is_behind()) all_well = false;
    if (world_.has_twin(other)) all_well = false;
  }
  if (all_well && world_.unrest().empty()) since_whole_.clear();
  const bool allowed = since_whole_.contains(node) || since_whole_.size() + 1 < quorum_;
  if (!allowed || !is_all_elsewhere(node)) return false;
  since_whole_.insert(node);
  if (for_good) gone_.insert(node);
  return true;
}

// A mesh that has just begun to grow acknowledges fewer than W copies, and says so.
bool Atlas::is_all_elsewhere(std::uint32_t node) const {
  const auto& records = world_.disk(node).records();
  return std::all_of(records.begin(), records.end(), [&](const auto& entry) {
    const Version version = decode_record(entry.second.bytes).value().version;
    for (std::uint32_t other = 0; other < world_.node_count(); ++other) {
      if (other == node || is_gone(other) || since_whole_.contains(other)) continue;
      const auto& theirs = world_.disk(other).records();
      const auto found = theirs.find(entry.first);
      if (found == theirs.end()) continue;
      if (decode_record(found->second.bytes).value().version >= version) return true;
    }
    return false;
  });
}

}  // namespace pixmesh

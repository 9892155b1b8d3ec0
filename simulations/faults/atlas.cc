#include "simulations/faults/atlas.h"

#include <algorithm>

#include "base/digest.h"
#include "simulations/world/mesh_world.h"
#include "wire/stored.h"

namespace pixmesh {

bool Atlas::may_destroy(std::uint32_t node, bool for_good) {
  bool all_well = true;
  for (std::uint32_t other = 0; other < world_.node_count(); ++other) {
    if (!world_.is_member(other)) continue;
    if (!world_.is_running(other) || is_failing(other)) all_well = false;
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
  bool all = true;
  world_.for_each_record(node, [&](const auto& key, const VirtualDisk::Record& record) {
    const Version version = decode_record(record.bytes).value().version;
    all = all && is_elsewhere(node, key, version);
  });
  return all;
}

bool Atlas::is_elsewhere(std::uint32_t node, const VirtualDisk::Key& key,
                         const Version& version) const {
  for (std::uint32_t other = 0; other < world_.node_count(); ++other) {
    if (other == node || is_gone(other) || since_whole_.contains(other)) continue;
    const auto& theirs = world_.disk_of(other, key.first).records();
    const auto found = theirs.find(key);
    if (found == theirs.end()) continue;
    const ImageRecord record = decode_record(found->second.bytes).value();
    if (record.version >= version && has_bytes(other, record)) return true;
  }
  return false;
}

// A record may have moved without them, since it was read badly wherever they were.
bool Atlas::has_bytes(std::uint32_t node, const ImageRecord& record) const {
  if (record.tombstone) return true;
  const std::string path = blob_path(record.digest, record.media);
  const SharedBytes bytes = world_.disk_of(node, world_.partition_of_name(record.name)).file(path);
  return bytes ? digest_of(*bytes) == record.digest : world_.is_lost(path);
}

// What is on one of several disks that failed the node gives up after a while.
bool Atlas::is_failing(std::uint32_t node) const {
  if (world_.is_behind(node)) return true;
  const auto& disks = world_.disks(node);
  return disks.size() > 1 &&
         std::ranges::any_of(disks, [](const auto* disk) { return disk->may_fail(); });
}

}  // namespace pixmesh

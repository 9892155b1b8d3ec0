#pragma once

#include <cstdint>
#include <set>

#include "replication/record.h"
#include "simulations/world/virtual_disk.h"

namespace pixmesh {

class MeshWorld;

/// Keeps track of destroyed copies, so that fewer than W of any acknowledged image are ever gone at
/// one time: more than that no mesh can survive. Between two moments at which every partition had
/// all its copies, at most W - 1 nodes may lose something of their disks, and none that has
/// something alone.
class Atlas {
 public:
  Atlas(MeshWorld& world, std::uint32_t write_quorum) : world_(world), quorum_(write_quorum) {}

  /// Asks for leave to destroy something on a disk of `node`. @returns whether it may be done; then
  /// it counts as done. `for_good`: all its disks, and they never come back.
  [[nodiscard]] bool may_destroy(std::uint32_t node, bool for_good);
  /// Whether its disks are gone for good: what they hold does not count any more.
  [[nodiscard]] bool is_gone(std::uint32_t node) const { return gone_.contains(node); }
  /// Whether it may lack something that it had when all copies were last seen.
  [[nodiscard]] bool is_destroyed(std::uint32_t node) const { return since_whole_.contains(node); }
  /// Nodes that may lack something they had when all copies were last seen.
  [[nodiscard]] std::size_t destroyed_count() const { return since_whole_.size(); }

 private:
  [[nodiscard]] bool is_all_elsewhere(std::uint32_t node) const;
  [[nodiscard]] bool is_elsewhere(std::uint32_t node, const VirtualDisk::Key& key,
                                  const Version& version) const;
  [[nodiscard]] bool has_bytes(std::uint32_t node, const ImageRecord& record) const;
  [[nodiscard]] bool is_failing(std::uint32_t node) const;

  MeshWorld& world_;
  std::uint32_t quorum_;
  std::set<std::uint32_t> gone_;
  std::set<std::uint32_t> since_whole_;  // destroyed since all copies were there
};

}  // namespace pixmesh

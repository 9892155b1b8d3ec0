#pragma once

#include <atomic>
#include <cstdint>

#include "base/disk.h"
#include "base/result.h"
#include "membership/mesh_settings.h"

namespace pixmesh {

/// How names are placed in this node's mesh; the storage threads read it, the loop thread sets it
/// once, when the mesh becomes known.
class MeshKey {
 public:
  void set(const MeshSettings& settings);
  [[nodiscard]] bool is_set() const { return bits_ > 0; }
  /// Errors: malformed — no record, or this node belongs to no mesh yet.
  [[nodiscard]] Result<RecordPlace> place(ByteView record) const;

 private:
  std::atomic<std::uint64_t> key_ = 0;
  std::atomic<std::uint32_t> bits_ = 0;
};

}  // namespace pixmesh

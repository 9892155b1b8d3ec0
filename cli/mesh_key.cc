#include "cli/mesh_key.h"

#include "node/stored_rules.h"

namespace pixmesh {

void MeshKey::set(const MeshSettings& settings) {
  key_ = settings.placement_key;
  bits_ = settings.partition_bits;
}

Result<RecordPlace> MeshKey::place(ByteView record) const {
  const std::uint32_t bits = bits_;
  if (bits == 0) return Error{ErrorCode::malformed, "this node belongs to no mesh yet"};
  return place_stored(record, key_, bits);
}

}  // namespace pixmesh

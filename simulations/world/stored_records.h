#pragma once

#include <optional>

#include "base/disk.h"
#include "membership/mesh_settings.h"

namespace pixmesh {

/// What a disk asks back about records, in terms of bytes; the same rules as the daemon's.
[[nodiscard]] Admission admit_stored(ByteView stored, ByteView incoming, ByteView lists,
                                     ByteView fence);
[[nodiscard]] Result<RecordPlace> place_stored(const std::optional<MeshSettings>& settings,
                                               ByteView record);

}  // namespace pixmesh

#pragma once

#include "base/disk.h"

// What a disk asks about the records it keeps as bytes (see base/disk.h). Both are pure: a storage
// thread may call them.
namespace pixmesh {

/// Whether `incoming` may replace `stored` (nothing there: empty) at a holder that has `lists`, for
/// an asker that believes `fence`; `collected` as in its table. Bytes that cannot be read are
/// refused as failed. A stale asker is given the lists.
[[nodiscard]] Admission admit_stored(ByteView stored, ByteView incoming, ByteView lists,
                                     ByteView fence, ByteView collected);

/// Where a record and its image lie, in a mesh that places names by `placement_key` over
/// 2^`partition_bits` partitions. @returns malformed if the record cannot be read.
[[nodiscard]] Result<RecordPlace> place_stored(ByteView record, std::uint64_t placement_key,
                                               std::uint32_t partition_bits);

}  // namespace pixmesh

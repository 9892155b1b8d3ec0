#pragma once

#include <cstdint>
#include <string_view>

#include "base/ids.h"

namespace pixmesh {

/// The partition of the name-hash circle in which `name` lies: the top bits of its keyed hash, so
/// a partition is one contiguous range of hashes.
///
/// @param key             of the mesh, as in PlacementOptions.
/// @param partition_bits  1 … partition_bits_max, as in PlacementOptions.
[[nodiscard]] PartitionId partition_of(std::string_view name, std::uint64_t key,
                                       std::uint32_t partition_bits);

}  // namespace pixmesh

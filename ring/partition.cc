#include "ring/partition.h"

#include "base/bytes.h"
#include "base/digest.h"
#include "base/invariant.h"
#include "base/limits.h"

namespace pixmesh {

PartitionId partition_of(std::string_view name, std::uint64_t key, std::uint32_t partition_bits) {
  invariant(partition_bits >= 1 && partition_bits <= partition_bits_max,
            "a mesh has between 2 and 2^16 partitions");
  const std::uint64_t hash = keyed_hash(key, bytes_of(name));
  return PartitionId{static_cast<std::uint32_t>(hash >> (64 - partition_bits))};
}

}  // namespace pixmesh

#pragma once

#include <map>

#include "replication/operation.h"

// Two holders compare all the partitions that they share without naming each: the circle is cut
// into blocks, and only where the sums of a block differ do they go on to its partitions. At rest
// that is 512 bytes a comparison, where 16,384 partitions took 100,000.
namespace pixmesh {

inline constexpr std::uint32_t shared_blocks = 64;

/// What is on the disks here, by partition; none where there is nothing.
using PartitionSums = std::map<PartitionId, std::uint64_t>;

/// The block of a partition, of so many.
[[nodiscard]] std::uint32_t block_of(PartitionId partition, std::uint32_t partition_count);

/// Of the partitions that `other` and we hold, both settled, in order. Those that recover are left
/// out: rebalance syncs them with all holders.
[[nodiscard]] std::vector<Fingerprint> shared_fingerprints(const MeshView& mesh, NodeId other,
                                                           const PartitionSums& sums);

/// One sum for each block. Equal at both sides if they share the same partitions and have the same
/// in them.
[[nodiscard]] std::vector<std::uint64_t> block_sums(const std::vector<Fingerprint>& shared,
                                                    std::uint32_t partition_count);

}  // namespace pixmesh

#include "replication/shared_sums.h"

#include "base/bytes.h"
#include "base/digest.h"
#include "replication/collected.h"

namespace pixmesh {

std::uint32_t block_of(PartitionId partition, std::uint32_t partition_count) {
  return static_cast<std::uint32_t>(std::uint64_t{partition.raw} * shared_blocks / partition_count);
}

std::vector<Fingerprint> shared_fingerprints(const MeshView& mesh, NodeId other,
                                             const PartitionSums& sums) {
  std::vector<Fingerprint> shared;
  for (std::uint32_t raw = 0; raw < mesh.partition_count; ++raw) {
    const PartitionId partition{raw};
    const HolderLists lists = mesh.lists_of(partition);
    if (!lists.is_settled() || !contains(lists.settled, other)) continue;
    if (!contains(lists.settled, mesh.self)) continue;  // about to be dropped
    if (mesh.is_recovering(partition)) continue;
    const auto here = sums.find(partition);
    const std::uint64_t records = here == sums.end() ? 0 : here->second;
    shared.push_back({partition, compared_sum(records, mesh.collected_of(partition)), 0});
  }
  return shared;
}

std::vector<std::uint64_t> block_sums(const std::vector<Fingerprint>& shared,
                                      std::uint32_t partition_count) {
  std::vector<CanonicalBytes> said(shared_blocks);
  for (const Fingerprint& one : shared) {
    said[block_of(one.partition, partition_count)].u64(one.partition.raw).u64(one.sum);
  }
  std::vector<std::uint64_t> blocks;
  for (const CanonicalBytes& block : said) blocks.push_back(chunk_checksum(block.bytes()));
  return blocks;
}

}  // namespace pixmesh

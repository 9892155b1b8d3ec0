#include "replication/collected.h"

namespace pixmesh {

TableRow collected_row(PartitionId partition, std::uint64_t clock) {
  Bytes value;
  for (int shift = 56; shift >= 0; shift -= 8) {
    value.push_back(static_cast<std::uint8_t>(clock >> shift));
  }
  return {Table::collected, row_prefix(partition), std::move(value)};
}

std::uint64_t parse_collected(ByteView value) {
  if (value.size() != 8) return 0;
  std::uint64_t clock = 0;
  for (const std::uint8_t byte : value) clock = clock << 8 | byte;
  return clock;
}

std::uint64_t compared_sum(std::uint64_t fingerprint, std::uint64_t collected) {
  return fingerprint + collected * 0x9e3779b97f4a7c15;  // odd: no two clocks give one product
}

}  // namespace pixmesh

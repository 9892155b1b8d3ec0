#include "replication/collected.h"

namespace pixmesh {

TableRow collected_row(PartitionId partition, std::uint64_t clock) {
  return {Table::collected, row_prefix(partition), row_value(clock)};
}

std::uint64_t compared_sum(std::uint64_t fingerprint, std::uint64_t collected) {
  return fingerprint + collected * 0x9e3779b97f4a7c15;  // odd: no two clocks give one product
}

}  // namespace pixmesh

#pragma once

#include "replication/record.h"

// Tombstones of a partition are collected when every holder has them. What is left of them is one
// number a partition, its collected clock: no write that any holder may still accept is at or below
// it, so what is there and turns up from elsewhere was deleted, or never acknowledged.
namespace pixmesh {

/// The row of Table::collected that says so of a partition.
[[nodiscard]] TableRow collected_row(PartitionId partition, std::uint64_t clock);

/// A fingerprint of records that differs where the collected clocks do: whoever has less of either
/// has something to learn.
[[nodiscard]] std::uint64_t compared_sum(std::uint64_t fingerprint, std::uint64_t collected);

}  // namespace pixmesh

#pragma once

#include <cstdint>
#include <vector>

#include "ring/keys.h"
#include "ring/shares.h"

namespace pixmesh {

/// The offset of each zone (log_bits fraction bits) that makes the uncapped choice give every zone
/// its target, so that caps only have to even out chance. Without it the best-of-a-zone rule
/// favours small zones, caps refuse a large part of all choices, and one change of a member
/// cascades through them (measured: 5 to 20 times the ideal movement).
///
/// Coordinate descent, four sweeps: with the other zones' offsets held, the offset of a zone that
/// wins exactly its target is an order statistic, found exactly. All zeros when the zone rule
/// leaves the zones no choice. With more than 64 zones the smallest share one offset.
/// Cost: one key for each node and partition, then about 35 ns for each zone, partition and sweep.
[[nodiscard]] std::vector<std::int64_t> zone_offsets_of(const Shares& shares, const Keys& keys);

}  // namespace pixmesh

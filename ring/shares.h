#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ring/placement.h"

namespace pixmesh {

/// What every node should hold and may hold at most, and the zone rule. Nodes are indices into
/// the members sorted by id, zones are numbered in the order of their text.
///
/// The zone rule for one partition, with n_z nodes in zone z:
///   L = smallest integer with sum of min(n_z, L) >= R_eff; no zone holds more than L copies;
///   X = R_eff - sum of min(n_z, L - 1); at most X zones hold L copies.
/// So each zone has min(n_z, L - 1) copies for sure, and the zones with n_z >= L compete for X
/// more. With R_eff or more zones this is L = 1, X = R_eff: copies lie in distinct zones. The
/// allowed sets are the independent sets of a matroid (a union of two partition matroids), which
/// is what makes acceptance.h and repair.h exact.
struct Shares {
  std::uint32_t partition_count = 0;
  std::uint32_t replicas = 0;                     // R_eff
  std::uint32_t zone_limit = 1;                   // L
  std::uint32_t zone_extra = 0;                   // X
  std::vector<std::uint32_t> zone_of;             // by node
  std::vector<std::vector<std::uint16_t>> zones;  // the nodes of each, ascending
  std::vector<std::uint64_t> targets;             // by node, slots with slot_bits fraction bits
  std::vector<std::uint64_t> zone_targets;        // sums of the above
  std::vector<std::uint32_t> caps;                // by node, slots

  /// Whether `row` plus one more node of `zone` keeps the zone rule. `row` must have a free slot.
  [[nodiscard]] bool zone_open(std::span<const std::uint16_t> row, std::uint32_t zone) const;
  /// Whether `node` may be added to `row`: not in it yet, and its zone is open.
  [[nodiscard]] bool fits(std::span<const std::uint16_t> row, std::uint16_t node) const;
};

/// @param members  at least one, sorted by id, each id once.
/// The targets are themselves a (fractional) placement that keeps the zone rule and every cap is
/// at least the target, so a placement within the caps always exists (flows are integral).
[[nodiscard]] Shares shares_of(std::span<const PlacementMember> members,
                               const PlacementOptions& options);

}  // namespace pixmesh

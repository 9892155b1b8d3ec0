#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/ids.h"

namespace pixmesh {

/// A node as placement sees it. Only these three facts decide where images lie.
struct PlacementMember {
  NodeId node;
  std::uint32_t weight = 1;  // 1 … weight_max; the share it asks for, relative to the others
  std::string zone;          // nodes with equal text may fail together
};

/// What the whole mesh must agree on, besides its members.
struct PlacementOptions {
  std::uint32_t partition_bits = 14;  // 1 … partition_bits_max
  std::uint32_t replicas = 3;         // 1 … replicas_max; fewer are kept while nodes are fewer
  std::uint64_t key = 0;              // of this mesh; another key gives an unrelated placement
};

/// Who holds each partition. An immutable value: copy it, compare two, throw it away.
///
///   partition 0   | 2 5 9 |      a row is R_eff indices into nodes(), ascending
///   partition 1   | 0 2 7 |      R_eff = min(replicas, members)
///   …
///
/// Invariants of every table that compute_placement returns:
///  1. a row has R_eff distinct nodes;
///  2. a row has at most L nodes of one zone, L the smallest integer with
///     sum over zones of min(nodes in it, L) >= R_eff; and of several ways to meet that, an even
///     one (four replicas in three zones are 2 + 1 + 1, never 2 + 2 + 0);
///  3. load_of(n) <= max(ceil(target_of(n)), floor(1.03 * target_of(n))).
class PlacementTable {
 public:
  PlacementTable();  // no members: every row empty

  [[nodiscard]] std::uint32_t partition_count() const { return 1U << partition_bits_; }
  [[nodiscard]] std::uint32_t partition_bits() const { return partition_bits_; }
  [[nodiscard]] std::uint32_t replicas() const { return replicas_; }         // R_eff
  [[nodiscard]] const std::vector<NodeId>& nodes() const { return nodes_; }  // sorted

  /// Indices into nodes(), ascending, R_eff of them. A few ns; valid as long as the table.
  [[nodiscard]] std::span<const std::uint16_t> row_of(PartitionId partition) const;
  /// The same as node ids, sorted.
  [[nodiscard]] std::vector<NodeId> owners_of(PartitionId partition) const;
  [[nodiscard]] bool owns(NodeId node, PartitionId partition) const;

  /// Slots (copies of partitions) that `node` should hold, with 20 fraction bits; 0 for strangers.
  /// This is its weight's share after water-filling: nobody holds a partition twice and no zone
  /// more of it than rule 2 allows, and what that takes from one goes to the others by weight.
  [[nodiscard]] std::uint64_t target_of(NodeId node) const;
  /// Slots that `node` holds; 0 for strangers.
  [[nodiscard]] std::uint32_t load_of(NodeId node) const;

 private:
  friend PlacementTable compute_placement(std::vector<PlacementMember> members,
                                          const PlacementOptions& options);
  [[nodiscard]] std::size_t index_of(NodeId node) const;  // nodes_.size() for strangers

  std::uint32_t partition_bits_ = 14;
  std::uint32_t replicas_ = 0;
  std::vector<NodeId> nodes_;
  std::vector<std::uint16_t> rows_;  // partition_count() * replicas_
  std::vector<std::uint64_t> targets_;
  std::vector<std::uint32_t> loads_;
};

inline constexpr std::uint32_t slot_bits = 20;  // fraction bits of targets

/// The placement of `members`: the same table on every node, compiler and machine, whatever the
/// order of `members` and whatever the table was before.
///
/// Weighted rendezvous hashing (Schindelhauer, Schomaker 2005; each partition ranks the nodes by
/// -log(hash) / weight) with one calibrated offset per zone (calibration.h), nodes that refuse
/// what exceeds their cap (acceptance.h) and a repair of what that leaves open (repair.h).
///
/// @param members  0 … members_max, each node once; the caller has checked weights and options.
/// Cost, one thread, 2^14 partitions: 6-13 ms for 10 nodes, 43-91 ms for 100, 130-280 ms for
/// 1,000, more with more zones; in proportion to 2^partition_bits. Not for a thread that answers
/// messages.
[[nodiscard]] PlacementTable compute_placement(std::vector<PlacementMember> members,
                                               const PlacementOptions& options);

}  // namespace pixmesh

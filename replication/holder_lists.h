#pragma once

#include <cstdint>
#include <vector>

#include "base/ids.h"

namespace pixmesh {

/// Whoever remains of a set that held a partition, or may have.
struct FormerSet {
  std::vector<NodeId> nodes;       // sorted
  std::uint32_t write_quorum = 2;  // W of the settings it was made under
  std::uint32_t lost = 0;          // members that were evicted and left it
  bool awaits_evicted = false;     // others were evicted too, and count as before (HolderSets)
  friend bool operator==(const FormerSet&, const FormerSet&) = default;
};

/// Who answers for one partition.
///
/// `settled` is the last set known to hold everything, and `number` counts such sets; `target` is
/// the set that the newest placement names. While they differ the partition is in motion: a write
/// needs its quorum in both, and so does a lookup. Each set goes by the W it was made under. Where
/// this node does not know whether the settled set ever settled, `earlier` has those that it was
/// prepared to follow, and each of them is asked for its quorum too. A holder persists its lists
/// before it acts on them, and accepts a commit only from an asker that used the very same ones.
struct HolderLists {
  std::vector<NodeId> settled;  // sorted
  std::uint64_t number = 0;     // 0: this node does not know the settled set yet
  std::vector<NodeId> target;   // sorted
  std::uint32_t lost = 0;       // as in FormerSet
  bool awaits_evicted = false;
  std::uint32_t settled_quorum = 2;  // W of each
  std::uint32_t target_quorum = 2;
  std::vector<FormerSet> earlier;

  [[nodiscard]] bool known() const { return number > 0; }
  [[nodiscard]] bool is_settled() const {
    return known() && settled == target && lost == 0 && !awaits_evicted && earlier.empty() &&
           settled_quorum == target_quorum;
  }
  friend bool operator==(const HolderLists&, const HolderLists&) = default;
};

[[nodiscard]] bool contains(const std::vector<NodeId>& sorted, NodeId node);

void insert_sorted(std::vector<NodeId>& sorted, NodeId node);  // each once
[[nodiscard]] bool includes_all(const std::vector<NodeId>& all, const std::vector<NodeId>& some);
[[nodiscard]] std::size_t count_common(const std::vector<NodeId>& a, const std::vector<NodeId>& b);

/// The sets that the partition comes from: the settled one, and those before it that it may be.
[[nodiscard]] std::vector<FormerSet> former_sets_of(const HolderLists& lists);
/// Everybody in one of them, sorted, each once.
[[nodiscard]] std::vector<NodeId> former_holders_of(const HolderLists& lists);
[[nodiscard]] bool is_former_holder(const HolderLists& lists, NodeId node);

/// Everybody in any set, sorted, each once.
[[nodiscard]] std::vector<NodeId> holders_of(const HolderLists& lists);
[[nodiscard]] bool is_holder(const HolderLists& lists, NodeId node);

/// Copies that must be durable before a write to a set of `size` holders is acknowledged.
[[nodiscard]] std::uint32_t write_quorum_of(std::size_t size, std::uint32_t write_quorum);

/// Answers that are sure to contain one from every acknowledged write: size - W_eff + 1.
[[nodiscard]] std::uint32_t read_quorum_of(std::size_t size, std::uint32_t write_quorum);

/// The same for a former set. Evicted members still count in its size, for a write may have been
/// acknowledged by one of them and one survivor; but never more than all survivors are asked for.
/// A set that awaits evicted members is asked as much as finds the writes that were acknowledged
/// while it had lost some of them.
[[nodiscard]] std::uint32_t write_quorum_of(const FormerSet& set);
[[nodiscard]] std::uint32_t read_quorum_of(const FormerSet& set);

/// So many of a set.
struct Quorum {
  std::vector<NodeId> of;  // sorted
  std::size_t needed = 0;
};
using Quorums = std::vector<Quorum>;
enum class QuorumKind { read, write };

/// One of each former set.
[[nodiscard]] Quorums former_quorums_of(const HolderLists& lists, QuorumKind kind);
/// And one of the target set.
[[nodiscard]] Quorums quorums_of(const HolderLists& lists, QuorumKind kind);
/// Whether `nodes` (sorted) include each of them.
[[nodiscard]] bool has_all(const std::vector<NodeId>& nodes, const Quorums& quorums);

/// Counts answers against a quorum in every set of a partition.
class Tally {
 public:
  using Kind = QuorumKind;
  Tally() = default;
  Tally(const HolderLists& lists, Kind kind) : quorums_(quorums_of(lists, kind)) {}

  /// A second answer of one node changes nothing; nodes outside all sets do not count.
  void count(NodeId node);
  [[nodiscard]] bool reached() const;
  [[nodiscard]] std::uint32_t counted() const { return static_cast<std::uint32_t>(seen_.size()); }
  [[nodiscard]] const std::vector<NodeId>& seen() const { return seen_; }

  /// Could `available` (sorted) still reach the quorum?
  [[nodiscard]] bool possible_with(const std::vector<NodeId>& available) const {
    return has_all(available, quorums_);
  }

 private:
  Quorums quorums_;
  std::vector<NodeId> seen_;  // sorted
};

}  // namespace pixmesh

#pragma once

#include <cstdint>
#include <vector>

#include "base/ids.h"

namespace pixmesh {

/// Who answers for one partition.
///
/// `settled` is the last set known to hold everything, and `number` counts such sets; `target` is
/// the set that the newest placement names. While they differ the partition is in motion: a write
/// needs its quorum in both, and so does a lookup. A holder persists its lists before it acts on
/// them, and accepts a commit only from an asker that used the very same ones.
struct HolderLists {
  std::vector<NodeId> settled;  // sorted
  std::uint64_t number = 0;     // 0: this node does not know the settled set yet
  std::vector<NodeId> target;   // sorted
  std::uint32_t lost = 0;       // members of the settled set that were evicted and left it
  bool awaits_evicted = false;  // others were evicted too, and count as before (HolderSets)

  [[nodiscard]] bool known() const { return number > 0; }
  [[nodiscard]] bool is_settled() const {
    return known() && settled == target && lost == 0 && !awaits_evicted;
  }
  friend bool operator==(const HolderLists&, const HolderLists&) = default;
};

[[nodiscard]] bool contains(const std::vector<NodeId>& sorted, NodeId node);

void insert_sorted(std::vector<NodeId>& sorted, NodeId node);  // each once
[[nodiscard]] bool includes_all(const std::vector<NodeId>& all, const std::vector<NodeId>& some);
[[nodiscard]] std::size_t count_common(const std::vector<NodeId>& a, const std::vector<NodeId>& b);

/// Everybody in either set, sorted, each once.
[[nodiscard]] std::vector<NodeId> holders_of(const HolderLists& lists);
[[nodiscard]] bool is_holder(const HolderLists& lists, NodeId node);

/// Copies that must be durable before a write to a set of `size` holders is acknowledged.
[[nodiscard]] std::uint32_t write_quorum_of(std::size_t size, std::uint32_t write_quorum);

/// Answers that are sure to contain one from every acknowledged write: size - W_eff + 1.
[[nodiscard]] std::uint32_t read_quorum_of(std::size_t size, std::uint32_t write_quorum);

/// The same for the settled set of `lists`. Evicted members still count in the size of the set, for
/// a write may have been acknowledged by one of them and one survivor; but never more than all
/// survivors are asked for. A set that awaits evicted members is asked as much as finds the writes
/// that were acknowledged while it had lost some of them.
[[nodiscard]] std::uint32_t settled_write_quorum_of(const HolderLists& lists,
                                                    std::uint32_t write_quorum);
[[nodiscard]] std::uint32_t settled_read_quorum_of(const HolderLists& lists,
                                                   std::uint32_t write_quorum);

/// Counts answers against a quorum in both sets of a partition.
class Tally {
 public:
  enum class Kind { read, write };
  Tally() = default;
  Tally(const HolderLists& lists, Kind kind, std::uint32_t write_quorum);

  /// A second answer of one node changes nothing; nodes outside both sets do not count.
  void count(NodeId node);
  [[nodiscard]] bool reached() const;
  [[nodiscard]] std::uint32_t counted() const { return static_cast<std::uint32_t>(seen_.size()); }
  [[nodiscard]] const std::vector<NodeId>& seen() const { return seen_; }

  /// Could `available` (sorted) still reach the quorum?
  [[nodiscard]] bool possible_with(const std::vector<NodeId>& available) const;

 private:
  [[nodiscard]] static bool enough(const std::vector<NodeId>& set, std::uint32_t needed,
                                   const std::vector<NodeId>& nodes);

  HolderLists lists_;
  std::uint32_t needed_settled_ = 0;
  std::uint32_t needed_target_ = 0;
  std::vector<NodeId> seen_;  // sorted
};

}  // namespace pixmesh

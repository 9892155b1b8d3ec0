#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "replication/holder_lists.h"

namespace pixmesh {

/// A holder in one of its lives. An eviction ends a life; who comes back begins another, and what
/// it has is what it had before.
struct HolderLife {
  NodeId node;
  std::uint64_t after = 0;  // the eviction this life began after, by its generation; 0: none
  friend auto operator<=>(const HolderLife&, const HolderLife&) = default;
};

/// What is known of a member's evictions: its records up to these generations; 0: none.
struct EvictionMarks {
  std::uint64_t evicted = 0;
  std::uint64_t given_up = 0;  // at an operator's word, with whatever it alone has
};
using EvictionLookup = std::function<EvictionMarks(NodeId)>;

/// Holders as one placement named them.
struct HolderSet {
  HolderSet() = default;
  HolderSet(std::vector<HolderLife> named, std::uint32_t quorum = 2)
      : holders(std::move(named)), write_quorum(quorum) {}

  std::vector<HolderLife> holders;  // by node
  std::uint32_t write_quorum = 2;   // W of the settings the placement was made under
  friend auto operator<=>(const HolderSet&, const HolderSet&) = default;
};

/// The sets of one partition. HolderLists follow from them and from what is known of evictions, in
/// whatever order that was learned.
struct HolderSets {
  HolderSet settled;
  std::uint64_t number = 0;  // as in HolderLists
  HolderSet target;
  std::vector<HolderSet> earlier;
  friend bool operator==(const HolderSets&, const HolderSets&) = default;
};

/// What follows when the target set was prepared under this number and another placement comes: it
/// may have settled. If it did not, the sets that it was to follow still stand, and writes that
/// it never saw may have been acknowledged by them.
[[nodiscard]] HolderSets go_on_from_target(HolderSets sets, std::uint64_t number);

/// Whether sets that another holder knows are newer than ours: a higher number, or the same set and
/// that it settled, which we do not know.
[[nodiscard]] bool is_newer(const HolderSets& heard, const HolderSets& ours);

/// A settled set loses the evicted while fewer than W of it are: then whoever remains has all that
/// was acknowledged. When W or more are, it may be that only they have some of it: then it keeps
/// all but those that were given up, and waits for them to come back.
/// A set that was all given up is not waited for while another one has somebody left. Where none
/// has, nobody could tell what was in them: they stay as they are.
[[nodiscard]] HolderLists lists_from(const HolderSets& sets, const EvictionLookup& evictions);

/// The settled set, and those before it that it may be.
[[nodiscard]] std::vector<HolderSet> former_sets_of(const HolderSets& sets);

/// Whether one of these nodes (sorted) is in one of them.
[[nodiscard]] bool comes_from_any(const HolderSets& sets, const std::vector<NodeId>& nodes);

/// Their members that were evicted and not given up, by node.
[[nodiscard]] std::vector<NodeId> evicted_from(const HolderSets& sets,
                                               const EvictionLookup& evictions);

/// Members of a set that were not given up, by node: whoever may have some of it.
[[nodiscard]] std::vector<NodeId> not_given_up(const HolderSet& set,
                                               const EvictionLookup& evictions);

/// The sets that lists without evicted members came from, of members never evicted.
[[nodiscard]] HolderSets sets_of(const HolderLists& lists);
[[nodiscard]] std::vector<HolderLife> first_lives_of(const std::vector<NodeId>& nodes);
[[nodiscard]] std::vector<NodeId> nodes_of(const std::vector<HolderLife>& holders);
[[nodiscard]] inline std::vector<NodeId> nodes_of(const HolderSet& set) {
  return nodes_of(set.holders);
}

}  // namespace pixmesh

#pragma once

#include <compare>
#include <cstdint>
#include <functional>
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

/// The holders of one partition as placements named them. HolderLists follow from them and from
/// what is known of evictions, in whatever order that was learned.
struct HolderSets {
  std::vector<HolderLife> settled;  // by node
  std::uint64_t number = 0;         // as in HolderLists
  std::vector<HolderLife> target;   // by node
  friend bool operator==(const HolderSets&, const HolderSets&) = default;
};

/// A settled set loses the evicted while fewer than W of it are: then whoever remains has all that
/// was acknowledged. When W or more are, it may be that only they have some of it: then it keeps
/// all but those that were given up, and waits for them to come back.
/// Of a set that was all given up, nobody would be left to tell what was in it: it stays as it is.
[[nodiscard]] HolderLists lists_from(const HolderSets& sets, const EvictionLookup& evictions,
                                     std::uint32_t write_quorum);

/// Members of the settled set that were evicted from it and not given up, by node.
[[nodiscard]] std::vector<NodeId> evicted_from(const HolderSets& sets,
                                               const EvictionLookup& evictions);

/// Members of the settled set that were not given up, by node: whoever may have some of it.
[[nodiscard]] std::vector<NodeId> not_given_up(const HolderSets& sets,
                                               const EvictionLookup& evictions);

/// The sets that lists without evicted members came from, of members never evicted.
[[nodiscard]] HolderSets sets_of(const HolderLists& lists);
[[nodiscard]] std::vector<HolderLife> first_lives_of(const std::vector<NodeId>& nodes);
[[nodiscard]] std::vector<NodeId> nodes_of(const std::vector<HolderLife>& holders);

}  // namespace pixmesh

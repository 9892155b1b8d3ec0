#include "replication/holder_sets.h"

#include <algorithm>

namespace pixmesh {
namespace {

FormerSet former_set_from(const HolderSet& set, const EvictionLookup& evictions,
                          bool anybody_left) {
  std::vector<NodeId> evicted;
  std::vector<NodeId> given_up;
  for (const HolderLife& holder : set.holders) {
    const EvictionMarks marks = evictions(holder.node);
    if (marks.evicted > holder.after) evicted.push_back(holder.node);
    if (marks.given_up > holder.after) given_up.push_back(holder.node);
  }
  const std::size_t size = set.holders.size();
  const bool may_lack = evicted.size() >= write_quorum_of(size, set.write_quorum);
  std::vector<NodeId> gone = std::move(may_lack ? given_up : evicted);
  if (gone.size() == size && !anybody_left) gone.clear();
  FormerSet former{{}, set.write_quorum};
  for (const HolderLife& holder : set.holders) {
    if (!contains(gone, holder.node)) former.nodes.push_back(holder.node);
  }
  former.lost = static_cast<std::uint32_t>(gone.size());
  former.awaits_evicted = evicted.size() > gone.size() && size > 0;
  return former;
}

}  // namespace

HolderSets go_on_from_target(HolderSets sets, std::uint64_t number) {
  std::erase(sets.earlier, sets.target);
  const bool is_there = std::ranges::find(sets.earlier, sets.settled) != sets.earlier.end();
  if (!is_there && sets.settled != sets.target) sets.earlier.push_back(std::move(sets.settled));
  sets.settled = sets.target;
  sets.number = number;
  return sets;
}

bool is_newer(const HolderSets& heard, const HolderSets& ours) {
  if (heard.number != ours.number) return heard.number > ours.number;
  return heard.number > 0 && heard.earlier.size() < ours.earlier.size();
}

HolderLists lists_from(const HolderSets& sets, const EvictionLookup& evictions) {
  const bool anybody_left = std::ranges::any_of(former_sets_of(sets), [&](const HolderSet& set) {
    return !not_given_up(set, evictions).empty();
  });
  FormerSet settled = former_set_from(sets.settled, evictions, anybody_left);
  HolderLists lists{
      std::move(settled.nodes), sets.number,          nodes_of(sets.target),    settled.lost,
      settled.awaits_evicted,   settled.write_quorum, sets.target.write_quorum, {}};
  for (const HolderSet& set : sets.earlier) {
    lists.earlier.push_back(former_set_from(set, evictions, anybody_left));
  }
  return lists;
}

std::vector<HolderSet> former_sets_of(const HolderSets& sets) {
  std::vector<HolderSet> former{sets.settled};
  former.insert(former.end(), sets.earlier.begin(), sets.earlier.end());
  return former;
}

bool comes_from_any(const HolderSets& sets, const std::vector<NodeId>& nodes) {
  const auto is_in = [&nodes](const HolderSet& set) {
    return std::ranges::any_of(
        set.holders, [&nodes](const HolderLife& one) { return contains(nodes, one.node); });
  };
  return is_in(sets.settled) || std::ranges::any_of(sets.earlier, is_in);
}

std::vector<NodeId> evicted_from(const HolderSets& sets, const EvictionLookup& evictions) {
  std::vector<NodeId> evicted;
  for (const HolderSet& set : former_sets_of(sets)) {
    for (const HolderLife& holder : set.holders) {
      const EvictionMarks marks = evictions(holder.node);
      if (marks.evicted > holder.after && marks.given_up <= holder.after) {
        insert_sorted(evicted, holder.node);
      }
    }
  }
  return evicted;
}

std::vector<NodeId> not_given_up(const HolderSet& set, const EvictionLookup& evictions) {
  std::vector<NodeId> nodes;
  for (const HolderLife& holder : set.holders) {
    if (evictions(holder.node).given_up <= holder.after) nodes.push_back(holder.node);
  }
  return nodes;
}

std::vector<NodeId> nodes_of(const std::vector<HolderLife>& holders) {
  std::vector<NodeId> nodes;
  for (const HolderLife& holder : holders) nodes.push_back(holder.node);
  return nodes;
}

std::vector<HolderLife> first_lives_of(const std::vector<NodeId>& nodes) {
  std::vector<HolderLife> holders;
  for (const NodeId& node : nodes) holders.push_back({node, 0});
  return holders;
}

HolderSets sets_of(const HolderLists& lists) {
  HolderSets sets{{first_lives_of(lists.settled), lists.settled_quorum},
                  lists.number,
                  {first_lives_of(lists.target), lists.target_quorum},
                  {}};
  for (const FormerSet& set : lists.earlier) {
    sets.earlier.push_back({first_lives_of(set.nodes), set.write_quorum});
  }
  return sets;
}

}  // namespace pixmesh

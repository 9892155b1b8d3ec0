#include "replication/holder_sets.h"

#include <algorithm>

namespace pixmesh {
HolderLists lists_from(const HolderSets& sets, const EvictionLookup& evictions,
                       std::uint32_t write_quorum) {
  HolderLists lists{{}, sets.number, nodes_of(sets.target)};
  std::vector<NodeId> evicted;
  std::vector<NodeId> given_up;
  for (const HolderLife& holder : sets.settled) {
    const EvictionMarks marks = evictions(holder.node);
    if (marks.evicted > holder.after) evicted.push_back(holder.node);
    if (marks.given_up > holder.after) given_up.push_back(holder.node);
  }
  const std::size_t size = sets.settled.size();
  const bool may_lack = evicted.size() >= write_quorum_of(size, write_quorum);
  std::vector<NodeId> gone = std::move(may_lack ? given_up : evicted);
  if (gone.size() == size) gone.clear();
  for (const HolderLife& holder : sets.settled) {
    if (!contains(gone, holder.node)) lists.settled.push_back(holder.node);
  }
  lists.lost = static_cast<std::uint32_t>(gone.size());
  lists.awaits_evicted = evicted.size() > gone.size() && size > 0;
  return lists;
}

std::vector<NodeId> evicted_from(const HolderSets& sets, const EvictionLookup& evictions) {
  std::vector<NodeId> evicted;
  for (const HolderLife& holder : sets.settled) {
    const EvictionMarks marks = evictions(holder.node);
    if (marks.evicted > holder.after && marks.given_up <= holder.after) {
      evicted.push_back(holder.node);
    }
  }
  return evicted;
}

std::vector<NodeId> not_given_up(const HolderSets& sets, const EvictionLookup& evictions) {
  std::vector<NodeId> nodes;
  for (const HolderLife& holder : sets.settled) {
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
  return {first_lives_of(lists.settled), lists.number, first_lives_of(lists.target)};
}

}  // namespace pixmesh

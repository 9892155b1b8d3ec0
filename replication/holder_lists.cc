#include "replication/holder_lists.h"

#include <algorithm>
#include <iterator>

namespace pixmesh {

bool contains(const std::vector<NodeId>& sorted, NodeId node) {
  return std::binary_search(sorted.begin(), sorted.end(), node);
}

void insert_sorted(std::vector<NodeId>& sorted, NodeId node) {
  const auto place = std::lower_bound(sorted.begin(), sorted.end(), node);
  if (place == sorted.end() || *place != node) sorted.insert(place, node);
}

bool includes_all(const std::vector<NodeId>& all, const std::vector<NodeId>& some) {
  return std::includes(all.begin(), all.end(), some.begin(), some.end());
}

std::size_t count_common(const std::vector<NodeId>& a, const std::vector<NodeId>& b) {
  std::vector<NodeId> both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  return both.size();
}

std::vector<FormerSet> former_sets_of(const HolderLists& lists) {
  std::vector<FormerSet> sets{
      {lists.settled, lists.settled_quorum, lists.lost, lists.awaits_evicted}};
  sets.insert(sets.end(), lists.earlier.begin(), lists.earlier.end());
  return sets;
}

std::vector<NodeId> former_holders_of(const HolderLists& lists) {
  std::vector<NodeId> all = lists.settled;
  for (const FormerSet& set : lists.earlier) {
    for (const NodeId& node : set.nodes) insert_sorted(all, node);
  }
  return all;
}

bool is_former_holder(const HolderLists& lists, NodeId node) {
  return contains(lists.settled, node) ||
         std::ranges::any_of(lists.earlier,
                             [node](const FormerSet& set) { return contains(set.nodes, node); });
}

std::vector<NodeId> holders_of(const HolderLists& lists) {
  std::vector<NodeId> all = former_holders_of(lists);
  for (const NodeId& node : lists.target) insert_sorted(all, node);
  return all;
}

bool is_holder(const HolderLists& lists, NodeId node) {
  return is_former_holder(lists, node) || contains(lists.target, node);
}

std::uint32_t write_quorum_of(std::size_t size, std::uint32_t write_quorum) {
  return std::min(write_quorum, static_cast<std::uint32_t>(size));
}

std::uint32_t read_quorum_of(std::size_t size, std::uint32_t write_quorum) {
  if (size == 0) return 0;
  return static_cast<std::uint32_t>(size) - write_quorum_of(size, write_quorum) + 1;
}

std::uint32_t write_quorum_of(const FormerSet& set) {
  const auto survivors = static_cast<std::uint32_t>(set.nodes.size());
  return std::min(write_quorum_of(set.nodes.size() + set.lost, set.write_quorum), survivors);
}

std::uint32_t read_quorum_of(const FormerSet& set) {
  const auto survivors = static_cast<std::uint32_t>(set.nodes.size());
  const std::uint32_t size = survivors + set.lost;
  std::uint32_t copies = write_quorum_of(size, set.write_quorum);
  // W - 1 of it at most are lost at once, and a write needs no more than all that remain.
  if (set.awaits_evicted) copies = std::min(copies, size - copies + 1);
  return size == 0 ? 0 : std::min(size - copies + 1, survivors);
}

Quorums former_quorums_of(const HolderLists& lists, QuorumKind kind) {
  Quorums quorums;
  for (FormerSet& set : former_sets_of(lists)) {
    const std::size_t needed =
        kind == QuorumKind::write ? write_quorum_of(set) : read_quorum_of(set);
    quorums.push_back({std::move(set.nodes), needed});
  }
  return quorums;
}

Quorums quorums_of(const HolderLists& lists, QuorumKind kind) {
  Quorums quorums = former_quorums_of(lists, kind);
  const std::size_t size = lists.target.size();
  const std::size_t needed = kind == QuorumKind::write ? write_quorum_of(size, lists.target_quorum)
                                                       : read_quorum_of(size, lists.target_quorum);
  quorums.push_back({lists.target, needed});
  return quorums;
}

bool has_all(const std::vector<NodeId>& nodes, const Quorums& quorums) {
  return std::ranges::all_of(quorums, [&nodes](const Quorum& quorum) {
    return count_common(nodes, quorum.of) >= quorum.needed;
  });
}

void Tally::count(NodeId node) {
  const bool counts = std::ranges::any_of(
      quorums_, [node](const Quorum& quorum) { return contains(quorum.of, node); });
  if (counts) insert_sorted(seen_, node);
}

bool Tally::reached() const { return possible_with(seen_); }

}  // namespace pixmesh

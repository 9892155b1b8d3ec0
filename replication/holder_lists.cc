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

std::vector<NodeId> holders_of(const HolderLists& lists) {
  std::vector<NodeId> all;
  std::set_union(lists.settled.begin(), lists.settled.end(), lists.target.begin(),
                 lists.target.end(), std::back_inserter(all));
  return all;
}

bool is_holder(const HolderLists& lists, NodeId node) {
  return contains(lists.settled, node) || contains(lists.target, node);
}

std::uint32_t write_quorum_of(std::size_t size, std::uint32_t write_quorum) {
  return std::min(write_quorum, static_cast<std::uint32_t>(size));
}

std::uint32_t read_quorum_of(std::size_t size, std::uint32_t write_quorum) {
  if (size == 0) return 0;
  return static_cast<std::uint32_t>(size) - write_quorum_of(size, write_quorum) + 1;
}

std::uint32_t settled_write_quorum_of(const HolderLists& lists, std::uint32_t write_quorum) {
  const auto survivors = static_cast<std::uint32_t>(lists.settled.size());
  return std::min(write_quorum_of(lists.settled.size() + lists.lost, write_quorum), survivors);
}

std::uint32_t settled_read_quorum_of(const HolderLists& lists, std::uint32_t write_quorum) {
  const auto survivors = static_cast<std::uint32_t>(lists.settled.size());
  const std::uint32_t size = survivors + lists.lost;
  std::uint32_t copies = write_quorum_of(size, write_quorum);
  // W - 1 of it at most are lost at once, and a write needs no more than all that remain.
  if (lists.awaits_evicted) copies = std::min(copies, size - copies + 1);
  return size == 0 ? 0 : std::min(size - copies + 1, survivors);
}

Tally::Tally(const HolderLists& lists, Kind kind, std::uint32_t write_quorum) : lists_(lists) {
  const bool writes = kind == Kind::write;
  needed_settled_ =
      (writes ? settled_write_quorum_of : settled_read_quorum_of)(lists, write_quorum);
  needed_target_ = (writes ? write_quorum_of : read_quorum_of)(lists.target.size(), write_quorum);
}

void Tally::count(NodeId node) {
  if (!is_holder(lists_, node)) return;
  const auto place = std::lower_bound(seen_.begin(), seen_.end(), node);
  if (place == seen_.end() || *place != node) seen_.insert(place, node);
}

bool Tally::enough(const std::vector<NodeId>& set, std::uint32_t needed,
                   const std::vector<NodeId>& nodes) {
  std::vector<NodeId> both;
  std::set_intersection(set.begin(), set.end(), nodes.begin(), nodes.end(),
                        std::back_inserter(both));
  return both.size() >= needed;
}

bool Tally::reached() const { return possible_with(seen_); }

bool Tally::possible_with(const std::vector<NodeId>& available) const {
  return enough(lists_.settled, needed_settled_, available) &&
         enough(lists_.target, needed_target_, available);
}

}  // namespace pixmesh

#include "replication/holder_lists.h"

#include <algorithm>
#include <iterator>

namespace pixmesh {

bool contains(const std::vector<NodeId>& sorted, NodeId node) {
  return std::binary_search(sorted.begin(), sorted.end(), node);
}

std::vector<NodeId> holders_of(const HolderLists& lists) {
  std::vector<NodeId> all;
  std::set_union(lists.settled.begin(), lists.settled.end(), lists.target.begin(),
                 lists.target.end(), std::back_inserter(all));
  return all;
}

std::uint32_t write_quorum_of(std::size_t size, std::uint32_t write_quorum) {
  return std::min(write_quorum, static_cast<std::uint32_t>(size));
}

std::uint32_t read_quorum_of(std::size_t size, std::uint32_t write_quorum) {
  if (size == 0) return 0;
  return static_cast<std::uint32_t>(size) - write_quorum_of(size, write_quorum) + 1;
}

Tally::Tally(const HolderLists& lists, Kind kind, std::uint32_t write_quorum) : lists_(lists) {
  const auto needed = kind == Kind::write ? write_quorum_of : read_quorum_of;
  needed_settled_ = needed(lists.settled.size(), write_quorum);
  needed_target_ = needed(lists.target.size(), write_quorum);
}

void Tally::count(NodeId node) {
  if (!contains(lists_.settled, node) && !contains(lists_.target, node)) return;
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

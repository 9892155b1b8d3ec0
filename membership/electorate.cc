#include "membership/electorate.h"

#include <algorithm>
#include <iterator>

namespace pixmesh {

bool has_majority(const Electorate& electorate, const std::vector<NodeId>& voted,
                  const std::vector<NodeId>& active) {
  std::vector<NodeId> remaining;
  std::ranges::set_intersection(electorate, active, std::back_inserter(remaining));
  const auto count = std::ranges::count_if(
      remaining, [&voted](const NodeId& node) { return std::ranges::binary_search(voted, node); });
  return remaining.empty() || is_majority(static_cast<std::size_t>(count), remaining.size());
}

bool has_majorities(const std::vector<Electorate>& electorates, const std::vector<NodeId>& voted,
                    const std::vector<NodeId>& active) {
  return std::ranges::all_of(electorates, [&](const Electorate& electorate) {
    return has_majority(electorate, voted, active);
  });
}

void add_electorates(std::vector<Electorate>& all, const std::vector<Electorate>& more) {
  for (const Electorate& one : more) {
    if (std::ranges::find(all, one) == all.end()) all.push_back(one);
  }
}

}  // namespace pixmesh

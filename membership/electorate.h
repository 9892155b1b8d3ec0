#pragma once

#include <cstddef>
#include <vector>

#include "base/ids.h"

namespace pixmesh {

/// Members of whom a majority must vote, by id.
using Electorate = std::vector<NodeId>;
inline constexpr std::size_t electorate_max = 4'096;  // in a larger mesh nobody is voted out
inline constexpr std::size_t electorates_max = 8;

[[nodiscard]] inline bool is_majority(std::size_t part, std::size_t all) { return part * 2 > all; }

/// Whether most of the electorate have voted, of those that are active members still; if none is,
/// nothing is asked of it. @param voted, active  by id
[[nodiscard]] bool has_majority(const Electorate& electorate, const std::vector<NodeId>& voted,
                                const std::vector<NodeId>& active);
/// The same of each.
[[nodiscard]] bool has_majorities(const std::vector<Electorate>& electorates,
                                  const std::vector<NodeId>& voted,
                                  const std::vector<NodeId>& active);
/// Adds those that are not among them.
void add_electorates(std::vector<Electorate>& all, const std::vector<Electorate>& more);

}  // namespace pixmesh

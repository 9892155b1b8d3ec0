#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "simulations/studies/liveness_mesh.h"

namespace pixmesh::studies {

/// Wrong beliefs about members that are well, each observer's counted for itself.
struct Mistakes {
  std::uint64_t suspicions = 0;
  std::uint64_t deaths = 0;
  std::uint64_t deaths_at_well = 0;  // of those, at observers that are well
  std::set<std::size_t> victims;     // members held dead at least once
};

/// Counts into `mistakes` from now on.
/// @param unwell  by node; the beliefs about these are not counted.
void watch(LivenessMesh& mesh, std::vector<bool> unwell, Mistakes& mistakes);

/// A span of simulated time; floating point, because options say it so.
[[nodiscard]] inline Duration seconds(double time) {
  return Duration(static_cast<std::int64_t>(time * 1e9));
}

}  // namespace pixmesh::studies

#include "simulations/studies/mistakes.h"

#include <utility>

namespace pixmesh::studies {

void watch(LivenessMesh& mesh, std::vector<bool> unwell, Mistakes& mistakes) {
  mesh.on_change = [unwell = std::move(unwell), &mistakes](std::size_t observer, std::size_t about,
                                                           const MemberChanged& change) {
    if (unwell[about]) return;
    if (change.state == LifeState::suspect) ++mistakes.suspicions;
    if (change.state != LifeState::dead) return;
    ++mistakes.deaths;
    if (!unwell[observer]) ++mistakes.deaths_at_well;
    mistakes.victims.insert(about);
  };
}

}  // namespace pixmesh::studies

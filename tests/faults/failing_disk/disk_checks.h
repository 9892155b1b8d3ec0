#pragma once

#include "test_mesh.h"
#include "traffic.h"

namespace pixmesh {

/// Whether a node says that its disk has failed.
[[nodiscard]] bool names_failed_disk(TestMesh& mesh, std::size_t node);

/// Three nodes, of which one has a failed disk: the others take writes, `status` says which disk it
/// is, and what is acknowledged from now on lies on both of the others.
void check_goes_on_without(TestMesh& mesh, std::size_t failed);

}  // namespace pixmesh

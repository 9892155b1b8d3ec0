#pragma once

#include "simulations/world/mesh_world.h"

namespace pixmesh {

/// Names that only forged messages carry.
inline constexpr std::string_view forged_prefix = "forged-";

/// What somebody who is no member might send to `node`: bytes at random, the start of a message, or
/// a well-formed message that only members may send. `number` chooses.
[[nodiscard]] Bytes forgery_of(MeshWorld& world, std::uint32_t node, std::uint32_t number);

/// What a member that has gone bad might tell about others: that one is evicted, which no member
/// decided, or a record of one that its owner never signed. `number` chooses.
[[nodiscard]] Bytes lie_about(MeshWorld& world, std::uint32_t node, std::uint32_t number);

}  // namespace pixmesh

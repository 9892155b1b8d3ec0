#include "simulations/studies/ways.h"

namespace pixmesh::studies {

const std::vector<Way>& compared_ways() {
  static const std::vector<Way> ways{{pixmesh_constants(), Links::datagram},
                                     {pixmesh_constants(), Links::stream},
                                     {memberlist_constants(), Links::datagram}};
  return ways;
}

LivenessMeshOptions shape_of(const Way& way, std::size_t nodes, std::uint32_t loss_percent,
                             std::uint64_t seed) {
  LivenessMeshOptions shape;
  shape.nodes = nodes;
  shape.seed = seed;
  shape.loss_permille = loss_percent * 10;
  shape.links = way.links;
  shape.liveness = way.choice.options;
  return shape;
}

}  // namespace pixmesh::studies

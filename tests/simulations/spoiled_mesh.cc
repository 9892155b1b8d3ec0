#include "spoiled_mesh.h"

#include "wire/stored.h"

namespace pixmesh {

std::uint32_t SpoiledMesh::outsider() {
  const HolderLists lists = lists_of(holders().front());
  std::uint32_t node = 0;
  while (is_holder(lists, world_.id_of(node))) ++node;
  return node;
}

Epoch SpoiledMesh::epoch_of(std::uint32_t node) const {
  Epoch epoch;
  for (const LoggedEvent& line : world_.log()) {
    if (line.node != node || line.name != "placement_changed") continue;
    const std::string_view digits = std::string_view(line.fields).substr(6, 8);
    REQUIRE(parse_hex(digits, std::span(epoch.raw).first(4)));
  }
  return epoch;
}

void SpoiledMesh::store_lists(std::uint32_t node, const HolderLists& lists) {
  const Bytes row{0, 0, static_cast<std::uint8_t>(partition().raw >> 8),
                  static_cast<std::uint8_t>(partition().raw)};
  world_.disk(node).submit({}, PutValues{{{Table::lists, row, encode_lists(lists)}}});
  world_.run_for(20ms);
}

}  // namespace pixmesh

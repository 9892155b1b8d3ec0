#pragma once

#include <map>
#include <string>

#include "simulations/world/mesh_world.h"

namespace pixmesh {

/// Which placement each node uses, as it logged. What waited for its link since an earlier one says
/// nothing about the node of today.
class PlacementLog {
 public:
  explicit PlacementLog(MeshWorld& world) : world_(world) {}

  [[nodiscard]] bool is_in_use(std::uint32_t node, Epoch epoch);
  /// How many placements the node has had so far.
  [[nodiscard]] std::uint32_t changes_of(std::uint32_t node);
  void on_crashed(std::uint32_t node);

 private:
  void read();

  MeshWorld& world_;
  std::size_t read_ = 0;
  std::map<std::uint32_t, std::string> last_;  // fields of the line, by node
  std::map<std::uint32_t, std::uint32_t> changes_;
};

}  // namespace pixmesh

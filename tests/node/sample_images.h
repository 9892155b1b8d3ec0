#pragma once

#include <doctest/doctest.h>

#include "simulations/world/mesh_world.h"

namespace pixmesh {

using Images = std::map<std::string, Bytes>;

/// Stores `count` images, one after the other through all nodes; every eighth has two chunks.
inline Images put_images(MeshWorld& world, std::uint32_t count) {
  Images images;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::string name = "image" + std::to_string(i);
    const std::size_t size = i % 8 == 0 ? 1'300'000 : 300 + 10 * i;
    images[name] = MeshWorld::sample_image(size, i);
    const WriteDone done = world.put(i % world.node_count(), name, images[name]);
    CHECK(done.detail == "");
  }
  return images;
}

/// Reads every image through every running node.
inline void check_all_readable(MeshWorld& world, const Images& images) {
  for (const std::uint32_t via : world.running()) {
    for (const auto& image : images) {
      const auto got = world.get(via, image.first);
      const std::string why = got ? "" : got.error().detail;
      CHECK_MESSAGE(got.has_value(), image.first << " via node " << via << ": " << why);
      if (got) CHECK(got.value() == image.second);
    }
  }
}

}  // namespace pixmesh

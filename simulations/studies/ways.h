#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "simulations/studies/liveness_constants.h"
#include "simulations/studies/liveness_mesh.h"

namespace pixmesh::studies {

/// Constants on a kind of links: what the rows of a table about gossip differ in.
struct Way {
  LivenessChoice choice;
  Links links = Links::datagram;

  [[nodiscard]] std::string links_name() const {
    return links == Links::stream ? "stream" : "datagram";
  }
};

/// The product's constants on datagrams and on streams, memberlist's on datagrams.
[[nodiscard]] const std::vector<Way>& compared_ways();

[[nodiscard]] LivenessMeshOptions shape_of(const Way& way, std::size_t nodes,
                                           std::uint32_t loss_percent, std::uint64_t seed);

}  // namespace pixmesh::studies

#include "membership/liveness_view.h"

#include <doctest/doctest.h>

#include <vector>

using namespace pixmesh;

namespace {

/// Hashes, or ids that crowd at both ends of the range.
std::vector<NodeId> drawn_ids(std::size_t count, bool crowded, Rng& rng) {
  std::vector<NodeId> ids(count);
  for (std::size_t i = 0; i < count; ++i) {
    if (!crowded) {
      rng.fill(ids[i].raw);
      continue;
    }
    ids[i].raw.fill(i % 2 == 0 ? 0 : 0xff);
    ids[i].raw[7] = static_cast<std::uint8_t>(i >> 8);
    ids[i].raw[15] = static_cast<std::uint8_t>(i);
  }
  return ids;
}

}  // namespace

TEST_CASE("membership: every member is found and nobody else, whatever the ids look like") {
  Rng rng(20'240'611);
  for (const bool crowded : {false, true}) {
    for (const std::size_t count : {1U, 2U, 3U, 17U, 1000U}) {
      const std::vector<NodeId> ids = drawn_ids(count, crowded, rng);
      NodeId self;
      self.raw.fill(0x77);
      LivenessView view;
      view.assign(Instant{}, self, ids, rng);

      for (const NodeId id : ids) {
        REQUIRE(view.find(id) != nullptr);
        CHECK(view.find(id)->node == id);
      }
      CHECK(view.find(self) == nullptr);
      for (const NodeId stranger : drawn_ids(50, false, rng)) CHECK(view.find(stranger) == nullptr);
      for (const unsigned byte : {0x00U, 0x80U, 0xffU}) {
        NodeId edge;
        edge.raw.fill(static_cast<std::uint8_t>(byte));
        edge.raw[0] ^= 1;
        CHECK(view.find(edge) == nullptr);
      }
    }
  }
}

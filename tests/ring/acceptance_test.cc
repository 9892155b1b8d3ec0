#include "ring/acceptance.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "history.h"
#include "ring/repair.h"

using namespace pixmesh;
using namespace pixmesh::test;

namespace {

/// The definition that deferred acceptance must equal: every pair of a partition and a node, in
/// the order of the keys, is accepted if the caps and the zone rule still allow it.
Assignment accept_in_key_order(const Shares& shares, const Keys& keys) {
  struct Pair {
    std::uint64_t key;
    std::uint16_t node;
    std::uint32_t partition;
    auto operator<=>(const Pair&) const = default;
  };
  std::vector<Pair> pairs;
  for (std::uint32_t p = 0; p < shares.partition_count; ++p) {
    for (std::size_t n = 0; n < keys.node_count(); ++n) {
      const auto node = static_cast<std::uint16_t>(n);
      pairs.push_back(Pair{key_in(keys.of(p, node)), node, p});
    }
  }
  std::ranges::sort(pairs);
  Assignment assignment(shares);
  for (const Pair& pair : pairs) {
    if (assignment.load_of(pair.node) == shares.caps[pair.node]) continue;
    if (assignment.full(pair.partition)) continue;
    if (!shares.fits(assignment.row_of(pair.partition), pair.node)) continue;
    assignment.add(pair.partition, pair.node);
  }
  return assignment;
}

std::vector<std::uint16_t> sorted_row(const Assignment& assignment, std::uint32_t partition) {
  const auto row = assignment.row_of(partition);
  std::vector<std::uint16_t> sorted(row.begin(), row.end());
  std::ranges::sort(sorted);
  return sorted;
}

struct Mesh {
  Shares shares;
  Keys keys;
};

Mesh drawn_mesh(Rng& chance, std::size_t nodes, std::uint32_t partition_bits) {
  const auto zones = 1 + static_cast<std::uint32_t>(chance.below(8));
  const auto replicas = 1 + static_cast<std::uint32_t>(chance.below(6));
  History history({.zone_count = zones, .members_min = nodes}, chance.split());
  auto members = history.members();
  std::ranges::sort(members, {}, &PlacementMember::node);
  const PlacementOptions options{.partition_bits = partition_bits, .replicas = replicas};
  Mesh mesh{shares_of(members, options), Keys(members, chance.next())};
  for (std::size_t n = 0; n < members.size(); ++n) {
    // Offsets as calibration gives them, now and then so large that one zone fills every list.
    const bool huge = mesh.shares.zone_of[n] == 0 && replicas == 3;
    mesh.keys.shift(static_cast<std::uint16_t>(n), huge ? -64 * std::int64_t{1} * (1LL << 40) : 0);
  }
  return mesh;
}

}  // namespace

TEST_CASE("ring: deferred acceptance gives what accepting in the order of all keys gives") {
  const std::uint64_t seed = test_seed() + 10;
  CAPTURE(seed);
  Rng chance(seed);

  for (int round = 0; round < 60; ++round) {
    const std::size_t nodes = 1 + chance.below(120);
    const Mesh mesh = drawn_mesh(chance, nodes, 5);
    Preferences preferences(mesh.shares, mesh.keys);
    const Assignment accepted = accept_within_caps(mesh.shares, preferences);
    const Assignment expected = accept_in_key_order(mesh.shares, mesh.keys);
    CAPTURE(round);
    for (std::uint32_t p = 0; p < mesh.shares.partition_count; ++p) {
      REQUIRE(sorted_row(accepted, p) == sorted_row(expected, p));
    }
  }
}

TEST_CASE("ring: repair fills an empty assignment by itself, within caps and zones") {
  const std::uint64_t seed = test_seed() + 11;
  CAPTURE(seed);
  Rng chance(seed);

  for (int round = 0; round < 30; ++round) {
    const std::size_t nodes = 1 + chance.below(40);
    const Mesh mesh = drawn_mesh(chance, nodes, 5);
    const Preferences preferences(mesh.shares, mesh.keys);
    Assignment assignment(mesh.shares);
    fill_free_slots(mesh.shares, preferences, assignment);

    for (std::uint32_t p = 0; p < mesh.shares.partition_count; ++p) REQUIRE(assignment.full(p));
    for (std::uint16_t n = 0; n < nodes; ++n) {
      REQUIRE(assignment.load_of(n) <= mesh.shares.caps[n]);
    }
  }
}

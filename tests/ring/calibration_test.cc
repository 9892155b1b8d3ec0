#include "ring/calibration.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "history.h"
#include "ring/preferences.h"

using namespace pixmesh;
using namespace pixmesh::test;

namespace {

/// Copies each zone gets when every partition takes the nodes it wants most, caps or not.
std::vector<std::uint32_t> uncapped_loads(const Shares& shares, const Keys& keys) {
  Preferences preferences(shares, keys);
  std::vector<std::uint32_t> loads(shares.zones.size(), 0);
  for (std::uint32_t p = 0; p < shares.partition_count; ++p) {
    std::vector<std::uint16_t> row;
    while (row.size() < shares.replicas) {
      row.push_back(number_in(*preferences.next_choice(p, row)));
      ++loads[shares.zone_of[row.back()]];
    }
  }
  return loads;
}

/// The largest distance of a zone's uncapped load from its target, in permille of the target.
std::uint64_t worst_error(std::vector<PlacementMember> members, std::uint32_t replicas) {
  std::ranges::sort(members, {}, &PlacementMember::node);
  const PlacementOptions options{.partition_bits = 13, .replicas = replicas};
  const Shares shares = shares_of(members, options);
  Keys keys(members, 0);
  const std::vector<std::int64_t> offsets = zone_offsets_of(shares, keys);
  for (std::size_t n = 0; n < members.size(); ++n) {
    keys.shift(static_cast<std::uint16_t>(n), offsets[shares.zone_of[n]]);
  }
  const std::vector<std::uint32_t> loads = uncapped_loads(shares, keys);
  std::uint64_t worst = 0;
  for (std::size_t zone = 0; zone < loads.size(); ++zone) {
    const std::uint64_t target = shares.zone_targets[zone] >> slot_bits;
    const std::uint64_t error = loads[zone] > target ? loads[zone] - target : target - loads[zone];
    worst = std::max(worst, error * 1000 / target);
  }
  return worst;
}

}  // namespace

TEST_CASE("ring: calibration gives uneven zones their targets before any cap") {
  const std::vector<std::string> uneven{"a", "a", "a", "a", "a", "b", "b", "b", "c", "c", "d", "e"};
  const auto members = mesh_of({1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4}, uneven, 20);
  CHECK(worst_error(members, 3) <= 10);
  CHECK(worst_error(members, 2) <= 10);
}

TEST_CASE("ring: calibration gives two zones that share three replicas their targets") {
  const std::vector<std::string> uneven{"a", "a", "a", "b", "b"};
  CHECK(worst_error(mesh_of({1, 2, 3, 4, 5, 6, 7, 8, 1, 2}, uneven, 21), 3) <= 10);
}

TEST_CASE("ring: a zone that must hold every partition gets it in spite of a low weight") {
  std::vector<std::string> zones(20, "huge");
  zones.insert(zones.end(), {"b", "c", "d"});
  CHECK(worst_error(mesh_of(std::vector<std::uint32_t>(23, 1), zones, 22), 3) <= 10);
}

TEST_CASE("ring: zones are left alone when the zone rule leaves them no choice") {
  auto members = mesh_of({1, 2, 3, 4, 5, 6}, {"a", "b", "c"}, 23);
  std::ranges::sort(members, {}, &PlacementMember::node);
  const Shares shares = shares_of(members, {.partition_bits = 8});
  CHECK(zone_offsets_of(shares, Keys(members, 0)) == std::vector<std::int64_t>{0, 0, 0});
}

TEST_CASE("ring: small zones of a mesh with very many share one offset") {
  std::vector<std::string> zones;
  for (int i = 0; i < 90; ++i) zones.push_back("zone-" + std::to_string(i));
  auto members = mesh_of(std::vector<std::uint32_t>(90, 1), zones, 24);
  members.push_back(mesh_of({8}, {"zone-0"}, 25).front());
  std::ranges::sort(members, {}, &PlacementMember::node);
  const Shares shares = shares_of(members, {.partition_bits = 8});
  std::vector<std::int64_t> offsets = zone_offsets_of(shares, Keys(members, 0));
  std::ranges::sort(offsets);
  const auto repeated = std::ranges::adjacent_find(offsets);
  CHECK(std::ranges::count(offsets, *repeated) == 27);
}

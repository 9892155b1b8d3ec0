#include "ring/placement.h"

#include <doctest/doctest.h>

#include "base/bytes.h"
#include "base/digest.h"
#include "history.h"
#include "ring/difference.h"

using namespace pixmesh;
using namespace pixmesh::test;

namespace {

void add_rows(const PlacementTable& table, CanonicalBytes& out) {
  for (std::uint32_t p = 0; p < table.partition_count(); ++p) {
    for (const NodeId owner : table.owners_of(PartitionId{p})) out.raw(owner.raw);
  }
}

std::uint64_t slots(std::uint64_t count) { return count << slot_bits; }

std::vector<std::uint32_t> equal_weights(std::size_t count) {
  return std::vector<std::uint32_t>(count, 1);
}

}  // namespace

TEST_CASE("ring: twenty placements are the same on every compiler and for ever") {
  CanonicalBytes rows;
  Rng chance(1);
  for (std::uint32_t i = 0; i < 20; ++i) {
    History history({.zone_count = 1 + i % 7,
                     .weight_max = i % 2 == 0 ? 8U : 255U,
                     .members_min = 1 + i * i / 4},
                    chance.split());
    const PlacementOptions options{
        .partition_bits = 6 + i % 5, .replicas = 1 + i % 4, .key = 1000 + i};
    add_rows(compute_placement(history.members(), options), rows);
  }

  CHECK(to_text(digest_of(rows.bytes())) ==
        "496680f589128471efba269b1b81c96eeb3608d12befa0d415b1e6f41ec47c4f");
}

TEST_CASE("ring: four placements of many partitions are the same on every compiler and for ever") {
  CanonicalBytes rows;
  Rng chance(2);
  for (std::uint32_t zones = 4; zones <= 7; ++zones) {
    History history({.zone_count = zones, .weight_max = 8, .members_min = 9 * zones},
                    chance.split());
    add_rows(compute_placement(history.members(), {.partition_bits = 14}), rows);
  }

  CHECK(to_text(digest_of(rows.bytes())) ==
        "c5a959698bf8ca8a2abfeeafac213b10d50deb905b132cd300b827471eedfb48");
}

TEST_CASE("ring: a mesh without members has empty rows") {
  const PlacementTable none;
  const PlacementTable computed = compute_placement({}, {.partition_bits = 5});

  CHECK(none.partition_count() == 1U << 14);
  CHECK(none.row_of(PartitionId{16383}).empty());
  CHECK(computed.partition_count() == 32);
  CHECK(computed.replicas() == 0);
  CHECK(computed.owners_of(PartitionId{31}).empty());
  CHECK(computed.target_of(NodeId{}) == 0);
  CHECK(computed.load_of(NodeId{}) == 0);
  CHECK_FALSE(computed.owns(NodeId{}, PartitionId{0}));
}

TEST_CASE("ring: up to R nodes hold every partition, and a join among them moves each once") {
  const PlacementOptions options{.partition_bits = 10};
  PlacementTable before = compute_placement({}, options);
  for (std::size_t count = 1; count <= 3; ++count) {
    const auto members = mesh_of(equal_weights(count), {"a", "b"}, 5);
    const PlacementTable after = compute_placement(members, options);
    CHECK(after.replicas() == count);
    for (const PlacementMember& member : members) CHECK(after.load_of(member.node) == 1024);
    CHECK(ideal_movement(before, after) == 1024);
    CHECK(difference_of(before, after).size() == 1024);
    before = after;
  }
}

TEST_CASE("ring: a heavy node never gets a partition twice, and the rest is shared by weight") {
  const auto members = mesh_of({8, 1, 1, 1}, {"a"}, 6);
  const PlacementOptions options{.partition_bits = 12};
  const PlacementTable table = compute_placement(members, options);

  CHECK(broken_promise(table, members, options) == "");
  CHECK(table.target_of(members[0].node) == slots(4096));
  CHECK(table.load_of(members[0].node) > 3900);
  CHECK((table.target_of(members[1].node) >> slot_bits) == 2730);
}

TEST_CASE("ring: the weight decides the share between otherwise equal nodes") {
  const auto members = mesh_of({1, 2, 4, 255, 255, 255}, {"a"}, 7);
  const PlacementOptions options{.partition_bits = 14, .replicas = 1};
  const PlacementTable table = compute_placement(members, options);

  CHECK(broken_promise(table, members, options) == "");
  CHECK(table.load_of(members[0].node) > 10);    // target 21
  CHECK(table.load_of(members[1].node) > 25);    // target 42
  CHECK(table.load_of(members[2].node) > 60);    // target 85
  CHECK(table.load_of(members[3].node) > 5200);  // target 5412
}

TEST_CASE("ring: three replicas lie in three zones when there are three or more") {
  const PlacementOptions options{.partition_bits = 12};
  for (const std::size_t zone_count : {3U, 4U, 9U}) {
    std::vector<std::string> zones;
    for (std::size_t z = 0; z < zone_count; ++z) zones.push_back("zone-" + std::to_string(z));
    const auto members = mesh_of(equal_weights(18), zones, 8);
    CHECK(broken_promise(compute_placement(members, options), members, options) == "");
  }
}

TEST_CASE("ring: with two zones both hold every partition, so a lone node holds all of them") {
  const auto members = mesh_of({1, 8, 8, 8, 8}, {"small", "big", "big", "big", "big"}, 9);
  const PlacementOptions options{.partition_bits = 12};
  const PlacementTable table = compute_placement(members, options);

  CHECK(broken_promise(table, members, options) == "");
  CHECK(table.load_of(members[0].node) == 4096);
  CHECK(table.target_of(members[1].node) == slots(2048));
}

TEST_CASE("ring: a zone of one node beside two others holds everything, a pair shares it") {
  const auto members = mesh_of({1, 8, 1, 3}, {"a", "b", "c", "c"}, 10);
  const PlacementOptions options{.partition_bits = 12};
  const PlacementTable table = compute_placement(members, options);

  CHECK(broken_promise(table, members, options) == "");
  CHECK(table.load_of(members[0].node) == 4096);
  CHECK(table.load_of(members[1].node) == 4096);
  CHECK(table.target_of(members[2].node) == slots(1024));
  CHECK(table.target_of(members[3].node) == slots(3072));
}

TEST_CASE("ring: four replicas in three zones are spread 2, 1 and 1") {
  const auto members = mesh_of({1, 2, 3, 4, 5, 6, 7, 8, 8, 8, 1, 1}, {"a", "b", "c"}, 11);
  const PlacementOptions options{.partition_bits = 10, .replicas = 4};

  // broken_promise asks that at most one zone holds two.
  CHECK(broken_promise(compute_placement(members, options), members, options) == "");
}

TEST_CASE("ring: one huge zone beside small ones is held to one copy of each partition") {
  std::vector<std::string> zones(40, "huge");
  for (int i = 0; i < 5; ++i) zones.push_back("small-" + std::to_string(i));
  const auto members = mesh_of(equal_weights(45), zones, 12);
  const PlacementOptions options{.partition_bits = 12};
  const PlacementTable table = compute_placement(members, options);

  CHECK(broken_promise(table, members, options) == "");
  std::uint32_t in_huge = 0;
  for (std::size_t i = 0; i < 40; ++i) in_huge += table.load_of(members[i].node);
  CHECK(in_huge == 4096);
}

TEST_CASE("ring: every node its own zone, more zones than are calibrated one by one") {
  std::vector<std::string> zones;
  std::vector<std::uint32_t> weights;
  for (std::uint32_t i = 0; i < 100; ++i) {
    zones.push_back("rack-" + std::to_string(i));
    weights.push_back(1 + i % 8);
  }
  const auto members = mesh_of(weights, zones, 13);
  const PlacementOptions options{.partition_bits = 10};

  CHECK(broken_promise(compute_placement(members, options), members, options) == "");
}

TEST_CASE("ring: targets that are whole numbers leave no slack and are met exactly") {
  const auto members = mesh_of(equal_weights(192), {"a"}, 14);
  const PlacementOptions options{.partition_bits = 10};
  const PlacementTable table = compute_placement(members, options);

  CHECK(broken_promise(table, members, options) == "");
  for (const PlacementMember& member : members) CHECK(table.load_of(member.node) == 16);
}

TEST_CASE("ring: more nodes than slots are placed too, none with more than one slot") {
  const auto members = mesh_of(equal_weights(300), {"a", "b", "c", "d"}, 15);
  const PlacementOptions options{.partition_bits = 5};
  const PlacementTable table = compute_placement(members, options);

  CHECK(broken_promise(table, members, options) == "");
  for (const PlacementMember& member : members) CHECK(table.load_of(member.node) <= 1);
}

TEST_CASE("ring: eight replicas are placed over any number of zones") {
  for (std::size_t zone_count = 1; zone_count <= 9; ++zone_count) {
    std::vector<std::string> zones;
    for (std::size_t z = 0; z < zone_count; ++z) zones.push_back("zone-" + std::to_string(z));
    const auto members = mesh_of({1, 2, 3, 4, 5, 6, 7, 8, 1, 1, 1, 2, 2}, zones, 16);
    const PlacementOptions options{.partition_bits = 9, .replicas = 8};
    CAPTURE(zone_count);
    CHECK(broken_promise(compute_placement(members, options), members, options) == "");
  }
}

TEST_CASE("ring: another key gives an unrelated placement") {
  const auto members = mesh_of(equal_weights(10), {"a"}, 17);
  const PlacementTable one = compute_placement(members, {.partition_bits = 10, .key = 1});
  const PlacementTable two = compute_placement(members, {.partition_bits = 10, .key = 2});

  CHECK(difference_of(one, two).size() > 900);
}

TEST_CASE("ring: ten thousand members can be placed") {
  Rng chance(18);
  std::vector<PlacementMember> members;
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    const NodeId id = drawn_id(chance);
    members.push_back({id, 1, "zone-" + std::to_string(i % 5)});
  }
  const PlacementOptions options{.partition_bits = 5, .replicas = 8};
  CHECK(broken_promise(compute_placement(members, options), members, options) == "");
}

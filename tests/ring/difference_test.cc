#include "ring/difference.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "history.h"

using namespace pixmesh;
using namespace pixmesh::test;

TEST_CASE("ring: a table does not differ from itself") {
  const auto members = mesh_of({1, 2, 3, 4, 5}, {"a", "b"}, 1);
  const PlacementTable table = compute_placement(members, {.partition_bits = 9});

  CHECK(difference_of(table, table).empty());
  CHECK(ideal_movement(table, table) == 0);
}

TEST_CASE("ring: the difference turns the old owners of every partition into the new ones") {
  auto members = mesh_of({1, 2, 3, 4, 5, 6}, {"a", "b", "c", "d"}, 2);
  const PlacementOptions options{.partition_bits = 9};
  const PlacementTable before = compute_placement(members, options);
  members.pop_back();
  members.push_back(mesh_of({7}, {"b"}, 3).front());
  const PlacementTable after = compute_placement(members, options);

  const std::vector<PartitionChange> changes = difference_of(before, after);
  auto change = changes.begin();
  for (std::uint32_t p = 0; p < before.partition_count(); ++p) {
    std::vector<NodeId> owners = before.owners_of(PartitionId{p});
    if (change != changes.end() && change->partition == PartitionId{p}) {
      CHECK_FALSE(change->gained.empty());
      CHECK(change->gained.size() == change->lost.size());
      for (const NodeId lost : change->lost) CHECK(std::erase(owners, lost) == 1);
      owners.insert(owners.end(), change->gained.begin(), change->gained.end());
      std::ranges::sort(owners);
      ++change;
    }
    CHECK(owners == after.owners_of(PartitionId{p}));
  }
  CHECK(change == changes.end());
}

TEST_CASE("ring: a node that leaves loses all it had, and what stays is hardly touched") {
  auto members = mesh_of({1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, {"a"}, 4);
  const PlacementOptions options{.partition_bits = 12};
  const PlacementTable before = compute_placement(members, options);
  const NodeId leaver = members.back().node;
  members.pop_back();
  const PlacementTable after = compute_placement(members, options);

  std::uint64_t gained = 0;
  std::uint64_t lost_by_leaver = 0;
  for (const PartitionChange& change : difference_of(before, after)) {
    gained += change.gained.size();
    lost_by_leaver += static_cast<std::uint64_t>(std::ranges::count(change.lost, leaver));
  }
  CHECK(lost_by_leaver == before.load_of(leaver));
  CHECK(gained >= lost_by_leaver);
  CHECK(gained <= ideal_movement(before, after) * 115 / 100);
}

TEST_CASE("ring: ideal movement is the growth of the targets, rounded up") {
  const PlacementOptions options{.partition_bits = 10};
  const auto three = mesh_of({1, 1, 1}, {"a"}, 5);
  const auto four = mesh_of({1, 1, 1, 1}, {"a"}, 5);
  const PlacementTable before = compute_placement(three, options);
  const PlacementTable after = compute_placement(four, options);

  CHECK(ideal_movement(before, after) == 768);  // 3 * 1024 / 4
  CHECK(ideal_movement(after, before) == 768);  // 256 more for each of three
}

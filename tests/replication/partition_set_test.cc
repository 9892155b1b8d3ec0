#include "replication/partition_set.h"

#include <doctest/doctest.h>

#include <set>

#include "base/rng.h"

using namespace pixmesh;

TEST_CASE("replication: a set of partitions has what a sorted set of numbers has") {
  Rng rng(5);
  PartitionSet set;
  std::set<PartitionId> plain;
  for (int step = 0; step < 20'000; ++step) {
    const PartitionId one{static_cast<std::uint32_t>(rng.below(300))};
    if (rng.below(2) == 0) {
      set.insert(one);
      plain.insert(one);
    } else {
      set.erase(one);
      plain.erase(one);
    }
    REQUIRE(set.size() == plain.size());
    REQUIRE(set.contains(one) == plain.contains(one));
    const auto above = plain.lower_bound(one);
    const auto found = set.lower_bound(one);
    REQUIRE((found == set.end()) == (above == plain.end()));
    if (above != plain.end()) REQUIRE(*found == *above);
    if (step % 100 == 0) {
      REQUIRE(std::vector<PartitionId>(set.begin(), set.end()) ==
              std::vector<PartitionId>(plain.begin(), plain.end()));
    }
  }
  set.clear();
  CHECK(set.empty());
  CHECK(set.begin() == set.end());
}

TEST_CASE("replication: partitions may leave a set while it is gone through") {
  PartitionSet set;
  for (const std::uint32_t raw : {1U, 64U, 65U, 200U}) set.insert(PartitionId{raw});
  std::vector<std::uint32_t> seen;
  for (const PartitionId one : set) {
    seen.push_back(one.raw);
    set.erase(one);
    set.erase(PartitionId{65});
  }
  CHECK(seen == std::vector{1U, 64U, 200U});
  CHECK(set.empty());
}

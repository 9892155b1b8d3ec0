#include "ring/partition.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

using namespace pixmesh;

TEST_CASE("ring: a name lies in the same partition for ever") {
  CHECK(partition_of("cat.jpg", 0, 14) == PartitionId{11262});
  CHECK(partition_of("cat.jpg", 1, 14) == PartitionId{9351});
  CHECK(partition_of("", 0, 14) == PartitionId{2881});  // XXH3-64 of nothing is 0x2d0680…
}

TEST_CASE("ring: fewer bits name the larger range around the same partition") {
  const PartitionId fine = partition_of("scans/0815.tif", 7, 16);
  for (std::uint32_t bits = 1; bits < 16; ++bits) {
    CHECK(partition_of("scans/0815.tif", 7, bits).raw == fine.raw >> (16 - bits));
  }
}

TEST_CASE("ring: names spread evenly over the partitions") {
  std::vector<int> counts(64, 0);
  for (int i = 0; i < 64'000; ++i) {
    ++counts[partition_of("image-" + std::to_string(i) + ".jpg", 42, 6).raw];
  }
  CHECK(*std::ranges::min_element(counts) > 850);  // 1,000 on average, 32 one deviation
  CHECK(*std::ranges::max_element(counts) < 1150);
}

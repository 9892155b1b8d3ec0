#include <doctest/doctest.h>

#include "replication/admit.h"
#include "sample_view.h"

using namespace pixmesh;

namespace {

const HolderLists lists{nodes({1, 2, 3}), 4, nodes({1, 2, 3}), 0};
const Version older{10, node(1)};
const Version newer{11, node(1)};

}  // namespace

TEST_CASE("admit: a first and a newer version are stored") {
  CHECK(admit(std::nullopt, newer, lists, lists) == CommitCode::stored);
  CHECK(admit(older, newer, lists, lists) == CommitCode::stored);
}

TEST_CASE("admit: the same version again is already durable, an older one is superseded") {
  CHECK(admit(newer, newer, lists, lists) == CommitCode::already);
  CHECK(admit(newer, older, lists, lists) == CommitCode::superseded);
  CHECK(is_durable(CommitCode::already));
  CHECK(is_durable(CommitCode::superseded));
}

TEST_CASE("admit: of equal clocks the greater writer wins") {
  CHECK(admit(Version{10, node(2)}, {10, node(3)}, lists, lists) == CommitCode::stored);
  CHECK(admit(Version{10, node(3)}, {10, node(2)}, lists, lists) == CommitCode::superseded);
}

TEST_CASE("admit: an asker with other lists than the persisted ones is stale, whatever it brings") {
  HolderLists settled_later = lists;
  settled_later.number = 5;
  HolderLists other_target = lists;
  other_target.target = nodes({1, 2, 4});
  HolderLists after_eviction = lists;
  after_eviction.lost = 1;
  for (const HolderLists& fence : {settled_later, other_target, after_eviction}) {
    CHECK(admit(std::nullopt, newer, lists, fence) == CommitCode::stale);
    CHECK(admit(newer, newer, lists, fence) == CommitCode::stale);
  }
  CHECK(admit(std::nullopt, newer, std::nullopt, lists) == CommitCode::stale);
  CHECK_FALSE(is_durable(CommitCode::stale));
}

TEST_CASE("admit: a copy of an acknowledged version needs no lists") {
  CHECK(admit(std::nullopt, newer, lists, std::nullopt) == CommitCode::stored);
  CHECK(admit(std::nullopt, newer, std::nullopt, std::nullopt) == CommitCode::stored);
  CHECK(admit(newer, older, lists, std::nullopt) == CommitCode::superseded);
}

TEST_CASE("admit: a write no later than the collected clock is late where nothing is to compare") {
  CHECK(admit(std::nullopt, newer, lists, lists, newer.clock) == CommitCode::late);
  CHECK(admit(std::nullopt, newer, lists, lists, newer.clock - 1) == CommitCode::stored);
  CHECK(admit(older, newer, lists, lists, newer.clock) == CommitCode::stored);
  CHECK(admit(std::nullopt, newer, lists, std::nullopt, newer.clock) == CommitCode::stored);
  CHECK_FALSE(is_durable(CommitCode::late));
}

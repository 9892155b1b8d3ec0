#include <doctest/doctest.h>

#include "sample_view.h"

using namespace pixmesh;

TEST_CASE("holder lists: a read quorum and a write quorum always share a holder") {
  for (std::uint32_t size = 1; size <= 8; ++size) {
    for (std::uint32_t write_quorum = 1; write_quorum <= 8; ++write_quorum) {
      CHECK(read_quorum_of(size, write_quorum) + write_quorum_of(size, write_quorum) == size + 1);
    }
  }
  CHECK(read_quorum_of(0, 2) == 0);
}

TEST_CASE("holder lists: after an eviction one survivor may be the only one with a write") {
  const HolderLists whole{nodes({1, 2, 3}), 1, nodes({1, 2, 3}), 0};
  const HolderLists one_gone{nodes({1, 2}), 1, nodes({1, 2, 4}), 1};
  const HolderLists two_gone{nodes({1}), 1, nodes({1, 4, 5}), 2};

  CHECK(read_quorum_of(former_sets_of(whole)[0]) == 2);
  CHECK(read_quorum_of(former_sets_of(one_gone)[0]) == 2);
  CHECK(write_quorum_of(former_sets_of(one_gone)[0]) == 2);
  CHECK(read_quorum_of(former_sets_of(two_gone)[0]) == 1);
  CHECK(write_quorum_of(former_sets_of(two_gone)[0]) == 1);
}

TEST_CASE("holder lists: a set that lost a member is settled only when it was confirmed anew") {
  CHECK(HolderLists{nodes({1, 2}), 1, nodes({1, 2}), 0}.is_settled());
  CHECK_FALSE(HolderLists{nodes({1, 2}), 1, nodes({1, 2}), 1}.is_settled());
  CHECK_FALSE(HolderLists{nodes({1, 2}), 0, nodes({1, 2}), 0}.is_settled());
}

TEST_CASE("tally: while a partition is in motion both sets must reach their quorum") {
  const HolderLists lists{nodes({1, 2, 3}), 1, nodes({3, 4, 5}), 0};
  Tally writes(lists, Tally::Kind::write);

  writes.count(node(1));
  writes.count(node(2));
  CHECK_FALSE(writes.reached());
  writes.count(node(4));
  CHECK_FALSE(writes.reached());
  writes.count(node(3));
  CHECK(writes.reached());
}

TEST_CASE("tally: the new set alone is not enough before it is settled") {
  for (const Tally::Kind kind : {Tally::Kind::read, Tally::Kind::write}) {
    Tally tally({nodes({1, 2, 3}), 1, nodes({4, 5, 6}), 0}, kind);
    for (const NodeId& newcomer : nodes({4, 5, 6})) tally.count(newcomer);
    CHECK_FALSE(tally.reached());
    CHECK_FALSE(tally.possible_with(nodes({1, 4, 5, 6})));
    CHECK(tally.possible_with(nodes({1, 2, 4, 5})));
  }
}

TEST_CASE("tally: a second answer and a stranger's count for nothing") {
  Tally reads({nodes({1, 2, 3}), 1, nodes({1, 2, 3}), 0}, Tally::Kind::read);
  reads.count(node(1));
  reads.count(node(1));
  reads.count(node(9));
  CHECK(reads.counted() == 1);
  CHECK_FALSE(reads.reached());
  CHECK(reads.possible_with(nodes({1, 2})));
  CHECK_FALSE(reads.possible_with(nodes({1})));
}

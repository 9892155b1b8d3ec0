// Rebalance: the numbers of settled sets, and who goes on from which.
#include "rebalance_rig.h"

using namespace pixmesh;

TEST_CASE("rebalance: who knows that a set settled tells it to those that prepare it once more") {
  Newcomer four;
  four.announce(1);
  four.announce(2);
  const auto say = [&](SettleStep step, std::uint64_t number) {
    four.written(
        four.machine.on_message(four.now, node(1), Settle{step, {}, {{partition, number}}}));
  };
  say(SettleStep::settle, 2);
  REQUIRE(four.machine.lists_of(partition) == HolderLists{nodes({1, 2, 4}), 2, nodes({1, 2, 4})});
  (void)four.tick();

  say(SettleStep::prepare, 5);  // the others go on from an older set, under a higher placement
  const auto said = asked<Settle>(four.tick());
  REQUIRE(said.size() == 1);
  CHECK(said[0].second.step == SettleStep::settle);
  CHECK(said[0].second.entries[0].number == 2);
  CHECK(four.machine.lists_of(partition).number == 2);
  say(SettleStep::settle, 5);
  CHECK(four.machine.lists_of(partition) == HolderLists{nodes({1, 2, 4}), 5, nodes({1, 2, 4})});
}

TEST_CASE("rebalance: a member that missed two settlings is taken to the newest") {
  Newcomer four;
  four.announce(1);
  four.announce(2);
  four.written(
      four.machine.on_message(four.now, node(1), Settle{SettleStep::settle, {}, {{partition, 3}}}));
  CHECK(four.machine.lists_of(partition) == HolderLists{nodes({1, 2, 4}), 3, nodes({1, 2, 4}), 0});
}

// Seed 175311: node 4 alone had prepared {1, 3, 4}, and a target member that had not prepared the
// next set yet went on from it: had the others refused, they would have waited for each other.
TEST_CASE("rebalance: who prepared a set goes on to one prepared before it, and keeps its own") {
  Newcomer four;
  four.view.height = 6;
  four.announce(1);
  four.announce(2);
  four.begin_sync();
  (void)four.machine.on_sync_done(four.now, partition, nodes({1, 2}), {}, 0);
  four.written(four.machine.on_message(four.now, node(1),
                                       Settle{SettleStep::prepare, {}, {{partition, 6}}}));

  four.written(
      four.machine.on_message(four.now, node(3),
                              ListsAnnounced{{},
                                             {lives({1, 3, 4}), lives({1, 2, 4}), lives({1, 2, 3})},
                                             {{partition, 5, 0, 1, {2}}}}));
  CHECK(four.machine.lists_of(partition).settled == nodes({1, 3, 4}));
  CHECK(four.machine.lists_of(partition).earlier.size() == 1);
  CHECK_FALSE(four.machine.is_joining(partition));

  SUBCASE("its own settles for those that never heard of the other") {
    four.written(four.machine.on_message(four.now, node(1),
                                         Settle{SettleStep::settle, {}, {{partition, 6}}}));
    CHECK(four.machine.lists_of(partition) ==
          HolderLists{nodes({1, 2, 4}), 6, nodes({1, 2, 4}), 0});
  }
  SUBCASE("its own may have settled when the next placement comes") {
    four.written(four.machine.on_placement(four.now, [](PartitionId) { return lives({2, 4, 5}); }));
    CHECK(four.machine.lists_of(partition).number == 6);
    CHECK(four.machine.lists_of(partition).settled == nodes({1, 2, 4}));
    CHECK(four.machine.lists_of(partition).earlier.size() == 2);
  }
}

TEST_CASE("rebalance: who announces an older set is told of ours, wherever we stand ourselves") {
  Newcomer four;
  four.written(four.machine.on_message(
      four.now, node(4),
      ListsAnnounced{{}, {lives({1, 2, 3}), lives({1, 2, 4})}, {{partition, 5, 0, 1}}}));
  REQUIRE(four.machine.lists_of(partition).number == 5);
  (void)four.tick();

  four.announce(3);  // under number 1; no target member

  bool told = false;
  for (const auto& [to, announced] : asked<ListsAnnounced>(four.tick())) {
    told = told || (to == node(3) && announced.entries.at(0).number == 5);
  }
  CHECK(told);
}

// Seed 2139: node 3 prepared a set and slept while the others, who had not, settled the next one.
TEST_CASE("rebalance: a set prepared under a placement that knew less gives way to what settled") {
  Holder three(3, {nodes({1, 2, 3}), 1, nodes({1, 2, 3}), 0});
  three.place(5, nodes({1, 3, 4}));
  three.become_whole();
  three.hear(node(1), SettleStep::prepare, 5);

  three.place(6, nodes({1, 2, 4}));
  CHECK(three.lists().settled == nodes({1, 3, 4}));
  CHECK(three.lists().number == 5);
  three.hear(node(1), SettleStep::settle, 6);

  CHECK(three.lists() == HolderLists{nodes({1, 2, 4}), 6, nodes({1, 2, 4}), 0});
}

// It may never have settled: then the set before it has taken writes that it never saw.
TEST_CASE("rebalance: who prepared a set goes on from it and from the sets before it") {
  Holder three(3, {nodes({1, 2, 3}), 1, nodes({1, 2, 3}), 0});
  three.place(5, nodes({1, 3, 4}));
  three.become_whole();
  three.hear(node(1), SettleStep::prepare, 5);

  three.place(6, nodes({1, 2, 4}));

  REQUIRE(three.lists().earlier == std::vector{FormerSet{nodes({1, 2, 3})}});
  Tally reads(three.lists(), Tally::Kind::read);
  for (const NodeId& one : nodes({1, 4})) reads.count(one);
  CHECK_FALSE(reads.reached());  // two of 1 3 4 and of 1 2 4, but one of 1 2 3
  reads.count(node(2));
  CHECK(reads.reached());
  CHECK(std::ranges::any_of(asked<ListsAnnounced>(three.tick()), [](const auto& said) {
    return said.second.entries.at(0).earlier.size() == 1;
  }));
}

TEST_CASE("rebalance: a placement that comes back to a set which was only prepared settles it") {
  Holder one(1, {nodes({1, 2, 3}), 1, nodes({1, 2, 3}), 0});
  one.place(5, nodes({1, 2, 4}));
  one.become_whole();
  one.hear(node(2), SettleStep::prepare, 5);
  one.place(6, nodes({1, 2, 5}));
  one.place(7, nodes({1, 2, 4}));

  CHECK_FALSE(one.lists().is_settled());
  CHECK_FALSE(one.machine.moving().empty());

  one.hear(node(2), SettleStep::settle, 5);  // somebody knows that it did
  CHECK(one.lists() == HolderLists{nodes({1, 2, 4}), 5, nodes({1, 2, 4})});
  CHECK(one.machine.moving().empty());
}

TEST_CASE("rebalance: whoever knows that a set settled is believed by those that prepared it") {
  Holder one(1, {nodes({1, 2, 3}), 1, nodes({1, 2, 3}), 0});
  one.place(5, nodes({1, 2, 4}));
  one.become_whole();
  one.hear(node(2), SettleStep::prepare, 5);
  one.place(6, nodes({1, 2, 5}));
  REQUIRE(one.lists().earlier.size() == 1);

  one.hear(node(4),
           ListsAnnounced{{}, {lives({1, 2, 4}), lives({1, 2, 5})}, {{partition, 5, 0, 1}}});

  CHECK(one.lists() == HolderLists{nodes({1, 2, 4}), 5, nodes({1, 2, 5})});
}

TEST_CASE("rebalance: a set is told from the same one under another write quorum") {
  Holder one(1, {nodes({1, 2, 3}), 1, nodes({1, 2, 3}), 0});
  one.view.write_quorum = 3;
  one.place(5, nodes({1, 2, 3}));

  CHECK_FALSE(one.lists().is_settled());
  Tally writes(one.lists(), Tally::Kind::write);
  Tally reads(one.lists(), Tally::Kind::read);
  for (const NodeId& other : nodes({1, 2})) writes.count(other);
  CHECK_FALSE(writes.reached());
  reads.count(node(1));
  CHECK_FALSE(reads.reached());  // what was written before is with two of three
  one.hear(node(2), SettleStep::settle, 5);
  CHECK(Tally(one.lists(), Tally::Kind::read).possible_with(nodes({1})));
}

// Seed 251. And who confirmed before may have missed what was written under a placement in between.
TEST_CASE(
    "rebalance: a collector counts nobody who confirmed or prepared under another placement") {
  for (const bool placed_again : {false, true}) {
    CAPTURE(placed_again);
    Holder one(1, {nodes({1, 2, 3}), 1, nodes({1, 2, 3}), 0});
    one.place(5, nodes({1, 2, 4}));
    const auto all_confirm = [&] {
      for (const NodeId& other : nodes({1, 2, 4})) {
        one.hear(other, SyncConfirmed{{}, {{partition, 1}}});
      }
    };
    all_confirm();
    for (const NodeId& other : nodes({1, 2, 4})) one.hear(other, SettleStep::prepared, 5);
    if (placed_again) {
      one.place(6, nodes({1, 2, 4}));
      CHECK(asked<Settle>(one.tick()).empty());
      all_confirm();
    }

    const auto said = asked<Settle>(one.tick());

    REQUIRE_FALSE(said.empty());
    CHECK(said[0].second.step == (placed_again ? SettleStep::prepare : SettleStep::settle));
    CHECK(said[0].second.entries[0].number == (placed_again ? 6 : 5));
  }
}

TEST_CASE("rebalance: a holder that is no target member takes a newer settled set too") {
  Holder three(3, {nodes({1, 2, 3}), 1, nodes({1, 2, 3}), 0});
  three.place(0, nodes({1, 2, 4}));

  three.hear(node(1),
             ListsAnnounced{{}, {lives({1, 3, 4}), lives({1, 2, 4})}, {{partition, 7, 0, 1}}});

  CHECK(three.lists() == HolderLists{nodes({1, 3, 4}), 7, nodes({1, 2, 4}), 0});
}

TEST_CASE("rebalance: a target member prepares a set only when it has all that there was") {
  Holder one(1, {nodes({1, 2, 3}), 1, nodes({1, 2, 3}), 0});
  one.place(5, nodes({1, 2, 4}));
  one.hear(node(2), SettleStep::prepare, 5);
  CHECK(asked<Settle>(one.tick()).empty());
  one.become_whole();
  one.hear(node(2), SettleStep::prepare, 5);
  CHECK_FALSE(asked<Settle>(one.tick()).empty());
}

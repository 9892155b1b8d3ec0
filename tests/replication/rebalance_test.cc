#include "rebalance_rig.h"

using namespace pixmesh;

TEST_CASE(
    "rebalance: a newcomer fetches only after R-W+1 settled members persisted the new lists") {
  Newcomer four;
  CHECK(count_of<UseDisk>(four.tick()) == 0);
  four.announce(1);
  CHECK(count_of<UseDisk>(four.tick()) == 0);
  four.announce(2);
  CHECK(count_of<UseDisk>(four.tick()) == 1);  // it reads its fingerprints
}

TEST_CASE("rebalance: a newcomer confirms only after a read quorum of the settled set is merged") {
  Newcomer four;
  four.announce(1);
  four.announce(2);
  four.begin_sync();

  (void)four.machine.on_sync_done(four.now, partition, nodes({1}), {}, 0);
  const Effects after = four.tick();
  CHECK(asked<SyncConfirmed>(after).empty());

  four.begin_sync(after);
  (void)four.machine.on_sync_done(four.now, partition, nodes({1, 2}), {}, 0);
  const auto confirmed = asked<SyncConfirmed>(four.tick());
  REQUIRE(confirmed.size() == 1);
  CHECK(confirmed[0].first == node(1));
}

TEST_CASE("rebalance: after an eviction a newcomer still has to hear from every survivor") {
  Newcomer four;
  four.announce(1);
  four.view.eviction_of = [](NodeId id) { return EvictionMarks{id == node(3) ? 1U : 0U, 0}; };
  four.written(four.machine.on_evicted(four.now, nodes({3})));
  CHECK(four.machine.lists_of(partition) == HolderLists{nodes({1, 2}), 1, nodes({1, 2, 4}), 1});

  four.announce(1);  // a write that 2 and 3 acknowledged may now be at 2 alone
  CHECK(count_of<UseDisk>(four.tick()) == 0);

  four.announce(2);
  CHECK(count_of<UseDisk>(four.tick()) == 1);
}

TEST_CASE("rebalance: a late answer to an earlier comparison makes nothing complete") {
  Newcomer four;
  four.announce(1);
  four.announce(2);
  (void)four.tick();
  const auto first =
      asked<FingerprintRequest>(four.machine.on_disk(four.now, DiskAnswer(DiskSummary{})));
  REQUIRE(first.size() == 3);
  for (int i = 0; i < 3; ++i) (void)four.tick();  // given up, and fetched instead
  (void)four.machine.on_sync_done(four.now, partition, nodes({1}), {}, 0);
  REQUIRE(count_of<UseDisk>(four.tick()) == 1);
  (void)four.machine.on_disk(four.now, DiskAnswer(DiskSummary{}));

  for (const auto& [to, question] : first) {
    (void)four.machine.on_message(four.now, to,
                                  FingerprintAnswer{OperationId{1}, {}, question.round});
  }

  CHECK(asked<SyncConfirmed>(four.tick()).empty());
}

TEST_CASE("rebalance: a sync that began under earlier lists does not count for the new ones") {
  Newcomer four;
  four.announce(1);
  four.announce(2);
  four.begin_sync();
  four.written(four.machine.on_placement(four.now, [](PartitionId) { return lives({2, 3, 4}); }));
  for (const NodeId& from : nodes({1, 2, 3})) {
    four.written(four.machine.on_message(
        four.now, from,
        ListsAnnounced{{}, {lives({1, 2, 3}), lives({2, 3, 4})}, {{partition, 1, 0, 1}}}));
  }

  (void)four.machine.on_sync_done(four.now, partition, nodes({1, 2, 3}), {}, 0);

  CHECK(asked<SyncConfirmed>(four.tick()).empty());
}

TEST_CASE(
    "rebalance: an old holder keeps its copy until the new set is settled and has all of it") {
  MeshView view = view_of({1, 2, 3, 4});
  view.self = node(3);
  RecordCodec codec = blind_codec();
  codec.decode_lists = [](ByteView) -> Result<HolderLists> {
    return HolderLists{nodes({1, 2, 3}), 1, nodes({1, 2, 3}), 0};
  };
  Rebalance three(OperationId{1}, view, codec, 1);
  three.restore(Bytes{0, 0, 0, 0}, Bytes{1});
  Instant now{};
  (void)three.start(now);
  const auto written = [&](const Effects& effects) {
    if (count_of<UseDisk>(effects) > 0) (void)three.on_disk(now, DiskAnswer(Done{}));
    return effects;
  };
  written(three.on_placement(now, [](PartitionId) { return lives({1, 2, 4}); }));
  std::uint64_t announced = 0;
  const auto tick = [&] {
    now += 1s;
    const Effects effects = written(three.on_deadline(now));
    for (const auto& [to, said] : asked<ListsAnnounced>(effects)) announced = said.round;
    return effects;
  };
  const auto note = [&](NodeId from, std::uint64_t round) {
    (void)three.on_message(now, from, AnnounceNoted{{}, {partition}, round});
  };
  CHECK(asked<ListsAnnounced>(tick()).size() == 3);
  written(three.on_message(now, node(1), Settle{SettleStep::prepare, {}, {{partition, 2}}}));
  for (int i = 0; i < 5; ++i) CHECK(count_of<StartDrop>(tick()) == 0);
  CHECK(three.lists_of(partition).settled == nodes({1, 2, 3}));

  const std::uint64_t before_it_settled = announced;
  written(three.on_message(now, node(1), Settle{SettleStep::settle, {}, {{partition, 2}}}));
  // It has something, and node 4 something else: perhaps less.
  const auto look = [&] {
    if (count_of<UseDisk>(tick()) == 0) (void)tick();
    const DiskSummary here{{{partition, 77}}};
    return asked<FingerprintRequest>(three.on_disk(now, DiskAnswer(here)));
  };
  const auto questions = look();
  REQUIRE(questions.size() == 3);
  for (const auto& [to, question] : questions) {
    FingerprintAnswer answer{OperationId{1}, {}, question.round};
    if (to == node(4)) answer.different.push_back(partition);
    (void)three.on_message(now, to, answer);
  }
  const Effects offering = tick();
  CHECK(count_of<StartDrop>(offering) == 0);
  const auto offers = asked<HintOffer>(offering);
  REQUIRE(offers.size() == 1);
  CHECK(offers[0].first == node(4));

  const std::uint64_t round = offers[0].second.round;
  const std::uint64_t before = offer_round(now - 2s);
  (void)three.on_message(now, node(4), HintTaken{{partition}, before});
  CHECK(count_of<StartDrop>(tick()) == 0);
  (void)three.on_message(now, node(4), HintTaken{{partition}, round});
  // Who does not know that it settled would ask for it in vain. (Seed 205163)
  CHECK(count_of<StartDrop>(tick()) == 0);
  for (const NodeId& target : nodes({1, 2, 4})) note(target, before_it_settled);
  CHECK(count_of<StartDrop>(tick()) == 0);
  for (const NodeId& target : nodes({1, 2, 4})) note(target, announced);
  CHECK(count_of<StartDrop>(tick()) == 1);
  CHECK_FALSE(three.lists_of(partition).known());  // a write accepted now would go with the copy
}

// Seed 34: it was in a set that one other member had prepared, and that the newest placement did
// not know of yet.
TEST_CASE("rebalance: a holder in neither set keeps its copy until the new set has settled") {
  Holder three(3, {nodes({1, 2, 4}), 1, nodes({1, 3, 4}), 0});
  three.place(0, nodes({1, 2, 5}));
  CHECK(asked<ListsAnnounced>(three.tick()).size() == 3);
  CHECK(three.drops_in_ten_seconds() == 0);

  SUBCASE("a target member says that it has") {
    three.hear(node(1), Settle{SettleStep::settle, {}, {{partition, 2}}});
    for (const NodeId& target : nodes({1, 2, 5})) {
      CHECK(three.drops_in_ten_seconds() == 0);
      three.note(target);
    }
    CHECK(three.drops_in_ten_seconds() == 1);
  }
  SUBCASE("a target member tells it of the settled set that it is in") {
    three.hear(node(1),
               ListsAnnounced{{}, {lives({1, 3, 4}), lives({1, 2, 5})}, {{partition, 2, 0, 1}}});
    CHECK(three.machine.lists_of(partition).settled == nodes({1, 3, 4}));
    CHECK(asked<ListsAnnounced>(three.tick()).size() == 3);
    CHECK(three.drops_in_ten_seconds() == 0);
  }
}

TEST_CASE("rebalance: a holder outside a set that looks settled drops when all of it agree") {
  Holder three(3, {nodes({1, 2, 5}), 1, nodes({1, 2, 3}), 0});
  // Back to the set that it knows as settled; {1, 2, 3} may have been prepared meanwhile.
  three.place(0, nodes({1, 2, 5}));
  CHECK(three.drops_in_ten_seconds() == 0);
  for (const NodeId& other : nodes({1, 2})) three.note(other);
  CHECK(three.drops_in_ten_seconds() == 0);

  SUBCASE("the last one agrees") {
    three.note(node(5));
    CHECK(three.drops_in_ten_seconds() == 1);
  }
  SUBCASE("the last one knows of a newer set that it is in") {
    three.hear(node(5),
               ListsAnnounced{{}, {lives({1, 2, 3}), lives({1, 2, 5})}, {{partition, 2, 0, 1}}});
    CHECK(three.machine.lists_of(partition).settled == nodes({1, 2, 3}));
    CHECK(three.drops_in_ten_seconds() == 0);
  }
}

// Seed 1419 at c946dc4: one that had been away told it of a set from before its drop. It took
// itself for a holder of that set, and the two were a read quorum of it that knew of no newer one.
TEST_CASE("rebalance: who has dropped its copy counts in no older set that it is told of") {
  Holder three(3, {nodes({1, 3, 5}), 8, nodes({1, 3, 5}), 0});
  three.place(18, nodes({1, 2, 4}));
  three.hear(node(2), SettleStep::settle, 18);
  CHECK(three.drops_in_ten_seconds() == 0);
  for (const NodeId& other : nodes({1, 2, 4})) three.note(other);
  REQUIRE(three.drops_in_ten_seconds() == 1);
  three.answered(three.machine.on_drop_done(three.now, partition));
  three.place(19, nodes({2, 3, 4}));
  REQUIRE_FALSE(three.lists().known());
  const auto hear_of = [&three](NodeId from, const HolderSet& settled, std::uint64_t number) {
    three.hear(from, ListsAnnounced{{}, {settled, lives({2, 3, 4})}, {{partition, number, 0, 1}}});
  };

  SUBCASE("older lists") {
    hear_of(node(5), lives({1, 3, 5}), 8);
    for (int i = 0; i < 3; ++i) {
      const Effects effects = three.tick();
      CHECK(asked<SyncConfirmed>(effects).empty());
      for (const auto& [to, told] : asked<ListsAnnounced>(effects)) {
        CHECK(told.entries.front().number == 0);  // it asks
      }
      for (const auto& [to, question] : asked<FingerprintRequest>(effects)) {
        FingerprintAnswer answer{OperationId{1}, {}, question.round};
        if (to != node(5)) answer.different.push_back(partition);
        three.hear(to, answer);
      }
    }
    CHECK(three.machine.is_recovering(partition));

    hear_of(node(2), lives({1, 2, 4}), 18);
    CHECK(three.lists().number == 18);
  }
  SUBCASE("the lists that it has dropped its copy for") {
    hear_of(node(2), lives({1, 2, 4}), 18);
    CHECK(three.lists().number == 18);
    CHECK_FALSE(three.machine.is_recovering(partition));
  }
}

TEST_CASE("rebalance: lists that could not be written are written again before they are told") {
  MeshView view = view_of({1, 2});
  RecordCodec codec = blind_codec();
  Rebalance one(OperationId{1}, view, codec, 1);
  Instant now{};
  (void)one.start(now);
  REQUIRE(count_of<UseDisk>(one.found(now)) == 1);
  (void)one.on_disk(now, DiskAnswer(Done{}));
  REQUIRE(count_of<UseDisk>(one.on_placement(now, [](PartitionId) { return lives({2}); })) == 1);

  (void)one.on_disk(now, Error{ErrorCode::no_space, "the disk is full"});
  now += 2s;
  const Effects again = one.on_deadline(now);
  CHECK(count_of<UseDisk>(again) == 1);
  CHECK(asked<ListsAnnounced>(again).empty());

  (void)one.on_disk(now, DiskAnswer(Done{}));
  now += 2s;
  CHECK(asked<ListsAnnounced>(one.on_deadline(now)).size() == 1);
}

TEST_CASE(
    "rebalance: a mark beside the lists is written while it is there, and taken away surely") {
  Holder one(1, {nodes({1, 2, 3}), 1, nodes({1, 2, 3}), 0});
  one.place(5, nodes({1, 2, 4}));
  one.become_whole();
  const auto marks_in = [](const Effects& effects) {  // and whether each is there
    std::map<char, bool> marks;
    for (const Effect& effect : effects) {
      const auto* use = std::get_if<UseDisk>(&effect);
      if (use == nullptr) continue;
      for (const TableRow& row : std::get<PutValues>(use->operation).rows) {
        if (row.key.size() == 5) marks[static_cast<char>(row.key[4])] = row.value.has_value();
      }
    }
    return marks;
  };
  const auto hear = [&](SettleStep step) {
    return one.machine.on_message(one.now, node(2), Settle{step, {}, {{partition, 5}}});
  };
  const Effects preparing = hear(SettleStep::prepare);
  CHECK(marks_in(preparing) == std::map<char, bool>{{'p', true}});
  one.answered(preparing);

  const Effects settling = hear(SettleStep::settle);
  CHECK(marks_in(settling) == std::map<char, bool>{{'p', false}});
  (void)one.machine.on_disk(one.now, Error{ErrorCode::failed, "the disk has failed"});
  one.now += 1s;
  const std::map<char, bool> none{{'p', false}, {'r', false}, {'s', false}};
  CHECK(marks_in(one.machine.on_deadline(one.now)) == none);
}

TEST_CASE("rebalance: partitions with the fewest living holders are fetched first") {
  MeshView view = view_of({1, 2, 3, 4, 5, 9});  // 6 is dead
  view.self = node(9);
  const RecordCodec codec = blind_codec();
  Rebalance::Options options;
  options.syncs_max = 1;
  Rebalance machine(OperationId{1}, view, codec, 3, options);
  Instant now{};
  const auto play = [&](Effects effects) {
    for (std::size_t writes = count_of<UseDisk>(effects); writes > 0; --writes) {
      append(effects, machine.on_disk(now, DiskAnswer(DiskSummary{})));
    }
    return effects;
  };
  play(machine.start(now));
  play(machine.on_placement(now, [](PartitionId) { return lives({1, 2, 9}); }));
  for (std::uint32_t raw = 0; raw < 3; ++raw) {
    const auto settled = raw == 1 ? lives({4, 5, 6}) : lives({1, 2, 3});
    for (const HolderLife& holder : settled) {
      play(machine.on_message(
          now, holder.node,
          ListsAnnounced{{}, {settled, lives({1, 2, 9})}, {{PartitionId{raw}, 1, 0, 1}}}));
    }
  }
  std::vector<PartitionId> order;
  for (int i = 0; i < 10; ++i) {
    now += 1s;
    Effects effects = play(machine.on_deadline(now));
    for (const auto& [to, question] : asked<FingerprintRequest>(effects)) {
      const std::vector<PartitionId> all{PartitionId{0}, PartitionId{1}, PartitionId{2}};
      append(effects, play(machine.on_message(
                          now, to, FingerprintAnswer{OperationId{1}, all, question.round})));
    }
    for (std::size_t at = 0; at < effects.size(); ++at) {
      const auto* sync = std::get_if<StartSync>(&effects[at]);
      if (sync == nullptr) continue;
      order.push_back(sync->partition);
      append(effects, play(machine.on_sync_done(now, order.back(), nodes({1, 2, 4, 5}), {}, 0)));
    }
  }
  REQUIRE(order.size() >= 3);
  CHECK(order.front() == PartitionId{1});
}

// Rebalance and the answers of a holder whose copy is not known complete.
#include "base/digest.h"
#include "rebalance_rig.h"
#include "replication/answers.h"

using namespace pixmesh;

namespace {

const HolderLists settled_lists{nodes({1, 2, 3}), 5, nodes({1, 2, 3}), 0};

const StartSync* sync_in(const Effects& effects) {
  for (const Effect& effect : effects) {
    if (const auto* sync = std::get_if<StartSync>(&effect)) return sync;
  }
  return nullptr;
}

/// Node 1, which does not trust its copy.
struct Doubting : Holder {
  explicit Doubting(HolderLists lists = settled_lists) : Holder(1, std::move(lists)) {
    machine.doubt({partition});
    answered(machine.start(now));
  }
  [[nodiscard]] bool recovering() const { return machine.is_recovering(partition); }
  /// A comparison with the other holders, of whom these say that they have the same.
  Effects compare(std::initializer_list<std::uint8_t> equal) {
    const Effects effects = tick();
    const std::vector<NodeId> same = nodes(equal);
    for (const auto& [to, question] : asked<FingerprintRequest>(effects)) {
      CHECK(question.mine.front().lists == sum_of(codec, lists()));
      FingerprintAnswer answer{OperationId{1}, {}, question.round};
      if (!contains(same, to)) answer.different.push_back(partition);
      hear(to, answer);
    }
    return tick();
  }
  Effects merged(std::initializer_list<std::uint8_t> from,
                 std::initializer_list<std::uint8_t> in_doubt = {}) {
    return answered(machine.on_sync_done(now, partition, nodes(from), nodes(in_doubt), 0));
  }
  /// Compares and fetches; nobody has the same, and nothing is merged.
  [[nodiscard]] bool recovers_after_a_try() {
    (void)compare({});
    (void)merged({});
    return recovering();
  }
  /// Its answer to whether it knows a set later than ours.
  void answer_lists(std::uint8_t other, HolderLists known) {
    hear(node(other), ListsAnswer{OperationId{1}, partition, std::move(known)});
  }
  void knows_none(NodeId other) { hear(other, AnnounceNoted{{}, {partition}, announced, true}); }
  /// A sync that is running.
  void begin_sync() { REQUIRE(sync_in(compare({})) != nullptr); }
};

/// Whether some write among effects removes (or makes) the durable mark.
bool writes_mark(const Effects& effects, bool present) {
  for (const Effect& effect : effects) {
    const auto* use = std::get_if<UseDisk>(&effect);
    const auto* put = use == nullptr ? nullptr : std::get_if<PutValues>(&use->operation);
    if (put == nullptr) continue;
    for (const TableRow& row : put->rows) {
      if (row.key == Bytes{0, 0, 0, 0, 'r'} && row.value.has_value() == present) return true;
    }
  }
  return false;
}

MeshView recovering_view() {
  MeshView view = view_of({1, 2, 3});
  view.lists_of = [](PartitionId) { return settled_lists; };
  view.is_recovering = [](PartitionId) { return true; };
  return view;
}

template <typename T>
const T& answer_in(const Effects& effects) {
  REQUIRE(effects.size() == 1);
  return std::get<T>(std::get<Answer>(effects.front()).message);
}

/// Whether a holder of nothing says that its copy is unlike one of nothing under these lists.
bool differs(const MeshView& view, std::uint64_t lists) {
  const RecordCodec codec = blind_codec();
  CompareFingerprints compare(OperationId{3}, view, codec, {{}, {{partition, 0, lists}}, 0},
                              {partition}, {});
  (void)compare.start({});
  const Effects effects = compare.on_disk({}, DiskAnswer(DiskSummary{}));
  return !answer_in<FingerprintAnswer>(effects).different.empty();
}

}  // namespace

TEST_CASE("recovering: it fetches from the other holders, of the same lists only") {
  Doubting one;
  const Effects effects = one.compare({3});  // one is not enough
  const StartSync* sync = sync_in(effects);
  REQUIRE(sync != nullptr);
  CHECK(sync->sources == nodes({2, 3}));
  CHECK(sync->under == settled_lists);
}

TEST_CASE("recovering: it asks as one that knows nothing, so that nobody counts it") {
  Doubting one;
  const auto words = asked<ListsAnnounced>(one.tick());
  REQUIRE(words.size() == 2);
  for (const auto& [to, word] : words) {
    REQUIRE(word.entries.size() == 1);
    CHECK(word.entries[0].number == 0);
    CHECK(word.sets[word.entries[0].settled].holders.empty());
    CHECK(word.sets[word.entries[0].target] == first_lives_of(settled_lists.target));
  }
}

TEST_CASE("recovering: a read quorum of the others ends it, fewer do not") {
  Doubting one;
  (void)one.compare({});
  (void)one.merged({2});  // of three with W = 2 two others are needed: we do not count
  CHECK(one.recovering());
  CHECK(one.machine.progress().unsettled == 1);
  (void)one.compare({});
  (void)one.merged({2, 3});
  CHECK_FALSE(one.recovering());
  CHECK(writes_mark(one.tick(), false));
  CHECK(one.machine.progress().unsettled == 0);
}

TEST_CASE("recovering: what was merged under older lists does not count") {
  Doubting one;
  (void)one.compare({});
  one.hear(node(2), ListsAnnounced{{},
                                   {lives({1, 2, 4}), first_lives_of(settled_lists.target)},
                                   {{partition, 8, 0, 1}}});
  REQUIRE(one.lists().number == 8);
  (void)one.merged({2, 3});
  CHECK(one.recovering());
}

TEST_CASE("recovering: the mark is durable before anything is said, and outlives a restart") {
  Holder one(1, settled_lists);
  one.machine.doubt({partition});
  CHECK(writes_mark(one.machine.start(one.now), true));

  Holder again(1, settled_lists);
  again.machine.restore(Bytes{0, 0, 0, 0, 'r'}, Bytes{});
  CHECK(again.machine.is_recovering(partition));
}

// Seed 151638: after a restart it asked nobody, and dropped its copy; the settled set waited for
// it.
TEST_CASE("recovering: one that knows no set and is no target member asks before it drops") {
  Holder one(1, {{}, 0, nodes({2, 3, 4}), 2});
  one.machine.restore(Bytes{0, 0, 0, 0, 'r'}, Bytes{});
  CHECK(one.drops_in_ten_seconds() == 0);

  one.hear(node(2),
           ListsAnnounced{{},
                          {first_lives_of(nodes({1, 2})), first_lives_of(nodes({2, 3, 4}))},
                          {{partition, 3, 0, 1}}});
  CHECK(one.lists().settled == nodes({1, 2}));
  CHECK(one.drops_in_ten_seconds() == 0);
}

TEST_CASE("recovering: with its lists lost too it learns the settled set by asking") {
  Doubting one(HolderLists{});
  one.place(1, nodes({1, 2, 3}));
  const auto words = asked<ListsAnnounced>(one.tick());
  CHECK(words.size() == 2);
  CHECK(sync_in(one.tick()) == nullptr);  // from whom is not known yet
  one.hear(node(2), SettleStep::settle, 7);
  CHECK(one.lists() == HolderLists{nodes({1, 2, 3}), 7, nodes({1, 2, 3}), 0});
  CHECK(one.recovering());
  REQUIRE(sync_in(one.compare({})) != nullptr);
  (void)one.merged({2, 3});
  CHECK_FALSE(one.recovering());
}

TEST_CASE("recovering: where a read quorum has the same, nothing is fetched") {
  Doubting one;
  CHECK(sync_in(one.compare({2, 3})) == nullptr);
  CHECK_FALSE(one.recovering());
}

TEST_CASE("recovering: it confirms nothing, however much it is fenced") {
  Newcomer four;
  four.machine.doubt({partition});
  four.announce(1);
  four.announce(2);
  for (int i = 0; i < 3; ++i) {
    const Effects effects = four.tick();
    CHECK(asked<SyncConfirmed>(effects).empty());
    if (const StartSync* sync = sync_in(effects)) CHECK(sync->under.has_value());
  }
}

TEST_CASE("recovering: whoever is alone in its mesh has nobody to ask") {
  Doubting one(HolderLists{nodes({1}), 3, nodes({1}), 0});
  one.view.may_have_copies = {};
  (void)one.tick();
  CHECK_FALSE(one.recovering());
}

// Seed 264397: put back to when it was alone, it believed that it had all there was.
TEST_CASE("recovering: whoever is alone in its lists asks all others for later ones") {
  Doubting one(HolderLists{nodes({1}), 3, nodes({1}), 0});
  one.view.may_have_copies = nodes({2, 3});
  CHECK(asked<ListsRequest>(one.tick()).size() == 2);
  one.answer_lists(2, {nodes({1}), 3, nodes({1})});
  (void)one.tick();
  CHECK(one.recovering());
  one.answer_lists(3, {});
  (void)one.tick();
  CHECK_FALSE(one.recovering());
}

TEST_CASE("recovering: one later set is enough to wait for, and another placement asks anew") {
  Doubting one(HolderLists{nodes({1}), 3, nodes({1}), 0});
  one.view.may_have_copies = nodes({2, 3});
  one.answer_lists(2, {});
  one.answer_lists(3, {nodes({2, 3}), 4, nodes({1, 2, 3})});
  (void)one.tick();
  CHECK(one.recovering());
  one.answer_lists(3, {});
  one.place(5, nodes({1}));
  one.answer_lists(2, {});
  (void)one.tick();
  CHECK(one.recovering());
}

// Seed 228073: the only holder had lost its disk, and waited for the lists of those that joined it.
TEST_CASE("recovering: a target member that knows no lists has been in no settled set") {
  Doubting one(HolderLists{nodes({1}), 3, nodes({1, 2, 3}), 0});
  one.view.may_have_copies = nodes({2, 3});
  one.answer_lists(2, {});
  one.answer_lists(3, {});
  CHECK(one.recovers_after_a_try());
  one.knows_none(node(2));
  CHECK(one.recovers_after_a_try());  // of three others may have settled without one
  one.note(node(3));                  // it knows some, and has told
  CHECK(one.recovers_after_a_try());
  one.knows_none(node(3));
  CHECK_FALSE(one.recovers_after_a_try());

  (void)one.answered(one.machine.lose(one.now, {partition}));  // what they said was said before
  CHECK(one.recovers_after_a_try());
}

TEST_CASE("recovering: one of a former set that knows no lists has forgotten them") {
  Doubting one(HolderLists{nodes({1, 2}), 3, nodes({1, 2, 3}), 0});
  (void)one.compare({});
  one.knows_none(node(2));
  one.knows_none(node(3));
  CHECK(one.recovers_after_a_try());
}

TEST_CASE("recovering: whoever knows no lists says so, unless it recovers itself") {
  const ListsAnnounced asking{{}, {HolderSet{}, lives({1, 2, 4})}, {{partition, 0, 0, 1}}};
  Newcomer four;
  four.written(four.machine.on_message(four.now, node(1), asking));
  const auto notes = asked<AnnounceNoted>(four.tick());
  REQUIRE(notes.size() == 1);
  CHECK(notes[0].second.without_lists);

  four.machine.doubt({partition});
  four.written(four.machine.on_message(four.now, node(1), asking));
  CHECK(asked<AnnounceNoted>(four.tick()).empty());
}

// Seed 229297: the mark of it stayed when it ended because one of the others gave no answer.
TEST_CASE("recovering: its end is written, though nothing else is left to do") {
  HolderLists five{nodes({1, 2, 3, 4, 5}), 5, nodes({1, 2, 3, 4, 5}), 0};
  five.settled_quorum = five.target_quorum = 3;
  Doubting one(five);
  for (const auto& [to, question] : asked<FingerprintRequest>(one.tick())) {
    if (to != node(5)) one.hear(to, FingerprintAnswer{OperationId{1}, {}, question.round});
  }
  bool is_written = false;
  for (int i = 0; i < 5; ++i) is_written = writes_mark(one.tick(), false) || is_written;
  CHECK_FALSE(one.recovering());
  CHECK(is_written);
}

TEST_CASE("recovering: what others hold now is dropped once they say that it is settled") {
  Doubting one(HolderLists{});
  one.place(1, nodes({2, 3, 4}));
  CHECK(asked<ListsAnnounced>(one.tick()).size() == 3);
  CHECK(one.drops_in_ten_seconds() == 0);
  for (const NodeId& other : nodes({2, 3, 4})) {
    one.hear(other, SettleStep::settle, 7);
  }
  CHECK(one.drops_in_ten_seconds() == 0);
  for (const NodeId& other : nodes({2, 3, 4})) one.note(other);
  CHECK(one.drops_in_ten_seconds() == 1);
  one.answered(one.machine.on_drop_done(one.now, partition));
  CHECK_FALSE(one.recovering());
}

// Seeds 263458 and 264226: it had forgotten whose the partition was, and asked nobody about it.
TEST_CASE("recovering: what is doubted again after its drop is asked about, and dropped again") {
  Doubting one({{}, 0, nodes({2, 3, 4}), 2});
  for (int doubts = 0; doubts < 2; ++doubts) {
    REQUIRE(one.recovering());
    CHECK(asked<ListsAnnounced>(one.tick()).size() == 3);
    for (const NodeId& other : nodes({2, 3, 4})) one.note(other);
    CHECK(one.drops_in_ten_seconds() == 1);
    one.answered(one.machine.on_drop_done(one.now, partition));
    CHECK_FALSE(one.recovering());
    one.answered(one.machine.lose(one.now, {partition}));
  }
}

// Seed 305229: of a time when the partition lay there, a mark of a prepared set came to count
// again.
TEST_CASE("recovering: where it comes to lie after a loss, marks of earlier times are taken away") {
  Doubting one;
  const Effects written = one.machine.lose(one.now, {partition});
  const PutValues* put = wanted<PutValues>(written);
  REQUIRE(put != nullptr);
  for (const char mark : {'p', 's'}) {
    Bytes key = row_prefix(partition);
    key.push_back(static_cast<std::uint8_t>(mark));
    const auto row = std::ranges::find(put->rows, key, &TableRow::key);
    REQUIRE(row != put->rows.end());
    CHECK_FALSE(row->value.has_value());
  }
}

TEST_CASE("recovering: it answers no lookup, no inventory, and is equal to nobody") {
  const MeshView view = recovering_view();
  const RecordCodec codec = blind_codec();
  ReadVersion version(OperationId{1}, view, codec, {{}, partition, {}, settled_lists, {}}, {});
  CHECK(answer_in<VersionAnswer>(version.start({})).code == ErrorCode::failed);

  ReadInventory inventory(OperationId{2}, view, codec, {{}, partition, {}, {}}, {});
  CHECK(answer_in<InventoryAnswer>(inventory.start({})).code == ErrorCode::failed);

  CHECK(differs(view, 0));
}

TEST_CASE("recovering: a copy is the same only under the same lists, if those are asked for") {
  MeshView view = recovering_view();
  view.is_recovering = [](PartitionId) { return false; };
  HolderLists older = settled_lists;
  older.number = 4;
  CHECK_FALSE(differs(view, 0));
  CHECK_FALSE(differs(view, sum_of(blind_codec(), settled_lists)));
  CHECK(differs(view, sum_of(blind_codec(), older)));
}

TEST_CASE("recovering: an inventory asked for under other lists is refused") {
  MeshView view = recovering_view();
  view.is_recovering = [](PartitionId) { return false; };
  const RecordCodec codec = blind_codec();
  HolderLists older = settled_lists;
  older.number = 4;
  ReadInventory refused(OperationId{2}, view, codec, {{}, partition, {}, older}, {});
  CHECK(answer_in<InventoryAnswer>(refused.start({})).code == ErrorCode::stale);
  ReadInventory given(OperationId{2}, view, codec, {{}, partition, {}, settled_lists}, {});
  CHECK(count_of<UseDisk>(given.start({})) == 1);
}

TEST_CASE("recovering: what all other holders have is all there is, though some recover as well") {
  Doubting one;
  one.begin_sync();
  one.merged({2});
  CHECK(one.recovering());
  one.begin_sync();
  one.merged({}, {3});
  CHECK(one.recovering());
  one.begin_sync();
  one.merged({2}, {3});
  CHECK_FALSE(one.recovering());
}

// A write may have been acknowledged by the lost copy and by the one that was evicted.
TEST_CASE("recovering: who was evicted since is asked too, unless it was given up") {
  EvictionMarks of_three{7, 0};
  Doubting one;
  one.view.eviction_of = [&](NodeId id) { return id == node(3) ? of_three : EvictionMarks{}; };
  one.answered(one.machine.on_evicted(one.now, nodes({3})));
  REQUIRE(one.lists() == HolderLists{nodes({1, 2}), 5, nodes({1, 2, 3}), 1});
  const Effects effects = one.compare({2});
  REQUIRE(sync_in(effects) != nullptr);
  CHECK(sync_in(effects)->sources == nodes({2, 3}));
  one.merged({2});
  CHECK(one.recovering());
  CHECK(one.machine.awaited_by(partition) == nodes({3}));

  of_three.given_up = 7;
  one.answered(one.machine.on_evicted(one.now, nodes({3})));
  one.place(6, nodes({1, 2, 4}));
  one.begin_sync();
  one.merged({2});  // a write that 1 and 4 kept may be in the target set alone
  CHECK(one.recovering());
  one.begin_sync();
  one.merged({2, 4});
  CHECK_FALSE(one.recovering());
}

// What is found of partitions that move: drops, newcomers and hints.
#include <memory>

#include "spoiled_mesh.h"
#include "wire/stored.h"

using namespace pixmesh;

TEST_CASE("simulations: I7 finds a drop of a copy that others lack") {
  SpoiledMesh mesh;
  const auto holders = mesh.holders();
  for (std::size_t i = 1; i < holders.size(); ++i) mesh.world_.disk(holders[i]).restore({});
  const auto& records = mesh.world_.disk(holders.front()).records();
  mesh.checks_.on_record_changing(holders.front(), records.begin()->first, "image", true);
  CHECK(mesh.promise() == "I7");
}

TEST_CASE("simulations: I7 finds a set that stands alone without what was acknowledged") {
  SpoiledMesh mesh;
  const std::uint32_t collector = mesh.holders().front();
  const std::uint64_t number = mesh.lists_of(collector).number;
  for (const std::uint32_t node : mesh.holders()) {
    if (node != collector) mesh.world_.disk(node).restore({});
  }
  mesh.say(collector, 0, Settle{SettleStep::settle, {}, {{mesh.partition(), number + 1}}});
  CHECK(mesh.promise() == "I7");
}

TEST_CASE("simulations: I7 finds a newcomer that confirms what it asked nobody about") {
  for (const bool asks : {false, true}) {
    CAPTURE(asks);
    SpoiledMesh mesh;
    const auto holders = mesh.holders();
    const std::uint32_t newcomer = holders.front();
    const auto lists = mesh.lists_of(newcomer);
    std::vector<NodeId> others = lists.settled;
    std::erase(others, mesh.world_.id_of(newcomer));
    ListsAnnounced announced;
    announced.sets = {first_lives_of(others), first_lives_of(lists.target)};
    announced.entries = {{mesh.partition(), lists.number, 0, 1}};
    mesh.say(holders.back(), newcomer, announced);
    for (const std::uint32_t settled : holders) {
      if (!asks || settled == newcomer) continue;
      mesh.say(newcomer, settled, InventoryRequest{{}, mesh.partition(), {}});
    }
    SyncConfirmed confirmed{{}, {{mesh.partition(), lists.number}}};
    confirmed.epoch.raw[0] = 1;  // said under another placement, of another target
    mesh.say(newcomer, holders.back(), confirmed);
    CHECK(mesh.promise() == "");
    confirmed.epoch = {};
    mesh.say(newcomer, holders.back(), confirmed);
    CHECK(mesh.promise() == (asks ? "" : "I7"));
  }
}

TEST_CASE("simulations: I7 finds a newcomer that confirms before a read quorum counts on it") {
  for (const std::size_t tellers : {1U, 2U}) {
    CAPTURE(tellers);
    SpoiledMesh mesh;
    const auto holders = mesh.holders();
    const std::uint32_t newcomer = mesh.outsider();
    HolderLists lists = mesh.lists_of(holders[0]);
    lists.target = {mesh.world_.id_of(newcomer)};
    mesh.store_lists(newcomer, lists);
    const ListsAnnounced announced{mesh.epoch_of(newcomer),
                                   {first_lives_of(lists.settled), first_lives_of(lists.target)},
                                   {{mesh.partition(), lists.number, 0, 1}}};
    for (std::size_t i = 0; i < tellers; ++i) mesh.say(holders[i], newcomer, announced);
    for (const std::uint32_t holder : holders) {
      mesh.say(newcomer, holder, InventoryRequest{{}, mesh.partition(), {}});
    }
    mesh.oracle_ = {};  // nothing was acknowledged that it could lack
    mesh.say(newcomer, holders[0],
             SyncConfirmed{announced.epoch, {{mesh.partition(), lists.number}}});
    CHECK(mesh.promise() == (tellers == 1 ? "I7" : ""));
  }
}

namespace {

/// A holder whose stored lists say that the others stand alone, so that it may drop its copy.
class Replaced : public SpoiledMesh {
 public:
  Replaced() {
    const NodeId id = world_.id_of(node_);
    HolderLists lists = lists_of(node_);
    std::erase(lists.settled, id);
    lists.target = lists.settled;
    number_ = ++lists.number;  // nobody told it of that one
    store_lists(node_, lists);
    key_ = world_.disk(node_).records().begin()->first;
  }
  void begin_drop() { checks_.on_record_changing(node_, key_, "image", true); }
  void store() { checks_.on_record_changing(node_, key_, "image", false); }
  void ask(std::uint32_t other, std::uint64_t round = 1) {
    const std::vector<HolderLife> set = first_lives_of(lists_of(node_).settled);
    say(node_, other, ListsAnnounced{epoch(), {set, set}, {{partition(), number_, 0, 1}}, round});
  }
  void agree(std::uint32_t other, std::uint64_t round = 1) {
    say(other, node_, AnnounceNoted{epoch(), {partition()}, round});
  }
  void hear_of_a_newer_set() {
    HolderLists lists = *world_.stored_lists(node_, partition());
    number_ = ++lists.number;
    store_lists(node_, lists);
  }
  void be_replaced() {
    for (const std::uint32_t other : others_) ask(other);
    for (const std::uint32_t other : others_) agree(other);
  }
  [[nodiscard]] Epoch epoch() const { return epoch_of(node_); }

  const std::uint32_t node_ = holders().front();
  const std::vector<std::uint32_t> others_{holders()[1], holders()[2]};
  std::uint64_t number_ = 0;
  VirtualDisk::Key key_;
};

}  // namespace

TEST_CASE("simulations: I7 finds a record that is stored behind the drop of its partition") {
  Replaced mesh;
  mesh.store();
  CHECK(mesh.promise() == "");
  mesh.be_replaced();
  mesh.begin_drop();
  CHECK(mesh.promise() == "");
  mesh.store();
  CHECK(mesh.promise() == "I7");
}

TEST_CASE("simulations: I7 lets a node store again what it is to hold again") {
  Replaced mesh;
  mesh.be_replaced();
  mesh.begin_drop();
  mesh.store_lists(mesh.node_, mesh.lists_of(mesh.others_[0]));
  mesh.store();
  CHECK(mesh.promise() == "");
}

TEST_CASE("simulations: I7 finds a drop before all whom the holder asked agreed to it") {
  Replaced mesh;
  for (const std::uint32_t other : mesh.others_) mesh.ask(other);
  mesh.agree(mesh.others_[0]);
  SUBCASE("one has not") {
    mesh.begin_drop();
    CHECK(mesh.promise() == "I7");
  }
  SUBCASE("all have") {
    mesh.agree(mesh.others_[1]);
    mesh.begin_drop();
    CHECK(mesh.promise() == "");
  }
  SUBCASE("it was told that its lists are the settled ones") {
    const SyncConfirmed::Entry entry{mesh.partition(), mesh.number_};
    mesh.say(mesh.others_[1], mesh.node_, Settle{SettleStep::settle, mesh.epoch(), {entry}});
    mesh.begin_drop();
    CHECK(mesh.promise() == "I7");
  }
}

TEST_CASE("simulations: I7 takes no word about another set for one about this") {
  Replaced mesh;
  for (const std::uint32_t other : mesh.others_) mesh.ask(other);
  for (const std::uint32_t other : mesh.others_) mesh.agree(other);
  mesh.hear_of_a_newer_set();
  for (const std::uint32_t other : mesh.others_) mesh.ask(other, 2);
  SUBCASE("that came late") {
    for (const std::uint32_t other : mesh.others_) mesh.agree(other, 1);
    mesh.begin_drop();
    CHECK(mesh.promise() == "I7");
  }
  SUBCASE("but one in time") {
    for (const std::uint32_t other : mesh.others_) mesh.agree(other, 2);
    mesh.begin_drop();
    CHECK(mesh.promise() == "");
  }
}

namespace {

/// What one holder of the image says to another about hints, seen by a check of its own.
class Hinting : public SpoiledMesh {
 public:
  void say_to_check(std::uint32_t from, std::uint32_t to, const Message& message) {
    check_->on_sent(from, to, Plane::control, encode(message));
  }
  void offer(std::uint64_t round) {
    say_to_check(giver_, taker_, HintOffer{Epoch{}, {partition()}, round});
  }
  void ask() { say_to_check(taker_, giver_, InventoryRequest{{}, partition(), {}}); }
  void take(std::uint64_t round) { say_to_check(taker_, giver_, HintTaken{{partition()}, round}); }
  void scan_after(Duration span) {
    world_.run_for(span);
    check_->on_scan();
  }

  const std::uint32_t giver_ = holders()[0];
  const std::uint32_t taker_ = holders()[1];
  CheckPtr check_ = make_i15(scene());
};

}  // namespace

TEST_CASE("simulations: I15 finds a hint that was taken by a node that lacks the record") {
  Hinting mesh;
  mesh.offer(1);
  mesh.ask();
  mesh.take(1);
  mesh.scan_after(5s);
  CHECK(mesh.promise() == "");
  mesh.offer(2);
  mesh.ask();
  mesh.take(2);
  for (std::uint32_t other = 0; other < mesh.world_.node_count(); ++other) {
    if (other != mesh.taker_) mesh.world_.cut(other, mesh.taker_);  // nothing is repaired
  }
  VirtualDisk& disk = mesh.world_.disk(mesh.taker_);
  const auto& [key, stored] = *disk.records().begin();
  disk.submit({}, DropRecord{key.first, key.second, stored.bytes,
                             record_path(key.first, key.second), mesh.path()});
  mesh.scan_after(3s);
  CHECK(mesh.promise() == "I15");
}

TEST_CASE("simulations: I15 finds a hint that was taken by a node that never asked") {
  Hinting mesh;
  mesh.ask();
  mesh.world_.run_for(1s);
  mesh.offer(1);
  mesh.take(1);
  mesh.scan_after(3s);
  CHECK(mesh.promise() == "I15");
}

#include <doctest/doctest.h>

#include <memory>

#include "base/digest.h"
#include "processing/lanes.h"
#include "simulations/checks/all_checks.h"
#include "simulations/workload/workload.h"
#include "wire/message.h"
#include "wire/stored.h"

using namespace pixmesh;

namespace {

/// A small mesh with one acknowledged image, and every check on it. Tests then spoil something and
/// see which promise is found broken.
class Spoiled {
 public:
  Spoiled()
      : world_({.seed = 7}),
        atlas_(world_, 2),
        checks_({world_, oracle_, atlas_, scenario_, findings_}),
        workload_(world_, oracle_, checks_, 1, Rng(7)) {
    world_.add_nodes(4);
    world_.watch(checks_);
    CHECK(world_.run_until_settled());
    Event put;
    put.amount = 1'000;
    put.number = 1;
    put.name = "image";
    workload_.begin(put);
    CHECK(world_.run_until([this] { return workload_.open_count() == 0; }));
    CHECK(oracle_.acknowledged_count() == 1);
    world_.run_for(1s);
  }

  [[nodiscard]] std::string promise_at_rest() {
    checks_.at_rest();
    return promise();
  }
  [[nodiscard]] std::string promise() const {
    return findings_.first() ? findings_.first()->promise : "";
  }
  [[nodiscard]] Scene scene() { return {world_, oracle_, atlas_, scenario_, findings_}; }
  [[nodiscard]] ImageRecord record() { return *world_.record_at(holders().front(), "image"); }
  [[nodiscard]] std::vector<std::uint32_t> holders() { return world_.keepers_of("image"); }
  [[nodiscard]] std::string path() { return blob_path(record().digest, record().media); }

  MeshWorld world_;
  Scenario scenario_;
  Oracle oracle_;
  Findings findings_;
  Atlas atlas_;
  AllChecks checks_;
  Workload workload_;
};

LookupAnswer found(const ImageRecord& record) {
  LookupAnswer answer;
  answer.record = record;
  return answer;
}

}  // namespace

TEST_CASE("simulations: nothing is found on a mesh in order") {
  Spoiled mesh;
  CHECK(mesh.promise_at_rest() == "");
}

TEST_CASE("simulations: I1 finds an acknowledged image that no disk has") {
  Spoiled mesh;
  for (const std::uint32_t node : mesh.holders()) mesh.world_.disk(node).lose();
  mesh.checks_.on_crashed(0);
  CHECK(mesh.promise() == "I1");
}

TEST_CASE("simulations: I1 finds an acknowledgement with too few durable copies") {
  Spoiled mesh;
  const auto holders = mesh.holders();
  for (std::size_t i = 1; i < holders.size(); ++i) mesh.world_.disk(holders[i]).lose();
  const NameHistory* history = mesh.oracle_.history_of("image");
  WriteDone done;
  done.version = history->writes.front().version;
  done.copies_wanted = 3;
  mesh.checks_.on_write({history->writes.front(), 0, done});
  CHECK(mesh.promise() == "I1");
}

TEST_CASE("simulations: I2 finds a record without its bytes, and reads that fail at rest") {
  Spoiled mesh;
  mesh.world_.disk(mesh.holders().front()).damage(mesh.path());
  CHECK(mesh.promise_at_rest() == "I2");

  Spoiled other;
  const std::string name = "image";
  other.checks_.on_lookup({name, 0, other.world_.now(), nullptr, true});
  CHECK(other.promise() == "I2");
}

TEST_CASE("simulations: I3 finds bytes that differ from the record") {
  Spoiled mesh;
  const ImageRecord record = mesh.record();
  const Bytes bytes{1, 2, 3};
  mesh.checks_.on_bytes({record, 0, &bytes, false});
  CHECK(mesh.promise() == "I3");
}

TEST_CASE("simulations: I4 finds a confirmed answer that is too old, and one that says no") {
  Spoiled mesh;
  ImageRecord old = mesh.record();
  --old.version.clock;
  const LookupAnswer answer = found(old);
  const std::string name = "image";
  mesh.checks_.on_lookup({name, 0, mesh.world_.now(), &answer, false});
  CHECK(mesh.promise() == "I4");

  Spoiled other;
  LookupAnswer none;
  none.code = ErrorCode::not_found;
  other.checks_.on_lookup({name, 0, other.world_.now(), &none, false});
  CHECK(other.promise() == "I4");

  Spoiled third;
  const std::vector<ListEntry> entries;
  third.checks_.on_list({name, 0, third.world_.now(), entries, true, true, false});
  CHECK(third.promise() == "I4");
}

TEST_CASE("simulations: I4 lets unconfirmed answers be old") {
  Spoiled mesh;
  LookupAnswer none;
  none.code = ErrorCode::not_found;
  none.confirmed = false;
  const std::string name = "image";
  mesh.checks_.on_lookup({name, 0, mesh.world_.now(), &none, false});
  CHECK(mesh.promise() == "");
}

TEST_CASE("simulations: I5 finds a winner older than an acknowledged write") {
  Spoiled mesh;
  const Write write = mesh.oracle_.history_of("image")->writes.front();
  Version later = write.version;
  ++later.clock;
  mesh.oracle_.on_acknowledged("image", write.request, mesh.world_.now(), later);
  CheckPtr check =
      make_i05({mesh.world_, mesh.oracle_, mesh.atlas_, mesh.scenario_, mesh.findings_});
  check->at_rest();
  CHECK(mesh.promise() == "I5");
}

TEST_CASE("simulations: I6 finds a name that came back") {
  Spoiled mesh;
  Write deletion;
  deletion.request.raw[0] = 9;
  deletion.name = "image";
  deletion.kind = WriteKind::deletion;
  mesh.oracle_.on_begun(deletion);
  Version later = mesh.record().version;
  ++later.clock;
  mesh.oracle_.on_acknowledged("image", deletion.request, mesh.world_.now(), later);
  CheckPtr check =
      make_i06({mesh.world_, mesh.oracle_, mesh.atlas_, mesh.scenario_, mesh.findings_});
  check->at_rest();
  CHECK(mesh.promise() == "I6");
}

TEST_CASE("simulations: I7 finds a drop of a copy that others lack") {
  Spoiled mesh;
  const auto holders = mesh.holders();
  for (std::size_t i = 1; i < holders.size(); ++i) mesh.world_.disk(holders[i]).lose();
  const auto& records = mesh.world_.disk(holders.front()).records();
  mesh.checks_.on_record_changing(holders.front(), records.begin()->first, "image", true);
  CHECK(mesh.promise() == "I7");
}

TEST_CASE("simulations: I10 finds files that no record names") {
  Spoiled mesh;
  mesh.world_.run_for(150s);
  mesh.world_.disk(0).write_file("blobs/aa/bb/cc.png", {1});
  CHECK(mesh.promise_at_rest() == "I10");
}

TEST_CASE("simulations: I11 finds a result of other bytes, and a second one") {
  Spoiled mesh;
  RunInput input;
  input.digest = mesh.record().digest;
  const std::string name = "image";
  const Bytes wrong{1};
  mesh.checks_.on_run({name, 0, input, wrong, 1});
  CHECK(mesh.promise() == "I11");

  Spoiled other;
  const std::string text = "made of " + to_text(input.digest);
  const Bytes right(text.begin(), text.end());
  other.checks_.on_run({name, 0, input, right, 1});
  CHECK(other.promise() == "");
  other.checks_.on_run({name, 0, input, right, 2});
  CHECK(other.promise() == "I11");
}

TEST_CASE("simulations: I14 finds a record that stepped back") {
  Spoiled mesh;
  mesh.checks_.on_crashed(2);
  CHECK(mesh.promise() == "");
  mesh.world_.state(2).lose();
  mesh.checks_.on_crashed(2);
  CHECK(mesh.promise() == "I14");
}

TEST_CASE("simulations: I16 finds a forged record on its way to a disk") {
  Spoiled mesh;
  mesh.checks_.on_record_changing(0, {}, "forged-1", false);
  CHECK(mesh.promise() == "I16");
}

TEST_CASE("simulations: I16 finds a record that its member never signed") {
  Spoiled mesh;
  CheckPtr check = make_i16(mesh.scene());
  const auto scan_all = [&] {  // one node a scan
    for (std::uint32_t node = 0; node < mesh.world_.node_count(); ++node) check->on_scan();
  };
  scan_all();
  CHECK(mesh.promise() == "");
  MemberRecord forged = mesh.world_.stored_member(2).value();
  ++forged.generation;
  const std::string name = "member/" + to_text(forged.node);
  const ByteView key = bytes_of(name);
  mesh.world_.state(1).submit(
      {}, PutValues{{{Table::facts, Bytes(key.begin(), key.end()), encode_member(forged)}}});
  mesh.world_.run_for(1s);
  scan_all();
  CHECK(mesh.promise() == "I16");
}

TEST_CASE("simulations: I17 finds a status that leaves out copies that are missing") {
  Spoiled mesh;
  const auto holders = mesh.holders();
  CheckPtr check = make_i17(mesh.scene());
  const auto say_nothing_is_missing = [&] {
    for (const std::uint32_t node : holders) {
      check->on_sent(node, MeshClient::first_party, Plane::control,
                     encode(Message{StatusAnswer{}}));
    }
    mesh.world_.run_for(10s);
  };
  say_nothing_is_missing();
  say_nothing_is_missing();
  CHECK(mesh.promise() == "");
  mesh.world_.crash(holders.back());
  mesh.world_.run_for(20s);
  say_nothing_is_missing();
  CHECK(mesh.promise() == "");
  say_nothing_is_missing();
  CHECK(mesh.promise() == "I17");
}

TEST_CASE("simulations: I17 finds copies that are missed at rest") {
  Spoiled mesh;
  CheckPtr check = make_i17(mesh.scene());
  check->at_rest();
  CHECK(mesh.promise() == "");
  mesh.world_.crash(mesh.holders().back());  // nothing is at rest: the others miss its copies
  mesh.world_.run_for(20s);
  check->at_rest();
  CHECK(mesh.promise() == "I17");
}

TEST_CASE("simulations: I5 finds a wish that was written anew when it was said once more") {
  Spoiled mesh;
  const Write write = mesh.oracle_.history_of("image")->writes.front();
  WriteDone done;
  done.version = write.version;
  CheckPtr check = make_i05(mesh.scene());
  check->on_write({write, 0, done, false});
  check->on_write({write, 0, done, true});
  CHECK(mesh.promise() == "");
  ++done.version.clock;
  check->on_write({write, 0, done, true});
  CHECK(mesh.promise() == "I5");
}

TEST_CASE("simulations: I7 finds a set that stands alone without what was acknowledged") {
  Spoiled mesh;
  const std::uint32_t collector = mesh.holders().front();
  const auto partition = mesh.world_.partition_of_name("image");
  const auto lists = mesh.world_.stored_lists(collector, partition);
  REQUIRE(lists.has_value());
  for (const std::uint32_t node : mesh.holders()) {
    if (node != collector) mesh.world_.disk(node).lose();
  }
  const Settle settle{SettleStep::settle, {}, {{partition, lists->number + 1}}};
  mesh.checks_.on_sent(collector, 0, Plane::control, encode(Message{settle}));
  CHECK(mesh.promise() == "I7");
}

TEST_CASE("simulations: I7 finds a newcomer that confirms what it asked nobody about") {
  for (const bool asks : {false, true}) {
    CAPTURE(asks);
    Spoiled mesh;
    const auto holders = mesh.holders();
    const std::uint32_t newcomer = holders.front();
    const auto partition = mesh.world_.partition_of_name("image");
    const auto lists = *mesh.world_.stored_lists(newcomer, partition);
    std::vector<NodeId> others = lists.settled;
    std::erase(others, mesh.world_.id_of(newcomer));
    ListsAnnounced announced;
    announced.sets = {others, lists.target};
    announced.entries = {{partition, lists.number, 0, 1, 0}};
    mesh.checks_.on_sent(holders.back(), newcomer, Plane::control, encode(Message{announced}));
    const InventoryRequest inventory{{}, partition, {}};
    for (const std::uint32_t settled : holders) {
      if (!asks || settled == newcomer) continue;
      mesh.checks_.on_sent(newcomer, settled, Plane::control, encode(Message{inventory}));
    }
    SyncConfirmed confirmed{{}, {{partition, lists.number}}};
    confirmed.epoch.raw[0] = 1;  // said under another placement, of another target
    mesh.checks_.on_sent(newcomer, holders.back(), Plane::control, encode(Message{confirmed}));
    CHECK(mesh.promise() == "");
    confirmed.epoch = {};
    mesh.checks_.on_sent(newcomer, holders.back(), Plane::control, encode(Message{confirmed}));
    CHECK(mesh.promise() == (asks ? "" : "I7"));
  }
}

TEST_CASE("simulations: I7 finds a newcomer that confirms before a read quorum counts on it") {
  for (const std::size_t tellers : {1U, 2U}) {
    CAPTURE(tellers);
    Spoiled mesh;
    const auto partition = mesh.world_.partition_of_name("image");
    const auto holders = mesh.holders();
    std::uint32_t newcomer = 0;
    while (contains(mesh.world_.stored_lists(holders[0], partition)->settled,
                    mesh.world_.id_of(newcomer))) {
      ++newcomer;
    }
    HolderLists lists = *mesh.world_.stored_lists(holders[0], partition);
    lists.target = {mesh.world_.id_of(newcomer)};
    const Bytes row{0, 0, static_cast<std::uint8_t>(partition.raw >> 8),
                    static_cast<std::uint8_t>(partition.raw)};
    mesh.world_.disk(newcomer).submit({}, PutValues{{{Table::lists, row, encode_lists(lists)}}});
    mesh.world_.run_for(20ms);
    SyncConfirmed confirmed{{}, {{partition, lists.number}}};
    for (const LoggedEvent& line : mesh.world_.log()) {  // its placement, as far as it is logged
      if (line.node != newcomer || line.name != "placement_changed") continue;
      REQUIRE(parse_hex(std::string_view(line.fields).substr(6, 8),
                        std::span(confirmed.epoch.raw).first(4)));
    }
    const ListsAnnounced announced{
        confirmed.epoch, {lists.settled, lists.target}, {{partition, lists.number, 0, 1, 0}}};
    const auto say = [&](std::uint32_t from, std::uint32_t to, const auto& message) {
      mesh.checks_.on_sent(from, to, Plane::control, encode(Message{message}));
    };
    for (std::size_t i = 0; i < tellers; ++i) say(holders[i], newcomer, announced);
    for (const std::uint32_t holder : holders) {
      say(newcomer, holder, InventoryRequest{{}, partition, {}});
    }
    mesh.oracle_ = {};  // nothing was acknowledged that it could lack
    say(newcomer, holders[0], confirmed);
    CHECK(mesh.promise() == (tellers == 1 ? "I7" : ""));
  }
}

TEST_CASE("simulations: I8 finds a node that places partitions elsewhere") {
  Spoiled mesh;
  mesh.world_.note_forgotten(3);  // expected without it from now on, and nobody told the nodes
  make_i08(mesh.scene())->at_rest();
  CHECK(mesh.promise() == "I8");
}

TEST_CASE("simulations: I9 finds a fetch of bytes that are there") {
  Spoiled mesh;
  const ImageRecord record = mesh.record();
  mesh.world_.run_for(35s);
  StreamOpen open;
  open.digest = record.digest;
  open.media = record.media;
  const Bytes message = encode(BulkMessage{open});
  const std::uint32_t holder = mesh.holders().front();
  mesh.checks_.on_sent(MeshClient::first_party, holder, Plane::bulk, message);
  CHECK(mesh.promise() == "");
  mesh.checks_.on_sent(holder, 0, Plane::bulk, message);
  CHECK(mesh.promise() == "I9");
}

TEST_CASE("simulations: I12 finds a queue over its bound") {
  Spoiled mesh;
  LoadAnswer load;
  load.queued = LanesOptions{}.queue_max;
  mesh.checks_.on_sent(0, 1, Plane::control, encode(Message{load}));
  CHECK(mesh.promise() == "");
  ++load.queued;
  mesh.checks_.on_sent(0, 1, Plane::control, encode(Message{load}));
  CHECK(mesh.promise() == "I12");
}

TEST_CASE("simulations: I13 finds a run that goes to a node believed silent") {
  Spoiled mesh;
  const Bytes probe = encode(Message{ProbeLoad{}});
  mesh.checks_.on_sent(0, 3, Plane::control, probe);
  CHECK(mesh.promise() == "");
  mesh.world_.crash(3);
  mesh.world_.run_for(20s);
  mesh.checks_.on_sent(0, 3, Plane::control, probe);
  CHECK(mesh.promise() == "I13");
}

TEST_CASE("simulations: I13 finds nodes that suspect and never ask others to probe") {
  Spoiled mesh;
  for (std::uint32_t i = 0; i < 20; ++i) {  // node 0 sees them come back, and may ask them
    const std::uint32_t node = 1 + i % 3;
    mesh.world_.crash(node);
    mesh.world_.run_for(10s);
    mesh.world_.restart(node);
    mesh.world_.run_for(5s);
  }
  CHECK(mesh.promise() == "");
  make_i13(mesh.scene())->on_scan();  // a check that has seen no request
  CHECK(mesh.promise() == "I13");
}

TEST_CASE(
    "simulations: I14 finds a version above the ceiling, and an incarnation that stepped back") {
  Spoiled mesh;
  CommitRequest commit;
  commit.record = mesh.record();
  commit.record.version = {~0ULL, mesh.world_.id_of(1)};
  mesh.checks_.on_sent(2, 1, Plane::control, encode(Message{commit}));
  CHECK(mesh.promise() == "");  // another node's version
  mesh.checks_.on_sent(1, 2, Plane::control, encode(Message{commit}));
  CHECK(mesh.promise() == "I14");

  Spoiled other;
  other.world_.crash(1);
  other.world_.restart(1);
  other.world_.run_for(5s);
  other.world_.crash(1);
  other.checks_.on_sent(1, 2, Plane::control, encode(Message{Ping{}}));
  CHECK(other.promise() == "I14");
}

TEST_CASE("simulations: I15 finds a hint that was taken by a node that lacks the record") {
  Spoiled mesh;
  const auto holders = mesh.holders();
  const std::vector<PartitionId> about{mesh.world_.partition_of_name("image")};
  CheckPtr check = make_i15(mesh.scene());
  const auto say = [&](auto message, std::uint32_t from, std::uint32_t to) {
    check->on_sent(from, to, Plane::control, encode(Message{std::move(message)}));
  };
  const InventoryRequest question{{}, about.front(), {}};
  say(HintOffer{Epoch{}, about, 1}, holders[0], holders[1]);
  say(question, holders[1], holders[0]);
  say(HintTaken{about, 1}, holders[1], holders[0]);
  mesh.world_.run_for(5s);
  check->on_scan();
  CHECK(mesh.promise() == "");
  say(HintOffer{Epoch{}, about, 2}, holders[0], holders[1]);
  say(question, holders[1], holders[0]);
  say(HintTaken{about, 2}, holders[1], holders[0]);
  for (std::uint32_t other = 0; other < mesh.world_.node_count(); ++other) {
    if (other != holders[1]) mesh.world_.cut(other, holders[1]);  // nothing is repaired
  }
  const auto& [key, stored] = *mesh.world_.disk(holders[1]).records().begin();
  mesh.world_.disk(holders[1])
      .submit({}, DropRecord{key.first, key.second, stored.bytes,
                             record_path(key.first, key.second), mesh.path()});
  mesh.world_.run_for(3s);
  check->on_scan();
  CHECK(mesh.promise() == "I15");
}

TEST_CASE("simulations: I15 finds a hint that was taken by a node that never asked") {
  Spoiled mesh;
  const auto holders = mesh.holders();
  const std::vector<PartitionId> about{mesh.world_.partition_of_name("image")};
  CheckPtr check = make_i15(mesh.scene());
  const auto say = [&](auto message, std::uint32_t from, std::uint32_t to) {
    check->on_sent(from, to, Plane::control, encode(Message{std::move(message)}));
  };
  say(InventoryRequest{{}, about.front(), {}}, holders[1], holders[0]);
  mesh.world_.run_for(1s);
  say(HintOffer{Epoch{}, about, 1}, holders[0], holders[1]);
  say(HintTaken{about, 1}, holders[1], holders[0]);
  mesh.world_.run_for(3s);
  check->on_scan();
  CHECK(mesh.promise() == "I15");
}

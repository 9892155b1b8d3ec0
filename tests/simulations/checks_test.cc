#include <memory>

#include "base/digest.h"
#include "processing/lanes.h"
#include "spoiled_mesh.h"
#include "wire/stored.h"

using namespace pixmesh;

namespace {

LookupAnswer found(const ImageRecord& record) {
  LookupAnswer answer;
  answer.record = record;
  return answer;
}

}  // namespace

TEST_CASE("simulations: nothing is found on a mesh in order") {
  SpoiledMesh mesh;
  CHECK(mesh.promise_at_rest() == "");
}

TEST_CASE("simulations: I1 finds an acknowledged image that no disk has") {
  SpoiledMesh mesh;
  for (const std::uint32_t node : mesh.holders()) mesh.world_.disk(node).restore({});
  mesh.checks_.on_crashed(0);
  CHECK(mesh.promise() == "I1");
}

TEST_CASE("simulations: I1 finds an acknowledgement with too few durable copies") {
  SpoiledMesh mesh;
  const auto holders = mesh.holders();
  for (std::size_t i = 1; i < holders.size(); ++i) mesh.world_.disk(holders[i]).restore({});
  const NameHistory* history = mesh.oracle_.history_of("image");
  WriteDone done;
  done.version = history->writes.front().version;
  done.copies_wanted = 3;
  mesh.checks_.on_write({history->writes.front(), 0, done});
  CHECK(mesh.promise() == "I1");
}

TEST_CASE("simulations: I2 finds a record without its bytes, and reads that fail at rest") {
  SpoiledMesh mesh;
  mesh.world_.disk(mesh.holders().front()).damage(mesh.path());
  CHECK(mesh.promise_at_rest() == "I2");

  SpoiledMesh other;
  const std::string name = "image";
  other.checks_.on_lookup({name, 0, other.world_.now(), nullptr, true});
  CHECK(other.promise() == "I2");
}

TEST_CASE("simulations: I3 finds bytes that differ from the record") {
  SpoiledMesh mesh;
  const ImageRecord record = mesh.record();
  const Bytes bytes{1, 2, 3};
  mesh.checks_.on_bytes({record, 0, &bytes, false});
  CHECK(mesh.promise() == "I3");
}

TEST_CASE("simulations: I4 finds a confirmed answer that is too old, and one that says no") {
  SpoiledMesh mesh;
  ImageRecord old = mesh.record();
  --old.version.clock;
  const LookupAnswer answer = found(old);
  const std::string name = "image";
  mesh.checks_.on_lookup({name, 0, mesh.world_.now(), &answer, false});
  CHECK(mesh.promise() == "I4");

  SpoiledMesh other;
  LookupAnswer none;
  none.code = ErrorCode::not_found;
  other.checks_.on_lookup({name, 0, other.world_.now(), &none, false});
  CHECK(other.promise() == "I4");

  SpoiledMesh third;
  const std::vector<ListEntry> entries;
  third.checks_.on_list({name, 0, third.world_.now(), entries, true, true, false});
  CHECK(third.promise() == "I4");
}

TEST_CASE("simulations: I4 lets unconfirmed answers be old") {
  SpoiledMesh mesh;
  LookupAnswer none;
  none.code = ErrorCode::not_found;
  none.confirmed = false;
  const std::string name = "image";
  mesh.checks_.on_lookup({name, 0, mesh.world_.now(), &none, false});
  CHECK(mesh.promise() == "");
}

TEST_CASE("simulations: I5 finds a winner older than an acknowledged write") {
  SpoiledMesh mesh;
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
  SpoiledMesh mesh;
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

TEST_CASE("simulations: I10 finds files that no record names") {
  SpoiledMesh mesh;
  mesh.world_.run_for(150s);
  mesh.world_.disk(0).write_file("blobs/aa/bb/cc.png", {1});
  CHECK(mesh.promise_at_rest() == "I10");
}

TEST_CASE("simulations: I11 finds a result of other bytes, and a second one") {
  SpoiledMesh mesh;
  RunInput input;
  input.digest = mesh.record().digest;
  const std::string name = "image";
  const Bytes wrong{1};
  mesh.checks_.on_run({name, 0, input, wrong, 1});
  CHECK(mesh.promise() == "I11");

  SpoiledMesh other;
  const std::string text = "made of " + to_text(input.digest);
  const Bytes right(text.begin(), text.end());
  other.checks_.on_run({name, 0, input, right, 1});
  CHECK(other.promise() == "");
  other.checks_.on_run({name, 0, input, right, 2});
  CHECK(other.promise() == "I11");
}

TEST_CASE("simulations: I14 finds a record that stepped back") {
  SpoiledMesh mesh;
  mesh.checks_.on_crashed(2);
  CHECK(mesh.promise() == "");
  mesh.world_.state(2).restore({});
  mesh.checks_.on_crashed(2);
  CHECK(mesh.promise() == "I14");
}

TEST_CASE("simulations: I16 finds a forged record on its way to a disk") {
  SpoiledMesh mesh;
  mesh.checks_.on_record_changing(0, {}, "forged-1", false);
  CHECK(mesh.promise() == "I16");
}

TEST_CASE("simulations: I16 finds a record that its member never signed") {
  SpoiledMesh mesh;
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
  SpoiledMesh mesh;
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
  SpoiledMesh mesh;
  CheckPtr check = make_i17(mesh.scene());
  check->at_rest();
  CHECK(mesh.promise() == "");
  mesh.world_.crash(mesh.holders().back());  // nothing is at rest: the others miss its copies
  mesh.world_.run_for(20s);
  check->at_rest();
  CHECK(mesh.promise() == "I17");
}

TEST_CASE("simulations: I5 finds a wish that was written anew when it was said once more") {
  SpoiledMesh mesh;
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

TEST_CASE("simulations: I8 finds a node that places partitions elsewhere") {
  SpoiledMesh mesh;
  mesh.world_.note_forgotten(3);  // expected without it from now on, and nobody told the nodes
  make_i08(mesh.scene())->at_rest();
  CHECK(mesh.promise() == "I8");
}

TEST_CASE("simulations: I9 finds a fetch of bytes that are there") {
  SpoiledMesh mesh;
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

TEST_CASE("simulations: I9 finds a fetch of bytes that another disk of the node has") {
  NodePlan plan;
  plan.disks = 2;
  SpoiledMesh mesh(plan);
  mesh.world_.run_for(35s);
  const std::uint32_t holder = mesh.holders().front();
  const VirtualDisk& with_image = mesh.world_.disk_of(holder, mesh.partition());
  StreamOpen open;
  open.digest = mesh.record().digest;
  open.media = mesh.record().media;
  const auto is_elsewhere = [&] {
    const auto lists = mesh.world_.stored_lists(holder, open.partition);
    return lists && is_holder(*lists, mesh.world_.id_of(holder)) &&
           &mesh.world_.disk_of(holder, open.partition) != &with_image;
  };
  while (!is_elsewhere()) ++open.partition.raw;
  mesh.checks_.on_sent(holder, 0, Plane::bulk, encode(BulkMessage{open}));
  CHECK(mesh.promise() == "I9");
}

TEST_CASE("simulations: I12 finds a queue over its bound") {
  SpoiledMesh mesh;
  LoadAnswer load;
  load.queued = LanesOptions{}.queue_max;
  mesh.checks_.on_sent(0, 1, Plane::control, encode(Message{load}));
  CHECK(mesh.promise() == "");
  ++load.queued;
  mesh.checks_.on_sent(0, 1, Plane::control, encode(Message{load}));
  CHECK(mesh.promise() == "I12");
}

TEST_CASE("simulations: I13 finds a run that goes to a node believed silent") {
  SpoiledMesh mesh;
  const Bytes probe = encode(Message{ProbeLoad{}});
  const CheckPtr check = make_i13(mesh.scene());
  const auto asks = [&](std::vector<std::uint32_t> holders) {
    for (const std::uint32_t holder : holders) check->on_sent(0, holder, Plane::control, probe);
    check->on_scan();
  };
  asks({1, 3});
  CHECK(mesh.promise() == "");
  mesh.world_.crash(3);
  mesh.world_.run_for(20s);
  asks({3});
  CHECK(mesh.promise() == "");  // nobody else has it
  asks({1, 3});
  CHECK(mesh.promise() == "I13");
}

TEST_CASE("simulations: I13 finds a run whose candidates are believed silent") {
  SpoiledMesh mesh;
  RunCandidates where;
  const auto tells = [&](std::vector<std::uint32_t> holders) {
    where.candidates.clear();
    for (const std::uint32_t holder : holders) {
      where.candidates.emplace_back().node = mesh.world_.id_of(holder);
    }
    mesh.say(0, MeshClient::first_party, where);
  };
  tells({1, 3});
  CHECK(mesh.promise() == "");
  mesh.world_.crash(3);
  mesh.world_.run_for(20s);
  tells({3});
  CHECK(mesh.promise() == "");  // nobody else has it
  tells({1, 3});
  CHECK(mesh.promise() == "I13");
}

TEST_CASE("simulations: I13 finds nodes that suspect and never ask others to probe") {
  SpoiledMesh mesh;
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
  SpoiledMesh mesh;
  CommitRequest commit;
  commit.record = mesh.record();
  commit.record.version = clocked_version(~0ULL, mesh.world_.id_of(1));
  mesh.checks_.on_sent(2, 1, Plane::control, encode(Message{commit}));
  CHECK(mesh.promise() == "");  // another node's version
  mesh.checks_.on_sent(1, 2, Plane::control, encode(Message{commit}));
  CHECK(mesh.promise() == "I14");

  SpoiledMesh other;
  other.world_.crash(1);
  other.world_.restart(1);
  other.world_.run_for(5s);
  other.world_.crash(1);
  other.checks_.on_sent(1, 2, Plane::control, encode(Message{Ping{}}));
  CHECK(other.promise() == "I14");
}

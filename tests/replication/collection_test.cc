// Tombstones that every holder has are forgotten, and what they deleted does not come back.
#include "replication/collection.h"

#include <doctest/doctest.h>

#include "base/digest.h"
#include "replication/answers.h"
#include "replication/collected.h"
#include "replication/partition_sync.h"
#include "sample_view.h"

using namespace pixmesh;

namespace {

constexpr Instant start{};
constexpr PartitionId partition{7};
constexpr TombstoneCollection::Options options{.kept_for = 10s, .interval = 3s};
const Result<DiskAnswer> done = DiskAnswer(Done{});
const HolderLists lists{nodes({1, 2, 3}), 1, nodes({1, 2, 3})};

ImageRecord record_of(const std::string& name, std::uint64_t clock, bool tombstone) {
  ImageRecord record;
  record.name = name;
  record.version = {clock, node(9)};
  record.tombstone = tombstone;
  return record;
}

// A record's bytes are its name, its clock and whether it is a tombstone: enough for these tests.
RecordCodec codec_of_names() {
  RecordCodec codec;
  codec.encode_record = [](const ImageRecord& record) {
    Bytes bytes(record.name.begin(), record.name.end());
    bytes.push_back(static_cast<std::uint8_t>(record.version.clock));
    bytes.push_back(record.tombstone ? 1 : 0);
    return bytes;
  };
  codec.decode_record = [](ByteView bytes) -> Result<ImageRecord> {
    const ByteView name = bytes.first(bytes.size() - 2);
    return record_of(std::string(name.begin(), name.end()), bytes[bytes.size() - 2],
                     bytes.back() == 1);
  };
  codec.encode_lists = [](const HolderLists& encoded) {
    return Bytes{static_cast<std::uint8_t>(encoded.number)};
  };
  return codec;
}

/// Node 1, the lowest of three holders, with one live image and one tombstone of clock 20.
struct Collecting {
  Collecting() : collection(OperationId{5}, view, codec, {partition}, options) {
    view.lists_of = [this](PartitionId) { return known; };
    view.collected_of = [this](PartitionId one) { return collection.collected_of(one); };
    (void)collection.start(start);
  }
  /// A round from its beginning to what it asks of the others.
  Effects round(Instant now) {
    Effects effects = collection.on_deadline(now);
    REQUIRE(count_of<UseDisk>(effects) == 1);
    DiskSummary summary;
    summary.partitions.push_back(
        {.partition = partition, .fingerprint = 77, .record_count = 2, .image_count = 1});
    effects = collection.on_disk(now, DiskAnswer(summary));
    if (count_of<UseDisk>(effects) == 0) return effects;
    RecordPage page;
    page.records.push_back(codec.encode_record(record_of("gone", 20, true)));
    page.records.push_back(codec.encode_record(record_of("here", 30, false)));
    return collection.on_disk(now, DiskAnswer(page));
  }
  Effects same_as(std::uint8_t other, std::vector<PartitionId> different = {}) {
    return collection.on_message(start + 13s, node(other),
                                 FingerprintAnswer{OperationId{5}, std::move(different), asked});
  }
  Effects raised_by(std::uint8_t other) {
    return collection.on_message(start + 13s, node(other),
                                 CollectAnswer{OperationId{5}, {partition}});
  }

  std::uint64_t asked = 2;  // the round of comparisons that is answered
  MeshView view = view_of({1, 2, 3});
  HolderLists known = lists;
  RecordCodec codec = codec_of_names();
  TombstoneCollection collection;
};

bool all_are(CollectStep step, const Effects& effects) {
  const auto requests = asked<CollectRequest>(effects);
  return requests.size() == 3 && std::ranges::all_of(requests, [step](const auto& one) {
           return one.second.step == step && one.second.entries.size() == 1 &&
                  one.second.entries.front().clock == 20;
         });
}

}  // namespace

TEST_CASE("collection: holders that have the same raise the clock, and drop when all have") {
  Collecting mesh;
  CHECK(mesh.round(start + 3s).empty());  // seen for the first time
  const Effects compared = mesh.round(start + 13s);
  const auto questions = asked<FingerprintRequest>(compared);
  REQUIRE(questions.size() == 2);
  CHECK(questions.front().second.mine.front().sum == 77);
  CHECK(questions.front().second.mine.front().lists == sum_of(mesh.codec, lists));

  CHECK(mesh.same_as(2).empty());
  CHECK(all_are(CollectStep::raise, mesh.same_as(3)));
  CHECK(mesh.raised_by(1).empty());
  CHECK(mesh.raised_by(3).empty());
  CHECK(all_are(CollectStep::drop, mesh.raised_by(2)));
}

TEST_CASE("collection: nothing is collected of a partition that a holder has otherwise") {
  Collecting mesh;
  (void)mesh.round(start + 3s);
  (void)mesh.round(start + 13s);
  CHECK(mesh.same_as(2, {partition}).empty());
  CHECK(mesh.same_as(3).empty());
}

TEST_CASE("collection: an answer to a round that was given up says nothing about this one") {
  Collecting mesh;
  (void)mesh.round(start + 3s);
  (void)mesh.round(start + 13s);
  mesh.asked = 1;
  CHECK(mesh.same_as(2).empty());
  CHECK(mesh.same_as(3).empty());
  mesh.asked = 2;
  CHECK(mesh.same_as(2).empty());
  CHECK(all_are(CollectStep::raise, mesh.same_as(3)));
}

TEST_CASE("collection: nothing is dropped while one holder has not raised its clock") {
  Collecting mesh;
  (void)mesh.round(start + 3s);
  (void)mesh.round(start + 13s);
  (void)mesh.same_as(2);
  (void)mesh.same_as(3);
  CHECK(mesh.raised_by(1).empty());
  CHECK(mesh.raised_by(2).empty());
  CHECK(mesh.raised_by(2).empty());
}

TEST_CASE("collection: a partition in motion, or with a silent holder, is left alone") {
  Collecting mesh;
  (void)mesh.round(start + 3s);
  mesh.known.target = nodes({1, 2, 4});
  CHECK(mesh.round(start + 13s).empty());
  mesh.known = lists;
  mesh.view.alive = nodes({1, 2});
  CHECK(mesh.round(start + 23s).empty());
}

TEST_CASE("collection: a holder raises its clock durably before it says so") {
  MeshView view = view_of({1, 2, 3});
  view.lists_of = [](PartitionId) { return lists; };
  const RecordCodec codec = codec_of_names();
  const std::uint64_t sum = sum_of(codec, lists);
  const CollectRequest request{OperationId{5}, CollectStep::raise, {{partition, sum, 20}}};
  CollectTombstones raising(OperationId{6}, view, codec, request, LinkId{4});

  const Effects written = raising.start(start);
  const auto& rows = std::get<PutValues>(std::get<UseDisk>(written.front()).operation).rows;
  CHECK(rows.front().table == Table::collected);
  CHECK(number_in_row(*rows.front().value) == 20);
  const Effects said = raising.on_disk(start, done);
  REQUIRE(said.size() == 2);
  CHECK(std::get<RaiseCollected>(said.front()).clock == 20);
  CHECK(raising.finished());

  CollectTombstones refusing(OperationId{6}, view, codec, request, LinkId{4});
  view.lists_of = [](PartitionId) { return HolderLists{nodes({1, 2, 3}), 2, nodes({1, 2, 3})}; };
  CHECK(refusing.start(start).empty());
}

TEST_CASE("collection: a holder drops tombstones up to the clock it has raised, and no image") {
  MeshView view = view_of({1, 2, 3});
  view.lists_of = [](PartitionId) { return lists; };
  view.collected_of = [](PartitionId) { return 20; };
  const RecordCodec codec = codec_of_names();
  CollectTombstones dropping(
      OperationId{6}, view, codec,
      {OperationId{5}, CollectStep::drop, {{partition, sum_of(codec, lists), 25}}}, LinkId{4});
  (void)dropping.start(start);
  RecordPage page;
  page.records.push_back(codec.encode_record(record_of("gone", 20, true)));
  page.records.push_back(codec.encode_record(record_of("late", 21, true)));
  page.records.push_back(codec.encode_record(record_of("here", 10, false)));
  const Effects drops = dropping.on_disk(start, DiskAnswer(page));
  REQUIRE(count_of<UseDisk>(drops) == 1);
  const auto& drop = std::get<DropRecord>(std::get<UseDisk>(drops.front()).operation);
  CHECK(drop.name_digest == name_digest_of("gone"));
  (void)dropping.on_disk(start, done);
  CHECK(dropping.finished());
}

namespace {

/// A sync at node 1 that found these records here and is told of others by nodes 2 and 3.
struct Syncing {
  Syncing(HolderLists ours, std::optional<Quorums> judges, std::vector<ImageRecord> here)
      : sync(OperationId{8}, view, codec, partition, nodes({2, 3}), false, std::nullopt,
             std::move(judges)) {
    view.lists_of = [ours](PartitionId) { return ours; };
    view.collected_of = [this](PartitionId) { return collected; };
    (void)sync.start(start);
    (void)sync.on_disk(start, DiskAnswer(TableRows{}));
    RecordPage page;
    for (const ImageRecord& record : here) page.records.push_back(codec.encode_record(record));
    (void)sync.on_disk(start, DiskAnswer(page));
  }
  Effects hear(std::uint8_t from, std::vector<ImageRecord> records, std::uint64_t clock) {
    InventoryAnswer answer{OperationId{8}, {}, std::move(records), true, false, false, clock};
    return sync.on_message(start, node(from), answer);
  }

  MeshView view = view_of({1, 2, 3});
  std::uint64_t collected = 0;
  RecordCodec codec = codec_of_names();
  PartitionSync sync;
};

const HolderLists joining{nodes({2, 3, 4}), 1, nodes({1, 2, 3})};

}  // namespace

TEST_CASE("collection: who joins the holders drops what was collected, and nothing newer") {
  Syncing sync(
      joining, Quorums{{nodes({2, 3, 4}), 2}},
      {record_of("back", 10, false), record_of("kept", 11, false), record_of("new", 30, false)});
  const std::uint8_t first = partition.raw % 2 == 1 ? 2 : 3;  // whom it asks first
  (void)sync.hear(first, {record_of("kept", 11, false)}, 20);
  const Effects raised = sync.hear(5 - first, {}, 15);
  REQUIRE(count_of<UseDisk>(raised) == 1);
  const auto& rows = std::get<PutValues>(std::get<UseDisk>(raised.front()).operation).rows;
  CHECK(number_in_row(*rows.front().value) == 20);

  const Effects listed = sync.sync.on_disk(start, done);
  CHECK(count_of<RaiseCollected>(listed) == 1);
  RecordPage page;
  for (const auto& record :
       {record_of("back", 10, false), record_of("kept", 11, false), record_of("new", 30, false)}) {
    page.records.push_back(sync.codec.encode_record(record));
  }
  const Effects drops = sync.sync.on_disk(start, DiskAnswer(page));
  REQUIRE(count_of<UseDisk>(drops) == 1);
  const auto& drop = std::get<DropRecord>(std::get<UseDisk>(drops.front()).operation);
  CHECK(drop.name_digest == name_digest_of("back"));
}

TEST_CASE("collection: who heard too few judges drops nothing and raises nothing") {
  Syncing sync(joining, Quorums{{nodes({2, 3, 4}), 2}}, {record_of("back", 10, false)});
  const std::uint8_t first = partition.raw % 2 == 1 ? 2 : 3;
  (void)sync.hear(first, {}, 20);
  InventoryAnswer refused{OperationId{8}, ErrorCode::failed, {}, true, false, false, 0};
  CHECK(sync.sync.on_message(start, node(5 - first), refused).empty());
  CHECK(sync.sync.finished());
}

TEST_CASE("collection: a settled holder keeps images that another lacks, whatever that collected") {
  Syncing sync(lists, std::nullopt, {record_of("here", 10, false), record_of("gone", 12, true)});
  const std::uint8_t first = partition.raw % 2 == 1 ? 2 : 3;
  (void)sync.hear(first, {}, 20);
  (void)sync.hear(5 - first, {}, 20);
  (void)sync.sync.on_disk(start, done);
  RecordPage page;
  page.records.push_back(sync.codec.encode_record(record_of("here", 10, false)));
  page.records.push_back(sync.codec.encode_record(record_of("gone", 12, true)));
  const Effects drops = sync.sync.on_disk(start, DiskAnswer(page));
  REQUIRE(count_of<UseDisk>(drops) == 1);
  const auto& drop = std::get<DropRecord>(std::get<UseDisk>(drops.front()).operation);
  CHECK(drop.name_digest == name_digest_of("gone"));
}

TEST_CASE("collection: a holder takes neither collected tombstones nor old images of strangers") {
  const std::uint8_t first = partition.raw % 2 == 1 ? 2 : 3;
  Syncing member(lists, std::nullopt, {});
  member.collected = 20;
  CHECK(count_of<UseDisk>(member.hear(first, {record_of("gone", 12, true)}, 20)) == 0);

  Syncing beside(HolderLists{nodes({1, 4, 5}), 1, nodes({1, 4, 5})}, std::nullopt, {});
  beside.collected = 20;
  CHECK(count_of<UseDisk>(beside.hear(first, {record_of("back", 12, false)}, 0)) == 0);
  CHECK(count_of<UseDisk>(beside.hear(5 - first, {record_of("new", 21, false)}, 0)) == 1);
}

namespace {

/// What node 1, which joins the holders under these lists, answers about a name it has.
VersionAnswer answer_of_newcomer(const HolderLists& known) {
  MeshView view = view_of({1, 2, 3});
  view.lists_of = [&](PartitionId) { return known; };
  view.is_joining = [](PartitionId) { return true; };
  view.collected_of = [](PartitionId) { return 5; };
  const RecordCodec codec = codec_of_names();
  ReadVersion reading(OperationId{6}, view, codec,
                      {OperationId{5}, partition, name_digest_of("back"), known, std::nullopt},
                      LinkId{4});
  (void)reading.start(start);
  StoredRecord stored;
  stored.record = codec.encode_record(record_of("back", 10, false));
  const Effects answered = reading.on_disk(start, DiskAnswer(stored));
  return std::get<VersionAnswer>(std::get<Answer>(answered.front()).message);
}

}  // namespace

TEST_CASE("collection: who joins the holders does not answer with what it had before") {
  const VersionAnswer answer = answer_of_newcomer(joining);
  CHECK(answer.code == ErrorCode{});
  CHECK_FALSE(answer.record.has_value());
  CHECK(answer.collected == 5);
}

// A set that was only prepared is the settled one in the eyes of some. Those of the set before it
// may have what was acknowledged by that one, and count in it.
TEST_CASE(
    "collection: who joins a set that may be the next after its own answers with all it has") {
  HolderLists known{nodes({4, 5, 6}), 9, nodes({1, 2, 3})};
  known.earlier = {{nodes({1, 2, 3}), 2, 0, false}};
  CHECK(answer_of_newcomer(known).record.has_value());
}

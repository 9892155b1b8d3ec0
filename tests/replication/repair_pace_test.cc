#include "replication/repair_pace.h"

#include <doctest/doctest.h>

#include "replication/partition_sync.h"
#include "sample_view.h"

using namespace pixmesh;

namespace {

constexpr Instant start{};
constexpr PartitionId partition{7};
constexpr std::uint64_t megabyte = 1'000'000;

/// Copies images of a megabyte, one after the other, each in 10 ms. @returns how many within
/// `span`.
std::uint64_t copies_within(RepairPace& pace, Duration span, bool is_last_copy, bool clients) {
  std::uint64_t count = 0;
  Instant now = start;
  while (now < start + span) {
    if (clients) {
      pace.on_client_work(now);
      pace.on_client_work(now);
    }
    auto slot = pace.open(now, megabyte, is_last_copy);
    if (slot) {
      now += 10ms;
      slot->note_copied(now, megabyte);
      ++count;
    } else {
      CHECK(pace.again_at() > now);
      now = pace.again_at();
    }
  }
  return count;
}

/// Chunks that the source is told it may send.
std::uint32_t granted_by(const Effects& effects) {
  REQUIRE(effects.size() == 1);
  return std::get<StreamCredit>(std::get<SendBulk>(effects.front()).message).count;
}

/// A sync that has read what is here, and is told of three images at node 2.
struct Syncing {
  Syncing() : sync(OperationId{8}, with(view, pace), codec, partition, nodes({2})) {
    codec.encode_record = [](const ImageRecord&) { return Bytes{1}; };
    (void)sync.start(start);
    (void)sync.on_disk(start, DiskAnswer(TableRows{}));
    (void)sync.on_disk(start, DiskAnswer(RecordPage{{}, true}));
  }
  static MeshView& with(MeshView& view, RepairPace& pace) {
    view.pace = &pace;
    return view;
  }
  Effects tell(Instant now) {
    InventoryAnswer page;
    for (const char* name : {"a", "b", "c"}) {
      ImageRecord record;
      record.name = name;
      record.version = {5, node(2)};
      record.size = megabyte;
      page.records.push_back(record);
    }
    return sync.on_message(now, node(2), page);
  }
  RepairPace pace;
  MeshView view = view_of({1, 2, 3});
  RecordCodec codec;
  PartitionSync sync;
};

/// Clients at work beside the copies; `after` from the last time on.
void clients_ask(RepairPace& pace, Instant& now, Duration after) {
  now += after;
  pace.on_client_work(now);
  pace.on_client_work(now);
}

}  // namespace

TEST_CASE("pace: without orders and clients everything may be copied at once") {
  RepairPace pace;
  auto one = pace.open(start, megabyte, false);
  auto other = pace.open(start, 100 * megabyte, false);
  CHECK(one);
  CHECK(other);
}

TEST_CASE("pace: a pause lets nothing begin, and ends by itself or by an order") {
  RepairPace pace;
  pace.pause(start + 10s);
  CHECK(pace.paused_for(start + 4s) == 6s);
  CHECK_FALSE(pace.open(start + 9s, 1, true));
  CHECK(pace.open(start + 10s, 1, false));
  CHECK(pace.paused_for(start + 11s) == 0s);

  pace.pause(start + 60s);
  CHECK_FALSE(pace.open(start + 20s, 1, false));
  pace.resume();
  CHECK(pace.open(start + 20s, 1, false));
}

TEST_CASE("pace: a rate bounds the bytes a second of all copies together") {
  RepairPace pace;
  pace.set_rate(2 * megabyte);
  const std::uint64_t count = copies_within(pace, 60s, false, false);
  CHECK(count >= 119);
  CHECK(count <= 121);
}

TEST_CASE(
    "pace: while clients are at work it keeps to a tenth of the rate, to half for last copies") {
  for (const auto& [is_last_copy, expected] : {std::pair(false, 12U), std::pair(true, 60U)}) {
    RepairPace pace;
    pace.set_rate(2 * megabyte);
    const std::uint64_t count = copies_within(pace, 60s, is_last_copy, true);
    CHECK(count >= expected - 1);
    CHECK(count <= expected + 1);
  }
}

TEST_CASE("pace: without a rate it spends a tenth of the time, half of it for last copies") {
  for (const auto& [is_last_copy, expected] : {std::pair(false, 600U), std::pair(true, 3'000U)}) {
    RepairPace pace;
    const std::uint64_t count = copies_within(pace, 60s, is_last_copy, true);
    CHECK(count >= expected * 9 / 10);
    CHECK(count <= expected * 11 / 10);
  }
}

TEST_CASE("pace: while clients are at work an image comes a chunk at a time, with rests between") {
  RepairPace pace;
  MeshView view = view_of({1, 2});
  std::uint8_t streams = 0;
  view.fresh_stream = [&] { return StreamId{{++streams}}; };
  ImageRecord record;
  record.size = 6 * chunk_bytes_max;
  record.checksums.assign(6, 9);
  const ChunkRef chunk{1, chunk_bytes_max, 9};
  Instant now = start;
  const auto clients_ask = [&] {
    pace.on_client_work(now);
    pace.on_client_work(now);
  };
  clients_ask();
  auto slot = pace.open(now, record.size, false);
  REQUIRE(slot);
  Fetch fetch(view, partition, partition, record, {node(2)}, TempId{1}, {.slot = &*slot});
  (void)fetch.start(now);
  const Effects opened = fetch.on_disk(now, DiskAnswer(Done{}));
  CHECK(std::get<StreamOpen>(std::get<SendBulk>(opened.at(0)).message).credit == 1);

  const auto bring_chunk = [&](std::uint32_t index) {
    clients_ask();
    (void)fetch.on_bulk(now, StreamChunk{StreamId{{1}}, index, index == 5}, chunk);
    return fetch.on_disk(now, DiskAnswer(Done{}));
  };
  for (const std::uint32_t index : {0U, 1U}) {
    now += 10ms;
    CHECK(bring_chunk(index).empty());
    CHECK(fetch.next_deadline() == now + 90ms);
    CHECK(fetch.on_deadline(now + 89ms).empty());
    now += 90ms;
    clients_ask();
    CHECK(granted_by(fetch.on_deadline(now)) == 1);
    CHECK(fetch.next_deadline() == now + 5s);  // from now on the source owes a chunk
  }
  now += 2s;  // nobody asks any more
  (void)fetch.on_bulk(now, StreamChunk{StreamId{{1}}, 2, false}, chunk);
  CHECK(granted_by(fetch.on_disk(now, DiskAnswer(Done{}))) == 4);
}

TEST_CASE(
    "pace: what was on its way when clients came gets one rest, which ends when they have gone") {
  RepairPace pace;
  auto slot = pace.open(start, megabyte, false);
  REQUIRE(slot);
  Instant now = start + 400ms;
  for (int i = 0; i < 4; ++i) {
    now += 10ms;
    pace.on_client_work(now);
    pace.on_client_work(now);
    slot->note_part(now);
    CHECK_FALSE(slot->may_go_on(now));
  }
  const Instant rested = start + 410ms + 9 * 410ms;
  CHECK(slot->look_again_at(now) == now + 500ms);
  CHECK(slot->look_again_at(rested - 1ms) == rested);
  CHECK(slot->may_go_on(now + 1s));
}

TEST_CASE("pace: a last copy begins beside another image, which makes way until it is here") {
  RepairPace pace;
  Instant now = start;
  clients_ask(pace, now, 0ms);
  auto ordinary = pace.open(now, 100 * megabyte, false);
  REQUIRE(ordinary);
  clients_ask(pace, now, 10ms);
  ordinary->note_part(now);

  CHECK_FALSE(pace.open(now, megabyte, true));  // after a rest of half the time
  CHECK(pace.again_at() == now + 10ms);
  clients_ask(pace, now, 10ms);
  auto last_copy = pace.open(now, megabyte, true);
  REQUIRE(last_copy);
  CHECK_FALSE(pace.open(now, megabyte, true));
  clients_ask(pace, now, 80ms);  // the ordinary one would have rested enough
  CHECK_FALSE(ordinary->may_go_on(now));
  CHECK(last_copy->may_go_on(now));
  clients_ask(pace, now, 10ms);
  last_copy->note_copied(now, megabyte);
  last_copy.reset();

  CHECK(ordinary->may_go_on(now));
  CHECK_FALSE(pace.open(now, megabyte, false));  // one ordinary image at a time
}

TEST_CASE("pace: an image that makes way goes on before its source gives it up") {
  RepairPace pace;
  Instant now = start;
  clients_ask(pace, now, 0ms);
  auto ordinary = pace.open(now, 100 * megabyte, false);
  auto last_copy = pace.open(now, 100 * megabyte, true);
  REQUIRE(ordinary);
  REQUIRE(last_copy);
  clients_ask(pace, now, 10ms);
  ordinary->note_part(now);

  clients_ask(pace, now, RepairPace::rest_max - 1ms);
  CHECK_FALSE(ordinary->may_go_on(now));
  clients_ask(pace, now, 1ms);
  CHECK(ordinary->may_go_on(now));
}

TEST_CASE("pace: a slow image does not stop the next one for long") {
  RepairPace pace;
  {
    auto slot = pace.open(start, megabyte, false);
    REQUIRE(slot);
    slot->note_copied(start + 10min, megabyte);
  }
  pace.on_client_work(start + 10min);
  pace.on_client_work(start + 10min);
  CHECK_FALSE(pace.open(start + 10min, megabyte, false));
  pace.on_client_work(start + 10min + RepairPace::rest_max);
  pace.on_client_work(start + 10min + RepairPace::rest_max);
  CHECK(pace.open(start + 10min + RepairPace::rest_max, megabyte, false));
}

TEST_CASE("pace: one question a second is no work to yield to, and what ended yields no more") {
  RepairPace pace;
  for (int second = 0; second < 5; ++second) {
    pace.on_client_work(start + std::chrono::seconds(second));
    CHECK_FALSE(pace.yields(start + std::chrono::seconds(second)));
  }
  pace.on_client_work(start + 4s + 100ms);
  CHECK(pace.yields(start + 4s + 200ms));
  CHECK_FALSE(pace.yields(start + 6s));
}

TEST_CASE("pace: what was copied of late is told a second") {
  RepairPace pace;
  for (int second = 0; second < 30; ++second) {
    const Instant now = start + std::chrono::seconds(second);
    auto slot = pace.open(now, megabyte, false);
    REQUIRE(slot);
    slot->note_copied(now, megabyte);
  }
  CHECK(pace.copied_bytes() == 30 * megabyte);
  CHECK(pace.bytes_a_second(start + 29s) == megabyte);
  CHECK(pace.bytes_a_second(start + 50s) == 0);
}

TEST_CASE("pace: a paused sync fetches nothing, and then asks again what there is") {
  Syncing paused;
  paused.pace.pause(start + 60s);
  CHECK(paused.tell(start).empty());
  CHECK_FALSE(paused.sync.finished());
  Instant now = start;
  while (now < start + 60s) {
    REQUIRE(paused.sync.next_deadline());
    now = std::max(now + 1ms, *paused.sync.next_deadline());
    const Effects effects = paused.sync.on_deadline(now);
    for (const Effect& effect : effects) CHECK(std::holds_alternative<Ask>(effect));
    if (!asked<InventoryRequest>(effects).empty() && now < start + 59s) {
      CHECK(paused.tell(now).empty());
    }
  }

  const Effects effects = paused.tell(now);
  CHECK(count_of<UseDisk>(effects) == 1);  // it looks for the bytes here before it fetches them
}

TEST_CASE("pace: tombstones need no bytes and are not held back") {
  Syncing paused;
  paused.pace.pause(start + 60s);
  InventoryAnswer page;
  ImageRecord gone;
  gone.name = "gone";
  gone.version = {5, node(2)};
  gone.tombstone = true;
  page.records.push_back(gone);
  CHECK(count_of<UseDisk>(paused.sync.on_message(start, node(2), page)) == 1);
}

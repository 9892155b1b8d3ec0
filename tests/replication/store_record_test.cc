#include <doctest/doctest.h>

#include "base/digest.h"
#include "replication/holder_commit.h"
#include "replication/request_memory.h"
#include "sample_view.h"

using namespace pixmesh;

namespace {

const HolderLists lists{nodes({1, 2, 3}), 4, nodes({1, 2, 3}), 0};
constexpr Instant now{};
constexpr PartitionId partition{1};

// Only the version of a record travels; nothing here looks at the rest.
RecordCodec version_codec() {
  RecordCodec codec;
  codec.encode_record = [](const ImageRecord& record) {
    return Bytes{static_cast<std::uint8_t>(record.version.clock)};
  };
  codec.decode_record = [](ByteView bytes) -> Result<ImageRecord> {
    ImageRecord record;
    record.version = {bytes[0], node(1)};
    return record;
  };
  codec.encode_lists = [](const HolderLists&) { return Bytes{1}; };
  codec.decode_lists = [](ByteView) -> Result<HolderLists> { return lists; };
  return codec;
}

CommitRequest request_of(std::uint64_t clock) {
  CommitRequest request;
  request.operation = OperationId{5};
  request.partition = partition;
  request.record.name = "a.png";
  request.record.version = {clock, node(1)};
  request.record.digest = digest_of(bytes_of("a"));
  request.record.size = 1;
  request.record.checksums = {7};
  request.lists = lists;
  return request;
}

MeshView holder_view() {
  MeshView view = view_of({1, 2, 3});
  view.lists_of = [](PartitionId) { return lists; };
  return view;
}

/// The single disk operation among effects, which must be of this kind.
template <typename T>
T only(const Effects& effects) {
  REQUIRE(effects.size() == 1);
  const auto* use = std::get_if<UseDisk>(&effects[0]);
  REQUIRE(use != nullptr);
  REQUIRE(std::holds_alternative<T>(use->operation));
  return std::get<T>(use->operation);
}

CommitCode answered(const Effects& effects) {
  for (const Effect& effect : effects) {
    const auto* answer = std::get_if<Answer>(&effect);
    if (answer != nullptr) return std::get<CommitAnswer>(answer->message).code;
  }
  return CommitCode{};
}

const Result<DiskAnswer> done = DiskAnswer(Done{});

IngressBudget ingress(96);

}  // namespace

TEST_CASE(
    "holder commit: it answers only after bytes, record file, folders and index are durable") {
  const MeshView view = holder_view();
  const RecordCodec codec = version_codec();
  HolderCommit commit(OperationId{8}, view, codec, request_of(10), TempId{3}, LinkId{4}, ingress);

  (void)only<FindRecord>(commit.start(now));
  CHECK(only<PublishTemp>(commit.on_disk(now, DiskAnswer(StoredRecord{}))).temp == TempId{3});
  (void)only<WriteFile>(commit.on_disk(now, done));
  CHECK(only<SyncFolders>(commit.on_disk(now, done)).paths.size() == 2);
  const auto index = only<CommitRecord>(commit.on_disk(now, done));
  CHECK_FALSE(index.fence.empty());
  CHECK(index.also.size() == 1);
  CHECK_FALSE(commit.finished());
  const Effects last = commit.on_disk(
      now, DiskAnswer(CommitOutcome{static_cast<std::uint8_t>(CommitCode::stored), {}}));

  CHECK(answered(last) == CommitCode::stored);
  CHECK(commit.finished());
}

TEST_CASE("holder commit: a disk that fails at any step is never answered as durable") {
  const MeshView view = holder_view();
  const RecordCodec codec = version_codec();
  for (int failing = 0; failing < 5; ++failing) {
    CAPTURE(failing);
    HolderCommit commit(OperationId{8}, view, codec, request_of(10), TempId{3}, LinkId{4}, ingress);
    (void)commit.start(now);
    Effects effects;
    for (int step = 0; step <= failing; ++step) {
      const Result<DiskAnswer> good =
          step == 0 ? Result<DiskAnswer>(DiskAnswer(StoredRecord{})) : done;
      const Result<DiskAnswer> bad = Error{ErrorCode::failed, "EIO"};
      effects = commit.on_disk(now, step == failing ? bad : good);
    }
    CHECK(answered(effects) == CommitCode::failed);
    CHECK(commit.finished());
  }
}

TEST_CASE("holder commit: of a version older than ours only the wish is kept, and the bytes go") {
  const MeshView view = holder_view();
  const RecordCodec codec = version_codec();
  HolderCommit commit(OperationId{8}, view, codec, request_of(10), TempId{3}, LinkId{4}, ingress);
  (void)commit.start(now);

  const auto remembered = only<PutValues>(commit.on_disk(now, DiskAnswer(StoredRecord{Bytes{11}})));
  const Effects effects = commit.on_disk(now, done);

  REQUIRE(remembered.rows.size() == 1);
  CHECK(remembered.rows[0].table == Table::requests);
  CHECK(answered(effects) == CommitCode::superseded);
  CHECK(count_of<UseDisk>(effects) == 1);
  CHECK(commit.finished());
}

TEST_CASE(
    "holder commit: a wish that the record overtook is remembered, also where it lies already") {
  const MeshView view = holder_view();
  const RecordCodec codec = version_codec();
  CommitRequest request = request_of(10);
  RequestId wish;
  wish.raw[0] = 7;
  request.overtaken = RememberedWish{wish, Version{6, node(2)}};
  HolderCommit commit(OperationId{8}, view, codec, request, std::nullopt, LinkId{4}, ingress);
  (void)commit.start(now);

  const auto remembered = only<PutValues>(commit.on_disk(now, DiskAnswer(StoredRecord{Bytes{10}})));
  REQUIRE(remembered.rows.size() == 2);
  CHECK(remembered.rows[1].key == request_key(partition, wish));
  CHECK(parse_request_row(*remembered.rows[1].value) == Version{6, node(2)});
  CHECK(answered(commit.on_disk(now, done)) == CommitCode::already);
}

TEST_CASE("holder commit: an asker with other lists is told ours, and nothing is stored") {
  const MeshView view = holder_view();
  const RecordCodec codec = version_codec();
  CommitRequest request = request_of(10);
  request.lists.number = 3;
  HolderCommit commit(OperationId{8}, view, codec, request, std::nullopt, LinkId{4}, ingress);

  const Effects effects = commit.start(now);

  CHECK(answered(effects) == CommitCode::stale);
  CHECK(count_of<UseDisk>(effects) == 0);
}

TEST_CASE(
    "holder commit: what it must fetch counts in the node's ingress, and is refused beyond it") {
  const MeshView view = holder_view();
  const RecordCodec codec = version_codec();
  CommitRequest request = request_of(10);
  request.sources = nodes({2});
  IngressBudget room_for_one(1);
  const Result<DiskAnswer> absent = Error{ErrorCode::not_found, "not here"};
  const auto fetch = [&](HolderCommit& commit) {
    (void)commit.start(now);
    (void)commit.on_disk(now, DiskAnswer(StoredRecord{}));
    return commit.on_disk(now, absent);
  };
  {
    HolderCommit first(OperationId{8}, view, codec, request, std::nullopt, LinkId{4}, room_for_one);
    (void)only<CreateTemp>(fetch(first));
    HolderCommit second(OperationId{9}, view, codec, request, std::nullopt, LinkId{4},
                        room_for_one);
    const Effects refused = fetch(second);
    CHECK(answered(refused) == CommitCode::failed);
    CHECK(count_of<UseDisk>(refused) == 0);
  }
  HolderCommit later(OperationId{10}, view, codec, request, std::nullopt, LinkId{4}, room_for_one);
  (void)only<CreateTemp>(fetch(later));
}

TEST_CASE("store record: a full disk is told apart from a failed one") {
  const MeshView view = holder_view();
  const RecordCodec codec = version_codec();
  HolderCommit commit(OperationId{8}, view, codec, request_of(10), TempId{3}, LinkId{4}, ingress);
  (void)commit.start(now);
  (void)commit.on_disk(now, DiskAnswer(StoredRecord{}));
  const Effects last = commit.on_disk(now, Error{ErrorCode::no_space, "ENOSPC"});
  CHECK(answered(last) == CommitCode::no_space);
}

TEST_CASE("store record: a disk is told that the commit of a record file will not come") {
  const MeshView view = holder_view();
  const RecordCodec codec = version_codec();
  HolderCommit commit(OperationId{8}, view, codec, request_of(10), TempId{3}, LinkId{4}, ingress);
  (void)commit.start(now);
  (void)commit.on_disk(now, DiskAnswer(StoredRecord{}));
  (void)commit.on_disk(now, done);
  (void)only<SyncFolders>(commit.on_disk(now, done));

  const Effects last = commit.on_disk(now, Error{ErrorCode::failed, "EIO"});

  CHECK(answered(last) == CommitCode::failed);
  CHECK(std::ranges::any_of(last, [](const Effect& effect) {
    const auto* use = std::get_if<UseDisk>(&effect);
    return use != nullptr && std::holds_alternative<AbandonRecord>(use->operation);
  }));
}

// Seed 428.
TEST_CASE(
    "holder commit: who is no holder any more stores nothing, though its lists are the same") {
  MeshView view = holder_view();
  view.self = node(9);
  const RecordCodec codec = version_codec();
  HolderCommit commit(OperationId{8}, view, codec, request_of(10), TempId{3}, LinkId{4}, ingress);

  const Effects effects = commit.start(now);

  CHECK(answered(effects) == CommitCode::stale);
  CHECK(commit.finished());
}

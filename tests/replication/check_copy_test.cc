#include "replication/check_copy.h"

#include <doctest/doctest.h>

#include "base/digest.h"
#include "sample_view.h"

using namespace pixmesh;

namespace {

constexpr Instant now{};
constexpr PartitionId partition{1};
const Digest digest = digest_of(bytes_of("a"));
const Result<DiskAnswer> done = DiskAnswer(Done{});

MeshView holder_view() {
  MeshView view = view_of({1, 2, 3});
  view.lists_of = [](PartitionId) { return HolderLists{nodes({1, 2, 3}), 4, nodes({1, 2, 3}), 0}; };
  return view;
}

Result<DiskAnswer> verified(bool intact, bool marked = false) {
  BlobVerified answer;
  answer.digest = digest;
  answer.size = 1;
  answer.intact = intact;
  answer.marked = marked;
  answer.detail = intact ? "" : "it has another digest";
  return DiskAnswer(std::move(answer));
}

}  // namespace

TEST_CASE("check copy: a suspected copy that is whole is left alone") {
  const MeshView view = holder_view();
  CheckCopy check(OperationId{8}, view, partition, digest);
  CHECK(wanted<VerifyBlob>(check.start(now)) != nullptr);
  CHECK(check.on_disk(now, verified(true)).empty());
  CHECK(check.finished());
  CHECK(check.code() == ErrorCode{});
}

// 4 at 8c36a6e, once reads failed for the scrub too: a node alone missed copies for ever.
TEST_CASE("check copy: one that is marked and whole after all loses its mark") {
  const MeshView view = holder_view();
  CheckCopy check(OperationId{8}, view, partition, digest);
  (void)check.start(now);
  BlobVerified whole;
  whole.digest = digest;
  whole.marked = true;
  const Effects unmark = check.on_disk(now, DiskAnswer(whole));
  REQUIRE(wanted<PutValues>(unmark) != nullptr);
  CHECK_FALSE(wanted<PutValues>(unmark)->rows.front().value.has_value());
  CHECK(check.on_disk(now, done).empty());  // nothing to sync
  CHECK(check.finished());
  CHECK(check.code() == ErrorCode{});
}

TEST_CASE("check copy: a damaged one is marked durably before its partition is synced") {
  const MeshView view = holder_view();
  CheckCopy check(OperationId{8}, view, partition, digest);
  (void)check.start(now);
  const Effects mark = check.on_disk(now, verified(false));
  REQUIRE(wanted<PutValues>(mark) != nullptr);
  CHECK(wanted<PutValues>(mark)->rows.front().value.has_value());
  CHECK(count_of<StartSync>(mark) == 0);
  CHECK_FALSE(check.finished());

  const Effects sync = check.on_disk(now, done);
  REQUIRE(count_of<StartSync>(sync) == 1);
  CHECK(std::get<StartSync>(sync.front()).sources == nodes({2, 3}));
  CHECK(check.code() == ErrorCode::corrupt);
}

TEST_CASE("check copy: what is damaged on a disk is mended for a partition that names it") {
  MeshView view = holder_view();
  view.partition_count = 16;
  CheckCopy check(OperationId{8}, view, PartitionId{901}, digest);
  CHECK(std::get<UseDisk>(check.start(now).front()).partition == PartitionId{901});
  BlobVerified damaged;
  damaged.digest = digest;
  damaged.partition = partition;
  damaged.intact = false;
  const Effects mark = check.on_disk(now, DiskAnswer(damaged));
  CHECK(std::get<UseDisk>(mark.front()).partition == PartitionId{901});
  const Effects sync = check.on_disk(now, done);
  REQUIRE(count_of<StartSync>(sync) == 1);
  CHECK(std::get<StartSync>(sync.front()).partition == partition);
}

// Else holders that all have damaged copies would fetch them from each other for ever.
TEST_CASE("check copy: one that is marked already is not asked for once more") {
  const MeshView view = holder_view();
  CheckCopy check(OperationId{8}, view, partition, digest);
  (void)check.start(now);
  CHECK(check.on_disk(now, verified(false, true)).empty());
  CHECK(check.finished());
  CHECK(check.code() == ErrorCode::corrupt);
  CHECK_FALSE(check.is_news());
}

TEST_CASE("check copy: nothing is marked for bytes that no record names") {
  const MeshView view = holder_view();
  CheckCopy check(OperationId{8}, view, partition, digest);
  (void)check.start(now);
  CHECK(check.on_disk(now, DiskAnswer(BlobVerified{})).empty());
  CHECK(check.code() == ErrorCode::not_found);
}

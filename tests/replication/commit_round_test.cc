#include <doctest/doctest.h>

#include <algorithm>

#include "replication/commit_round.h"
#include "sample_view.h"

using namespace pixmesh;

namespace {

const HolderLists lists{nodes({1, 2, 3}), 4, nodes({1, 2, 3}), 0};
constexpr Instant start{};

CommitAnswer said(CommitCode code, const HolderLists& by) {
  return {OperationId{5}, code, by, "why"};
}

}  // namespace

TEST_CASE("commit round: it is acknowledged when W holders have it durably, not before") {
  const MeshView view = view_of({1, 2, 3});
  CommitRound round(OperationId{5}, view, PartitionId{1}, lists);
  CHECK(asked<CommitRequest>(round.offer_all_alive()).size() == 3);
  CHECK_FALSE(round.acknowledged());
  (void)round.on_answer(start, node(1), said(CommitCode::stored, lists));
  CHECK_FALSE(round.acknowledged());
  (void)round.on_answer(start, node(1), said(CommitCode::stored, lists));
  CHECK_FALSE(round.acknowledged());
  (void)round.on_answer(start, node(2), said(CommitCode::superseded, lists));
  CHECK(round.acknowledged());
  CHECK(round.waiting());
  CHECK(round.receipt(OperationId{9}).copies == 2);
  CHECK(round.missing() == nodes({3}));
}

TEST_CASE("commit round: in motion W of the old set alone is not enough") {
  const MeshView view = view_of({1, 2, 3, 4, 5});
  const HolderLists moving{nodes({1, 2, 3}), 4, nodes({3, 4, 5}), 0};
  CommitRound round(OperationId{5}, view, PartitionId{1}, moving);
  (void)round.offer_all_alive();
  for (const NodeId& holder : nodes({1, 2})) {
    (void)round.on_answer(start, holder, said(CommitCode::stored, moving));
  }
  CHECK_FALSE(round.acknowledged());
  for (const NodeId& holder : nodes({4, 5})) {
    (void)round.on_answer(start, holder, said(CommitCode::stored, moving));
  }
  CHECK(round.acknowledged());
}

TEST_CASE("commit round: what was stored under older lists is offered again under the newer") {
  const MeshView view = view_of({1, 2, 3, 4});
  const HolderLists later{nodes({1, 2, 3}), 5, nodes({2, 3, 4}), 0};
  CommitRound round(OperationId{5}, view, PartitionId{1}, lists);
  (void)round.offer_all_alive();
  (void)round.on_answer(start, node(1), said(CommitCode::stored, lists));
  const Effects told = round.on_answer(start, node(2), said(CommitCode::stale, later));
  CHECK(count_of<ListsDiffer>(told) == 1);
  (void)round.on_answer(start, node(3), said(CommitCode::stored, lists));  // counts no more
  CHECK_FALSE(round.acknowledged());

  REQUIRE(round.next_deadline().has_value());
  const auto again = asked<CommitRequest>(round.on_deadline(*round.next_deadline()));
  CHECK(again.size() == 4);
  for (const auto& [to, request] : again) {
    CHECK(request.lists == later);
    const bool names_source =
        std::find(request.sources.begin(), request.sources.end(), node(1)) != request.sources.end();
    CHECK(names_source == (to != node(1)));
  }
}

TEST_CASE("commit round: who got the bytes and is no holder any more is not told to keep them") {
  const MeshView view = view_of({1, 2, 3, 4});
  CommitRound round(OperationId{5}, view, PartitionId{1}, lists);
  CHECK(asked<CommitRequest>(round.offer(node(4), StreamId{1})).empty());
  CHECK_FALSE(round.waiting());
}

TEST_CASE("commit round: with too many holders failed or silent it is not possible any more") {
  const MeshView view = view_of({1, 2});
  CommitRound round(OperationId{5}, view, PartitionId{1}, lists);
  (void)round.offer_all_alive();
  CHECK(round.possible());
  (void)round.on_answer(start, node(2), said(CommitCode::failed, lists));
  CHECK_FALSE(round.possible());
  CHECK(round.failure().detail == "why");
}

TEST_CASE("commit round: want of space is told before any other reason, and where") {
  const MeshView view = view_of({1, 2, 3});
  CommitRound round(OperationId{5}, view, PartitionId{1}, lists);
  (void)round.offer_all_alive();
  CHECK(round.failure().code == ErrorCode::unreachable);
  (void)round.on_answer(start, node(2), said(CommitCode::no_space, lists));
  (void)round.on_answer(start, node(3), said(CommitCode::failed, lists));
  CHECK(round.failure().code == ErrorCode::no_space);
  CHECK(round.failure().detail == "holder " + to_text(node(2)) + ": why");
}

TEST_CASE("commit round: nobody is waited for who holds the partition no more") {
  const MeshView view = view_of({1, 2, 3, 4});
  const HolderLists later{nodes({2, 3, 4}), 5, nodes({2, 3, 4}), 0};
  CommitRound round(OperationId{5}, view, PartitionId{1}, lists);
  (void)round.offer_all_alive();
  (void)round.on_answer(start, node(2), said(CommitCode::stale, later));
  CHECK(asked<CommitRequest>(round.on_deadline(start + 60ms)).size() == 3);
  for (const NodeId& holder : later.target) {
    (void)round.on_answer(start, holder, said(CommitCode::stored, later));
  }
  CHECK(round.acknowledged());
  CHECK_FALSE(round.waiting());
}

TEST_CASE(
    "commit round: who has no lists yet is asked again, less and less often, and nobody else") {
  const MeshView view = view_of({1, 2, 3, 4});
  const HolderLists in_motion{nodes({1, 2, 3}), 4, nodes({1, 2, 4}), 0};
  CommitRound round(OperationId{5}, view, PartitionId{1}, in_motion);
  (void)round.offer_all_alive();
  for (const NodeId& holder : in_motion.settled) {
    (void)round.on_answer(start, holder, said(CommitCode::stored, in_motion));
  }
  CHECK(round.is_owed());
  Instant now = start;
  for (const Duration wait : {Duration(60ms), Duration(120ms), Duration(240ms)}) {
    (void)round.on_answer(now, node(4), said(CommitCode::stale, {}));
    CHECK(round.acknowledged());
    CHECK_FALSE(round.is_owed());
    CHECK(round.waiting());
    CHECK(round.next_deadline() == now + wait);
    now += wait;
    const auto again = asked<CommitRequest>(round.on_deadline(now));
    REQUIRE(again.size() == 1);
    CHECK(again[0].first == node(4));
  }
  (void)round.on_answer(now, node(4), said(CommitCode::stale, {}));
  const HolderLists later{nodes({1, 2, 4}), 5, nodes({1, 2, 4}), 0};
  (void)round.on_answer(now, node(4), said(CommitCode::stale, later));
  CHECK(round.next_deadline() == now + 60ms);  // newer lists do not wait
  CHECK(asked<CommitRequest>(round.on_deadline(now + 60ms)).size() == 3);
}

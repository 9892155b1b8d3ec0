#include <doctest/doctest.h>

#include "replication/find_image.h"
#include "replication/lookup.h"
#include "sample_view.h"

using namespace pixmesh;

namespace {

const HolderLists lists{nodes({1, 2, 3}), 4, nodes({1, 2, 3}), 0};
constexpr Instant start{};

ImageRecord record_of(std::uint64_t clock) {
  ImageRecord record;
  record.name = "a.png";
  record.version = {clock, node(1)};
  return record;
}

VersionAnswer answer(const HolderLists& by, std::optional<ImageRecord> record) {
  VersionAnswer version;
  version.lists = by;
  version.record = std::move(record);
  return version;
}

VersionAnswer stale(const HolderLists& by) {
  VersionAnswer version = answer(by, std::nullopt);
  version.code = ErrorCode::stale;
  return version;
}

Lookup lookup_with(const MeshView& view, const HolderLists& known) {
  return Lookup(OperationId{5}, view, PartitionId{1}, NameDigest{}, std::nullopt, known);
}

Lookup wish_with(const MeshView& view) {
  return Lookup(OperationId{5}, view, PartitionId{1}, NameDigest{}, RequestId{{7}}, lists);
}

void answer_all(Lookup& lookup, const VersionAnswer& found) {
  for (const NodeId& holder : lists.settled) (void)lookup.on_message(start, holder, found);
  REQUIRE(lookup.done());
}

}  // namespace

TEST_CASE("lookup: the newest version of a read quorum wins, and those that have it are named") {
  const MeshView view = view_of({1, 2, 3});
  Lookup lookup = lookup_with(view, lists);
  CHECK(asked<VersionRequest>(lookup.start(start)).size() == 3);

  (void)lookup.on_message(start, node(1), answer(lists, record_of(10)));
  CHECK_FALSE(lookup.done());
  (void)lookup.on_message(start, node(2), answer(lists, record_of(12)));
  (void)lookup.on_message(start, node(3), answer(lists, record_of(12)));

  REQUIRE(lookup.done());
  CHECK(lookup.outcome().confirmed);
  CHECK(lookup.outcome().record->version.clock == 12);
  CHECK(lookup.outcome().have == nodes({2, 3}));
}

// A node that stands still between question and answers gave what others overtook meanwhile a
// version above theirs.
TEST_CASE("lookup: a new version is as old as its questions, however late the answers come") {
  std::uint64_t now = 1'000'000;
  MeshView view = view_of({1, 2, 3});
  view.next_clock = [&](std::uint64_t newest) { return std::optional(std::max(now, newest) + 1); };
  Lookup lookup = wish_with(view);
  (void)lookup.start(start);
  now = 5'000'000;
  answer_all(lookup, answer(lists, record_of(10)));
  CHECK(lookup.fresh_version() == clocked_version(1'000'001, view.self));
}

TEST_CASE("lookup: a new version is above what a holder has collected and above the newest") {
  MeshView view = view_of({1, 2, 3});
  view.next_clock = [](std::uint64_t newest) { return std::optional(newest + 1); };
  Lookup lookup = wish_with(view);
  (void)lookup.start(start);
  VersionAnswer found = answer(lists, record_of(10));
  (void)lookup.on_message(start, node(1), found);
  found.collected = 15;
  (void)lookup.on_message(start, node(2), found);
  (void)lookup.on_deadline(start + 100ms);
  REQUIRE(lookup.done());
  CHECK_FALSE(lookup.fresh_version());

  const auto asked_again = asked<VersionRequest>(lookup.again(start + 100ms));
  REQUIRE(asked_again.size() == 3);
  CHECK(asked_again[0].second.round == 1);
  (void)lookup.on_message(start, node(3), answer(lists, record_of(10)));  // of the first round
  found.round = 1;
  (void)lookup.on_message(start, node(1), found);
  (void)lookup.on_deadline(start + 200ms);
  CHECK_FALSE(lookup.done());
  (void)lookup.on_message(start, node(2), found);
  (void)lookup.on_deadline(start + 300ms);
  REQUIRE(lookup.done());
  CHECK(lookup.fresh_version()->clock == 16);
}

TEST_CASE(
    "lookup: a new version is above what other writers had taken, but its own is none of them") {
  const MeshView view = view_of({1, 2, 3});
  Lookup lookup = wish_with(view);
  const auto asked_first = asked<VersionRequest>(lookup.start(start));
  const Version taken = asked_first[0].second.version.value();
  VersionAnswer found = answer(lists, record_of(10));
  found.floor = taken;
  answer_all(lookup, found);
  CHECK(lookup.fresh_version() == taken);

  Lookup later = wish_with(view);
  (void)later.start(start);
  found.floor.clock = taken.clock + 5'000;
  answer_all(later, found);
  CHECK_FALSE(later.fresh_version());
  const auto asked_again = asked<VersionRequest>(later.again(start));
  REQUIRE(asked_again.size() == 3);
  CHECK(asked_again[0].second.version.value() > found.floor);
}

TEST_CASE("lookup: it does not wait for a clock that is refused") {
  MeshView view = view_of({1, 2, 3});
  view.next_clock = [](std::uint64_t) { return std::nullopt; };
  view.clock_refusal = [] { return std::optional<std::string>("it is off"); };
  Lookup lookup = wish_with(view);
  (void)lookup.start(start);
  answer_all(lookup, answer(lists, record_of(10)));
  CHECK(lookup.again(start).empty());
  CHECK(lookup.done());
}

TEST_CASE("lookup: while lists disagree it is not over, though a quorum has answered") {
  const MeshView view = view_of({1, 2, 3});
  HolderLists later = lists;
  later.number = 5;
  Lookup lookup = lookup_with(view, lists);
  (void)lookup.start(start);
  (void)lookup.on_message(start, node(1), answer(lists, record_of(10)));
  (void)lookup.on_message(start, node(2), answer(lists, record_of(10)));
  (void)lookup.on_message(start, node(3), stale(later));
  CHECK(lookup.next_deadline() == start + 60ms);
  CHECK(lookup.on_deadline(start + 20ms).empty());
  CHECK_FALSE(lookup.done());
  CHECK(asked<VersionRequest>(lookup.on_deadline(start + 60ms)).size() == 3);
}

TEST_CASE("lookup: while the clock gives no version nobody is asked; then all are, anew") {
  bool gives = false;
  MeshView view = view_of({1, 2, 3});
  view.next_clock = [&](std::uint64_t newest) {
    return gives ? std::optional(newest + 1) : std::nullopt;
  };
  Lookup lookup = wish_with(view);
  (void)lookup.start(start);
  VersionAnswer found = answer(lists, record_of(10));
  answer_all(lookup, found);
  CHECK_FALSE(lookup.fresh_version());

  CHECK(lookup.again(start).empty());
  REQUIRE(lookup.next_deadline());
  CHECK(lookup.on_deadline(*lookup.next_deadline()).empty());
  CHECK_FALSE(lookup.done());
  gives = true;
  CHECK(asked<VersionRequest>(lookup.on_deadline(*lookup.next_deadline())).size() == 3);
  found.record = record_of(40);
  found.round = 1;
  answer_all(lookup, found);
  CHECK(lookup.outcome().record->version.clock == 40);
}

TEST_CASE("lookup: one answer is no quorum; without a second it is unconfirmed") {
  const MeshView view = view_of({1});
  Lookup lookup = lookup_with(view, lists);
  (void)lookup.start(start);
  (void)lookup.on_message(start, node(1), answer(lists, record_of(10)));

  REQUIRE(lookup.done());
  CHECK_FALSE(lookup.outcome().confirmed);
  CHECK(lookup.outcome().code == ErrorCode{});
}

TEST_CASE("lookup: that there is no such name needs a quorum to say") {
  const MeshView view = view_of({1});
  Lookup lookup = lookup_with(view, lists);
  (void)lookup.start(start);
  (void)lookup.on_message(start, node(1), answer(lists, std::nullopt));

  REQUIRE(lookup.done());
  CHECK(lookup.outcome().code == ErrorCode::unreachable);
}

TEST_CASE("lookup: answers under other lists do not count; all are asked again under the newer") {
  const MeshView view = view_of({1, 2, 3, 4});
  const HolderLists later{nodes({1, 2, 3}), 5, nodes({2, 3, 4}), 0};
  Lookup lookup = lookup_with(view, lists);
  (void)lookup.start(start);

  (void)lookup.on_message(start, node(1), answer(lists, record_of(10)));
  const Effects told = lookup.on_message(start, node(2), stale(later));
  CHECK(count_of<ListsDiffer>(told) == 1);
  (void)lookup.on_message(start, node(3), answer(lists, record_of(10)));
  CHECK_FALSE(lookup.done());

  const auto again = asked<VersionRequest>(lookup.on_deadline(start + 60ms));
  REQUIRE(again.size() == 4);
  CHECK(again[0].second.lists == later);
  (void)lookup.on_message(start, node(1), answer(lists, record_of(10)));  // late, of the first try
  (void)lookup.on_message(start, node(2), answer(later, record_of(10)));
  (void)lookup.on_message(start, node(3), answer(later, record_of(10)));
  (void)lookup.on_message(start, node(4), answer(later, record_of(13)));
  (void)lookup.on_deadline(start + 100ms);
  REQUIRE(lookup.done());
  CHECK(lookup.outcome().record->version.clock == 13);
}

TEST_CASE("lookup: older lists of a holder that lags behind are not taken over") {
  const MeshView view = view_of({1, 2, 3});
  HolderLists older = lists;
  older.number = 3;
  Lookup lookup = lookup_with(view, lists);
  (void)lookup.start(start);
  (void)lookup.on_message(start, node(1), stale(older));
  CHECK(lookup.lists() == lists);
}

// A newcomer was told seconds after the placement that names it, and whatever was read meanwhile
// waited for that.
TEST_CASE("lookup: who was told no lists yet counts nowhere and holds nobody up") {
  const MeshView view = view_of({1, 2, 3, 4});
  const HolderLists in_motion{nodes({1, 2, 3}), 4, nodes({1, 2, 4}), 0};
  Lookup lookup = lookup_with(view, in_motion);
  (void)lookup.start(start);
  CHECK(count_of<ListsDiffer>(lookup.on_message(start, node(4), stale({}))) == 1);
  for (const NodeId& holder : nodes({1, 2, 3})) {
    CHECK_FALSE(lookup.done());
    (void)lookup.on_message(start, holder, answer(in_motion, record_of(10)));
  }
  CHECK(lookup.done());
  CHECK(lookup.outcome().confirmed);
}

TEST_CASE("lookup: where it takes those who were told no lists yet, all are asked again") {
  const MeshView view = view_of({1, 2, 3, 4, 5});
  const HolderLists in_motion{nodes({1, 2, 3}), 4, nodes({1, 4, 5}), 0};
  Lookup lookup = lookup_with(view, in_motion);
  (void)lookup.start(start);
  for (const NodeId& newcomer : nodes({4, 5})) {
    (void)lookup.on_message(start, newcomer, stale({}));
  }
  for (const NodeId& holder : nodes({1, 2, 3})) {
    (void)lookup.on_message(start, holder, answer(in_motion, record_of(10)));
  }
  CHECK_FALSE(lookup.done());
  CHECK(lookup.next_deadline() == start + 60ms);
  CHECK(asked<VersionRequest>(lookup.on_deadline(start + 60ms)).size() == 5);
}

TEST_CASE("lookup: who was told no lists yet is asked again soon, though another owes its answer") {
  const MeshView view = view_of({1, 2, 3});
  Lookup lookup = lookup_with(view, lists);
  (void)lookup.start(start);
  (void)lookup.on_message(start, node(1), answer(lists, record_of(10)));
  (void)lookup.on_message(start, node(2), stale({}));
  CHECK_FALSE(lookup.done());
  CHECK(asked<VersionRequest>(lookup.on_deadline(start + 60ms)).size() == 3);
  (void)lookup.on_message(start, node(1), answer(lists, record_of(10)));
  (void)lookup.on_message(start, node(2), answer(lists, record_of(10)));
  (void)lookup.on_deadline(start + 100ms);
  CHECK(lookup.done());
}

TEST_CASE("lookup: who knows no lists asks for them first") {
  const MeshView view = view_of({1, 2, 3});
  Lookup lookup = lookup_with(view, {{}, 0, nodes({2, 3})});
  const Effects first = lookup.start(start);
  CHECK(asked<ListsRequest>(first).size() == 2);
  CHECK(asked<VersionRequest>(first).empty());

  CHECK(lookup.on_message(start, node(3), ListsAnswer{OperationId{5}, PartitionId{1}, {}}).empty());
  const Effects second =
      lookup.on_message(start, node(2), ListsAnswer{OperationId{5}, PartitionId{1}, lists});
  CHECK(asked<VersionRequest>(second).size() == 3);
}

// Seed 22831: a holder that had just started anew lost the question with the link it came over.
TEST_CASE("lookup: whoever owes an answer is asked once more before time is up") {
  const MeshView view = view_of({1, 2, 3});
  Lookup lookup = lookup_with(view, lists);
  (void)lookup.start(start);
  (void)lookup.on_message(start, node(1), answer(lists, record_of(10)));
  REQUIRE(lookup.next_deadline() == start + 1s);

  const auto again = asked<VersionRequest>(lookup.on_deadline(start + 1s));

  REQUIRE(again.size() == 2);
  CHECK(again[0].first == node(2));
  CHECK(again[1].first == node(3));
}

TEST_CASE("lookup: who is cut off and needs no other word confirms nothing, nor absence") {
  MeshView view = view_of({1});
  LookupOutcome found;
  found.lists = lists;
  found.lists.settled_quorum = found.lists.target_quorum = 3;  // one answer is a read quorum
  found.record = record_of(10);
  CHECK(answer_of(found, view, "a.png", false, PartitionId{1}).confirmed);
  view.cut_off = true;
  CHECK_FALSE(answer_of(found, view, "a.png", false, PartitionId{1}).confirmed);
  CHECK(answer_of(found, view, "a.png", true, PartitionId{1}).code == ErrorCode::unreachable);
  found.record.reset();
  CHECK(answer_of(found, view, "a.png", false, PartitionId{1}).code == ErrorCode::unreachable);

  found.lists.target_quorum = 2;  // both sets are asked
  CHECK(answer_of(found, view, "a.png", false, PartitionId{1}).code == ErrorCode::unreachable);
  found.lists.settled_quorum = 2;  // two answers: one of those that went on is among them
  CHECK(answer_of(found, view, "a.png", false, PartitionId{1}).code == ErrorCode::not_found);
}

// Another node told us meanwhile that our folders were put back.
TEST_CASE("lookup: what we said before our copies were doubted does not count") {
  MeshView view = view_of({1, 2, 3});
  Lookup lookup = lookup_with(view, lists);
  (void)lookup.start(start);
  (void)lookup.on_message(start, node(1), answer(lists, std::nullopt));
  ++view.doubts;
  (void)lookup.on_message(start, node(2), answer(lists, std::nullopt));
  CHECK_FALSE(lookup.done());
  const Instant later = *lookup.next_deadline();
  CHECK(asked<VersionRequest>(lookup.on_deadline(later)).size() == 3);
  (void)lookup.on_message(later, node(2), answer(lists, std::nullopt));
  (void)lookup.on_message(later, node(3), answer(lists, record_of(10)));
  (void)lookup.on_deadline(*lookup.next_deadline());
  REQUIRE(lookup.done());
  CHECK(lookup.outcome().confirmed);
  CHECK(lookup.outcome().record->version.clock == 10);
}

TEST_CASE("lookup: nor while it waits for the last answers") {
  MeshView view = view_of({1, 2, 3});
  Lookup lookup = lookup_with(view, lists);
  (void)lookup.start(start);
  (void)lookup.on_message(start, node(1), answer(lists, std::nullopt));
  (void)lookup.on_message(start, node(2), answer(lists, std::nullopt));
  ++view.doubts;
  const Instant later = *lookup.next_deadline();
  CHECK(asked<VersionRequest>(lookup.on_deadline(later)).size() == 3);
  CHECK_FALSE(lookup.done());
}

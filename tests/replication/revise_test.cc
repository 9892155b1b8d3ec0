#include "replication/revise.h"

#include <doctest/doctest.h>

#include "sample_view.h"

using namespace pixmesh;

namespace {

const HolderLists lists{nodes({1, 2, 3}), 4, nodes({1, 2, 3}), 0};
constexpr Instant start{};
constexpr RequestId wish{{7}};

ImageRecord record_of(std::uint64_t clock, RequestId request = {}) {
  ImageRecord record;
  record.name = "a.png";
  record.digest.raw[0] = static_cast<std::uint8_t>(clock);
  record.version = {clock, node(2)};
  record.request = request;
  return record;
}

TagRequest tagging() { return {{}, wish, "a.png", {{"city", "Rome"}}}; }
RemoveRequest removal() {
  RemoveRequest request;
  request.request = wish;
  request.name = "a.png";
  return request;
}

/// What a wish offers the holders that finds `record` at one of them, which remembers the wish.
CommitRequest commit_of(Revise::Wish said, const ImageRecord& record,
                        std::optional<Version> remembered, std::uint64_t collected = 0) {
  const MeshView view = view_of({1, 2, 3});
  Revise revise(OperationId{5}, view, std::move(said), PartitionId{1}, lists, LinkId{});
  (void)revise.start(start);
  Effects effects;
  for (const NodeId& holder : lists.settled) {
    VersionAnswer answer;
    answer.lists = lists;
    answer.record = holder == node(3) ? record : record_of(10);
    if (holder == node(3)) answer.request_version = remembered;
    answer.collected = collected;
    append(effects, revise.on_message(start, holder, answer));
  }
  const auto offers = asked<CommitRequest>(effects);
  REQUIRE(offers.size() == 3);
  return offers.front().second;
}

/// What tagging ends with where no holder has the name, and nothing is offered.
ErrorCode end_without_record(const std::vector<VersionAnswer>& answers) {
  const MeshView view = view_of({1, 2, 3});
  Revise revise(OperationId{5}, view, tagging(), PartitionId{1}, lists, LinkId{});
  (void)revise.start(start);
  Effects effects;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    append(effects, revise.on_message(start, lists.settled[i], answers[i]));
  }
  REQUIRE(revise.finished());
  CHECK(asked<CommitRequest>(effects).empty());
  const auto* answer = std::get_if<Answer>(&effects.front());
  REQUIRE(answer);
  return std::get<WriteDone>(answer->message).code;
}

ImageRecord offered_by(Revise::Wish said, const ImageRecord& record,
                       std::optional<Version> remembered) {
  return commit_of(std::move(said), record, remembered).record;
}

}  // namespace

TEST_CASE("revise: a second try never gives the version of the first to another content") {
  const Version first = edited_version(record_of(15).version, wish);
  for (const std::uint64_t clock : {14, 16}) {  // the record of the first is shown by no holder
    const ImageRecord offered = offered_by(tagging(), record_of(clock), std::nullopt);
    CHECK(offered.version != first);
    CHECK(offered.digest == record_of(clock).digest);
  }
}

TEST_CASE("revise: that the clock of its base is collected does not make a first try a done one") {
  const Version first = edited_version(record_of(15).version, wish);
  const CommitRequest commit = commit_of(tagging(), record_of(14), first, 30);
  CHECK(commit.record.version == edited_version(record_of(14).version, wish));
}

TEST_CASE("revise: a refusal is above what is collected, also where a tombstone was left behind") {
  ImageRecord deleted = record_of(14);
  deleted.tombstone = true;
  const CommitRequest commit = commit_of(removal(), deleted, std::nullopt, 20);
  CHECK(is_refusal(commit.record.version, wish));
  CHECK(commit.record.version.clock == 21);
}

TEST_CASE("revise: tags come right behind what they were read from, in each try alike") {
  const ImageRecord offered = offered_by(tagging(), record_of(14), std::nullopt);
  CHECK(offered.version > record_of(14).version);
  CHECK(offered_by(tagging(), record_of(14), std::nullopt).version == offered.version);
  // Whoever writes meanwhile and did not see them, with the same clock or a later one, is above.
  CHECK(offered.version < Version{14, node(3)});
  CHECK(offered.version < Version{15, node(1)});
}

TEST_CASE("revise: tags of one wish on two records of one clock are two versions") {
  ImageRecord other = record_of(14);
  other.version = edited_version(other.version, RequestId{{9}});
  CHECK(offered_by(tagging(), record_of(14), std::nullopt).version !=
        offered_by(tagging(), other, std::nullopt).version);
}

TEST_CASE("revise: that there is nothing to delete is remembered, below whatever else is written") {
  ImageRecord deleted = record_of(14);
  deleted.tombstone = true;
  for (const Revise::Wish& said : {Revise::Wish(removal()), Revise::Wish(tagging())}) {
    const CommitRequest commit = commit_of(said, deleted, std::nullopt);
    CHECK(commit.record.tombstone);
    CHECK(commit.record.request == wish);
    CHECK(is_refusal(commit.record.version, wish));
    CHECK(commit.record.version > deleted.version);
    CHECK(commit.record.version < Version{14, node(3)});
    CHECK(commit.first_at_micros == 0);
  }
}

// Seed 230088: the version of the tags went to a tombstone.
TEST_CASE("revise: tags that were deleted with their image are not made anew, nor is a tombstone") {
  VersionAnswer nothing;
  nothing.lists = lists;
  nothing.request_version = edited_version(record_of(14).version, wish);
  nothing.collected = 20;
  CHECK(end_without_record({nothing, nothing, nothing}) == ErrorCode::not_found);
}

// A holder that does not answer may have the image and its tags.
TEST_CASE("revise: what only a memory knows of an earlier try is neither done nor refused") {
  VersionAnswer nothing;
  nothing.lists = lists;
  VersionAnswer remembers = nothing;
  remembers.request_version = edited_version(record_of(14).version, wish);
  CHECK(end_without_record({nothing, nothing, remembers}) == ErrorCode::unreachable);
}

TEST_CASE("revise: the wish that is overtaken is remembered with what overtakes it") {
  const RequestId other{{9}};
  const CommitRequest commit = commit_of(removal(), record_of(14, other), std::nullopt);
  CHECK(commit.overtaken == RememberedWish{other, Version{14, node(2)}});
}

TEST_CASE("revise: a second try offers the record of the first, with its version") {
  const ImageRecord made = record_of(15, wish);
  const ImageRecord offered = offered_by(tagging(), made, Version{19, node(2)});
  CHECK(offered.version == made.version);
  CHECK(offered.digest == made.digest);
}

TEST_CASE("revise: what overtook a wish is made durable, and the wish is remembered with it") {
  const Version first{15, node(2)};
  const CommitRequest commit = commit_of(tagging(), record_of(20), first);
  CHECK(commit.record == record_of(20));
  CHECK(commit.overtaken == RememberedWish{wish, first});
}

TEST_CASE("revise: the receipt of an overtaken wish has the version that the wish was given") {
  const MeshView view = view_of({1, 2, 3});
  Revise revise(OperationId{5}, view, tagging(), PartitionId{1}, lists, LinkId{});
  (void)revise.start(start);
  VersionAnswer found;
  found.lists = lists;
  found.record = record_of(20);
  found.request_version = Version{15, node(2)};
  (void)revise.on_message(start, node(3), found);
  found.record = record_of(10);
  found.request_version.reset();
  for (const NodeId& holder : nodes({1, 2})) (void)revise.on_message(start, holder, found);
  Effects effects;
  for (const NodeId& holder : lists.settled) {
    append(effects, revise.on_message(start, holder, CommitAnswer{{}, CommitCode::stored, lists}));
  }
  REQUIRE(revise.finished());
  const auto* answer = std::get_if<Answer>(&effects.front());
  REQUIRE(answer);
  CHECK(std::get<WriteDone>(answer->message).version == Version{15, node(2)});
}

TEST_CASE("revise: a deletion that is said again keeps its version, whatever was found") {
  const ImageRecord offered = offered_by(removal(), record_of(14), Version{15, node(2)});
  CHECK(offered.tombstone);
  CHECK(offered.version.clock == 15);
}

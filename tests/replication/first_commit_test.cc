#include <doctest/doctest.h>

#include "replication/commit_round.h"
#include "replication/holder_commit.h"
#include "sample_view.h"

using namespace pixmesh;

namespace {

const HolderLists lists{nodes({1, 2, 3}), 4, nodes({1, 2, 3}), 0};
constexpr std::uint64_t noon = 1'700'000'000'000'000;

/// A holder that finds everything from noon on too early.
MeshView judge() {
  MeshView view = view_of({1, 2, 3});
  view.lists_of = [](PartitionId) { return lists; };
  view.is_too_early = [](WallTime theirs) { return theirs.microseconds >= noon; };
  return view;
}

CommitRequest offered(std::uint64_t first_at) {
  const MeshView view = view_of({1, 2, 3});
  CommitRound round(OperationId{5}, view, PartitionId{1}, lists);
  round.set_first_at({first_at});
  return asked<CommitRequest>(round.offer_all_alive()).front().second;
}

Effects taken(const CommitRequest& request) {
  const MeshView view = judge();
  const RecordCodec codec;
  IngressBudget ingress(96);
  HolderCommit commit(OperationId{8}, view, codec, request, TempId{3}, LinkId{4}, ingress);
  return commit.start({});
}

}  // namespace

TEST_CASE("first commit: a holder refuses a first version whose clock is too far ahead") {
  const Effects effects = taken(offered(noon));

  REQUIRE(effects.size() == 2);
  const auto* answer = std::get_if<Answer>(&effects[0]);
  REQUIRE(answer != nullptr);
  const auto& said = std::get<CommitAnswer>(answer->message);
  CHECK(said.code == CommitCode::failed);
  CHECK(said.lists == lists);
  CHECK(said.detail.find("chronyc makestep") != std::string::npos);
  CHECK(std::holds_alternative<DropTemp>(std::get<UseDisk>(effects[1]).operation));
}

TEST_CASE("first commit: what has a predecessor, or a clock that is near, is never refused") {
  for (const std::uint64_t first_at : {std::uint64_t{0}, noon - 1}) {
    const Effects effects = taken(offered(first_at));
    REQUIRE(effects.size() == 1);
    CHECK(std::holds_alternative<UseDisk>(effects[0]));
  }
}

#include <set>

#include "voters.h"

using namespace pixmesh;

namespace {

EvictionVote voter(std::uint32_t number) { return {node(number), counting_on(5), {}, Rng(1)}; }

}  // namespace

TEST_CASE("eviction vote: R active members remain, and at most a quarter but one goes") {
  const auto count = [](std::uint32_t active, std::uint32_t dead) {
    return evictable(scene_of(active, dead).dead, active, 3).size();
  };
  CHECK(count(3, 1) == 0);
  CHECK(count(4, 1) == 1);
  CHECK(count(4, 2) == 1);
  CHECK(count(5, 2) == 1);
  CHECK(count(8, 2) == 2);
  CHECK(count(8, 3) == 2);
  CHECK(count(100, 40) == 25);
  CHECK(evictable(scene_of(8, 3).dead, 8, 3).front().node == node(6));
}

TEST_CASE("eviction vote: who is dead past the out delay is evicted, not before") {
  Assembly assembly(5, 1, 3);
  assembly.living = nodes(1, 4);
  assembly.run(9s);
  CHECK(assembly.decisions.empty());
  CHECK(assembly.letters.empty());
  assembly.run(5s);
  REQUIRE_FALSE(assembly.decisions.empty());
  CHECK(assembly.decisions.front() == std::vector<EvictionTarget>{{node(5), 7}});
}

TEST_CASE("eviction vote: an operator's word skips the delay, at whatever member it was said") {
  Assembly assembly(5, 1, 4);
  assembly.living = nodes(1, 4);
  assembly.voters[node(3)].machine->give_up(node(5));
  assembly.run(5s);
  REQUIRE_FALSE(assembly.decisions.empty());
  CHECK(assembly.decisions.front().front().node == node(5));
}

TEST_CASE("eviction vote: one living member that has not settled holds it up") {
  Assembly assembly(5, 1, 5);
  assembly.living = nodes(1, 4);
  assembly.voters[node(4)].scene.settled = false;
  assembly.run(60s);
  CHECK(assembly.decisions.empty());
  assembly.voters[node(4)].scene.settled = true;
  assembly.run(20s);
  CHECK_FALSE(assembly.decisions.empty());
}

TEST_CASE("eviction vote: less than a majority of the active members decides nothing") {
  Assembly assembly(6, 3, 6);
  assembly.living = nodes(1, 3);
  assembly.run(120s);
  CHECK(assembly.decisions.empty());
}

TEST_CASE("eviction vote: nobody is evicted whom a majority does not hold dead") {
  Assembly assembly(5, 1, 7);
  assembly.living = nodes(1, 4);
  for (const NodeId& id : nodes(2, 4)) {
    assembly.voters[id].scene.dead.clear();
    assembly.voters[id].scene.alive = nodes(1, 5);
  }
  assembly.run(60s);
  CHECK(assembly.decisions.empty());
}

TEST_CASE("eviction vote: a promise binds, is durable before it is told, and outlives a restart") {
  const EvictionScene scene = scene_of(5, 1);
  EvictionVote machine = voter(2);
  const auto granted =
      machine.on_message({}, node(4), EvictionPrepare{epoch, {5, node(4)}, {}, {}}, scene);
  CHECK(answer_in<EvictionPromise>(granted, true).code == VoteCode::granted);
  const VoterState disk = std::get<StoreVote>(granted.front()).state;

  EvictionVote again(node(2), disk, {}, Rng(2));
  const auto outbid =
      again.on_message({}, node(1), EvictionPrepare{epoch, {4, node(1)}, {}, {}}, scene);
  CHECK(answer_in<EvictionPromise>(outbid, false).code == VoteCode::outbid);
  CHECK(answer_in<EvictionPromise>(outbid, false).promised == EvictionBallot{5, node(4)});
  const auto late = again.on_message(
      {}, node(1), EvictionAccept{epoch, {4, node(1)}, {{node(5), 7}}, false}, scene);
  CHECK(answer_in<EvictionAccepted>(late, false).code == VoteCode::outbid);
}

TEST_CASE("eviction vote: a voter says no to another epoch and to a target that is not dead") {
  const EvictionScene scene = scene_of(5, 1);
  EvictionVote machine = voter(2);
  const auto other =
      machine.on_message({}, node(1), EvictionPrepare{Epoch{{9}}, {1, node(1)}, {}, {}}, scene);
  CHECK(answer_in<EvictionPromise>(other, false).code == VoteCode::elsewhere);

  const EvictionPrepare early{epoch, {1, node(1)}, {{node(4), 7}}, {}};
  CHECK(answer_in<EvictionPromise>(machine.on_message({}, node(1), early, scene), false).code ==
        VoteCode::present);
  const EvictionAccept living{epoch, {1, node(1)}, {{node(4), 7}}, false};
  CHECK(answer_in<EvictionAccepted>(machine.on_message({}, node(1), living, scene), false).code ==
        VoteCode::present);
  EvictionAccept bound = living;
  bound.is_bound = true;  // it may be decided already
  CHECK(answer_in<EvictionAccepted>(machine.on_message({}, node(1), bound, scene), true).code ==
        VoteCode::granted);
}

TEST_CASE("eviction vote: what somebody accepted in this epoch is proposed again, nothing else") {
  const EvictionScene scene = scene_of(8, 2);
  EvictionVote machine(node(1), counting_on(8), {.out_delay = 0s}, Rng(3));
  const auto asked = machine.on_deadline(Instant{} + 2s, scene);
  const EvictionBallot ballot = std::get<StoreVote>(asked.front()).state.promised;
  EvictionVote::Effects effects;
  for (const NodeId& id : nodes(1, 6)) {
    EvictionPromise promise{epoch, ballot, VoteCode::granted, {}, std::nullopt, {}};
    if (id == node(2)) promise.accepted = {epoch, {0, node(2)}, {{node(7), 7}}};
    if (id == node(3)) promise.accepted = {Epoch{{9}}, {9, node(2)}, {{node(8), 7}}};
    effects = machine.on_message(Instant{} + 2s, id, promise, scene);
  }
  REQUIRE(effects.size() == 6);
  const auto& accept = std::get<EvictionAccept>(std::get<SendVote>(effects.front()).message);
  CHECK(accept.targets == std::vector<EvictionTarget>{{node(7), 7}});
  CHECK(accept.is_bound);
}

TEST_CASE("eviction vote: what may have been decided in an earlier epoch comes first") {
  const EvictionScene scene = scene_of(8, 2);
  EvictionVote machine(node(1), counting_on(8), {.out_delay = 0s}, Rng(3));
  const auto asked = machine.on_deadline(Instant{} + 2s, scene);
  const EvictionBallot ballot = std::get<StoreVote>(asked.front()).state.promised;
  EvictionVote::Effects effects;
  for (const NodeId& id : nodes(1, 6)) {
    EvictionPromise promise{epoch, ballot, VoteCode::granted, {}, std::nullopt, {}};
    if (id == node(3)) promise.accepted = {Epoch{{9}}, {9, node(2)}, {{node(8), 7}}};
    effects = machine.on_message(Instant{} + 2s, id, promise, scene);
  }
  REQUIRE(effects.size() == 6);
  const auto& accept = std::get<EvictionAccept>(std::get<SendVote>(effects.front()).message);
  CHECK(accept.targets == std::vector<EvictionTarget>{{node(8), 7}});
  CHECK_FALSE(accept.is_bound);
}

TEST_CASE("eviction vote: one epoch decides one set, whatever is lost, doubled, late, or crashes") {
  std::size_t decided = 0;
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    CAPTURE(seed);
    Assembly assembly(8, 2, seed);
    assembly.living = nodes(1, 6);
    assembly.loss_percent = seed % 3 * 10;
    assembly.double_percent = seed % 4 * 15;
    assembly.crash_percent = seed % 5 * 4;
    // Most propose at once, and not the same.
    for (auto& [id, voter] : assembly.voters) {
      voter.scene.alive = nodes(1, 6);
      voter.scene.dead = scene_of(8, 2).dead;
      voter.machine->give_up(node(7 + static_cast<std::uint32_t>(assembly.rng.below(2))));
    }
    for (int part = 0; part < 6; ++part) {
      assembly.run(8s);
      for (auto& [id, voter] : assembly.voters) {  // what crashed was told nothing yet
        voter.machine->give_up(node(7 + static_cast<std::uint32_t>(assembly.rng.below(2))));
      }
    }
    const std::set<std::vector<EvictionTarget>> different(assembly.decisions.begin(),
                                                          assembly.decisions.end());
    CHECK(different.size() <= 1);
    decided += different.size();
  }
  CHECK(decided > 100);  // and it was not for want of decisions
}

TEST_CASE(
    "eviction vote: a wish of an earlier start ends with a member that was away and is back") {
  EvictionVote vote(node(1), {}, {}, Rng(5));
  vote.restore_wish(node(5));
  Instant now{};
  const auto wished_after = [&](const EvictionScene& scene) {
    now += 10s;
    (void)vote.on_deadline(now, scene);
    return vote.given_up();
  };
  const auto wish = nodes(5, 5);
  EvictionScene nobody_heard = scene_of(5, 4);
  nobody_heard.settled = false;
  CHECK(wished_after(nobody_heard) == wish);
  CHECK(wished_after(scene_of(5, 0)) == wish);  // all count as alive after a start
  CHECK(wished_after(scene_of(5, 1)) == wish);
  CHECK(wished_after(scene_of(5, 0)).empty());

  vote.give_up(node(5));  // an operator says so while it is away
  CHECK(wished_after(scene_of(5, 1)) == wish);
  CHECK(wished_after(scene_of(4, 0)).empty());  // evicted
}

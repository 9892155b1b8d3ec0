#include "voters.h"

using namespace pixmesh;

TEST_CASE("eviction vote: members that joined one half of a mesh are no majority of it") {
  // Members 1 to 5 agreed on who votes; 1 and 2 are cut off from the others, and 6 to 9 join them.
  Assembly assembly(9, 3, 8);
  assembly.living = {node(1), node(2), node(6), node(7), node(8), node(9)};
  for (auto& [id, voter] : assembly.voters) {
    voter.scene.alive = assembly.living;
    voter.scene.dead = {{node(3), 7}, {node(4), 7}, {node(5), 7}};
    voter.disk.electorates.clear();
    if (id <= node(5)) voter.disk.electorates = {nodes(1, 5)};
    assembly.start(id);
  }
  assembly.run(120s);
  CHECK(assembly.decisions.empty());
  CHECK(assembly.voters[node(1)].machine->lacks_voters(assembly.voters[node(1)].scene));

  // With one more of those five they decide.
  assembly.living.insert(assembly.living.begin() + 2, node(3));
  for (auto& [id, voter] : assembly.voters) {
    voter.scene.alive = assembly.living;
    voter.scene.dead = {{node(4), 7}, {node(5), 7}};
  }
  assembly.run(60s);
  CHECK_FALSE(assembly.decisions.empty());
}

// Three had joined a founder when one died, before all had agreed.
TEST_CASE("eviction vote: who has agreed to nothing yet goes by what the others count on") {
  for (const bool some_agreed : {true, false}) {
    CAPTURE(some_agreed);
    Assembly assembly(4, 1, 11);
    assembly.living = nodes(1, 3);
    for (auto& [id, voter] : assembly.voters) {
      voter.disk.electorates.clear();
      if (some_agreed && id == node(3)) voter.disk.electorates = {nodes(3, 3)};
      assembly.start(id);
    }
    assembly.run(60s);
    CHECK(assembly.decisions.empty() != some_agreed);
  }
}

TEST_CASE("eviction vote: when all members are alive they agree to count on each other") {
  Assembly assembly(6, 0, 9);
  assembly.living = nodes(1, 6);
  for (auto& [id, voter] : assembly.voters) {
    voter.disk.electorates.clear();
    if (id <= node(3)) voter.disk.electorates = {nodes(1, 3)};
    voter.scene.settled = false;  // what moves is not waited for
    assembly.start(id);
  }
  assembly.run(20s);
  for (const auto& [id, voter] : assembly.voters) {
    CHECK(voter.disk.electorates == std::vector<Electorate>{nodes(1, 6)});
  }
  assembly.letters.clear();
  assembly.run(60s);
  CHECK(assembly.letters.empty());  // and once is enough
  CHECK(assembly.decisions.empty());
}

TEST_CASE("eviction vote: nobody drops an electorate before all have the next one on disk") {
  EvictionScene scene = scene_of(6, 0);
  EvictionVote machine(node(1), counting_on(3), {}, Rng(4));
  const auto asked = machine.on_deadline(Instant{} + 2s, scene);
  const EvictionBallot ballot = std::get<StoreVote>(asked.front()).state.promised;
  for (const NodeId& id : nodes(1, 6)) {
    const auto effects = machine.on_message(
        Instant{} + 2s, id, EvictionPromise{epoch, ballot, VoteCode::granted, {}, {}, {}}, scene);
    CHECK(effects.size() == (id == node(6) ? 6 : 0));
  }
  EvictionVote other(node(2), counting_on(3), {}, Rng(4));
  const auto promise =
      other.on_message({}, node(1), EvictionPrepare{epoch, ballot, {}, {nodes(1, 3)}}, scene);
  CHECK(std::get<StoreVote>(promise.front()).state.electorates ==
        std::vector<Electorate>{nodes(1, 3), nodes(1, 6)});
}

TEST_CASE("eviction vote: who was evicted takes over what a proposer counts on") {
  EvictionScene scene = scene_of(6, 1);
  scene.life = 3;
  EvictionVote machine(node(2), counting_on(2), {}, Rng(4));
  const auto promise = machine.on_message(
      {}, node(1), EvictionPrepare{epoch, {4, node(1)}, scene.dead, {nodes(1, 6)}}, scene);
  CHECK(answer_in<EvictionPromise>(promise, true).electorates ==
        std::vector<Electorate>{nodes(1, 6)});
}

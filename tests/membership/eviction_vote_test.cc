#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <set>

#include "membership/eviction_vote.h"

using namespace pixmesh;

namespace {

constexpr Epoch epoch{{1}};

NodeId node(std::uint32_t number) {
  NodeId id;
  id.raw[0] = static_cast<std::uint8_t>(number);
  return id;
}

std::vector<NodeId> nodes(std::uint32_t first, std::uint32_t last) {
  std::vector<NodeId> all;
  for (std::uint32_t i = first; i <= last; ++i) all.push_back(node(i));
  return all;
}

/// Members 1 to `active`, of which the last `dead` are held dead.
EvictionScene scene_of(std::uint32_t active, std::uint32_t dead) {
  EvictionScene scene;
  scene.epoch = epoch;
  scene.current = scene.settled = true;
  scene.replicas = 3;
  scene.active = nodes(1, active);
  scene.alive = nodes(1, active - dead);
  for (const NodeId& one : nodes(active - dead + 1, active)) scene.dead.push_back({one, 7});
  return scene;
}

/// Voters with their disks, and a network that delays, loses, doubles and reorders.
struct Assembly {
  struct Voter {
    std::unique_ptr<EvictionVote> machine;
    VoterState disk;
    EvictionScene scene;
    std::uint32_t life = 0;
  };
  struct Letter {
    NodeId from;
    NodeId to;
    VoteMessage message;
  };

  Assembly(std::uint32_t active, std::uint32_t dead, std::uint64_t seed) : rng(seed) {
    for (const NodeId& id : nodes(1, active)) {
      Voter& voter = voters[id];
      voter.scene = scene_of(active, dead);
      voter.disk.electorates = {nodes(1, active)};
      start(id);
    }
  }
  void start(NodeId id) {
    Voter& voter = voters[id];
    ++voter.life;
    EvictionVote::Options options;
    options.out_delay = 10s;
    voter.machine = std::make_unique<EvictionVote>(id, voter.disk, options, rng.split());
  }
  void perform(NodeId from, const EvictionVote::Effects& effects) {
    Voter& voter = voters[from];
    for (const VoteEffect& effect : effects) {
      if (const auto* vote = std::get_if<SendVote>(&effect)) {
        letters.push_back({from, vote->to, vote->message});
      } else if (const auto* store = std::get_if<StoreVote>(&effect)) {
        if (rng.below(100) < crash_percent) return start(from);  // before it was durable
        voter.disk = store->state;
        if (rng.below(100) < crash_percent) return start(from);  // and before it was told
        for (const SendVote& next : store->then) letters.push_back({from, next.to, next.message});
      } else if (const auto* decided = std::get_if<EvictionDecided>(&effect)) {
        decisions.push_back(decided->targets);
      }
    }
    voter.machine->check_invariants();
  }
  void step() {
    now += std::chrono::milliseconds(1 + rng.below(200));
    for (auto& [id, voter] : voters) {
      if (!std::ranges::binary_search(living, id)) continue;
      const auto at = voter.machine->next_deadline();
      if (at && *at <= now) perform(id, voter.machine->on_deadline(now, voter.scene));
    }
    for (std::uint64_t i = rng.below(6); i > 0 && !letters.empty(); --i) {
      const std::size_t which = rng.below(letters.size());
      const Letter letter = letters[which];
      if (rng.below(100) >= double_percent) {
        letters.erase(letters.begin() + static_cast<std::ptrdiff_t>(which));
      }
      const bool lost = rng.below(100) < loss_percent;
      if (lost || !std::ranges::binary_search(living, letter.to)) continue;
      Voter& voter = voters[letter.to];
      perform(letter.to, voter.machine->on_message(now, letter.from, letter.message, voter.scene));
    }
  }
  void run(Duration time) {
    for (const Instant end = now + time; now < end;) step();
  }

  Rng rng;
  Instant now{};
  std::map<NodeId, Voter> voters;
  std::vector<NodeId> living;
  std::deque<Letter> letters;
  std::vector<std::vector<EvictionTarget>> decisions;
  std::uint64_t loss_percent = 0;
  std::uint64_t double_percent = 0;
  std::uint64_t crash_percent = 0;
};

/// The single answer among effects, stored before it is sent or not.
template <typename T>
T answer_in(const EvictionVote::Effects& effects, bool stored) {
  REQUIRE(effects.size() == 1);
  const SendVote* vote = std::get_if<SendVote>(&effects.front());
  if (stored) {
    const auto* store = std::get_if<StoreVote>(&effects.front());
    REQUIRE(store != nullptr);
    REQUIRE(store->then.size() == 1);
    vote = &store->then.front();
  }
  REQUIRE(vote != nullptr);
  return std::get<T>(vote->message);
}

// One that has agreed with all members on who votes.
VoterState counting_on(std::uint32_t active) {
  VoterState state;
  state.electorates = {nodes(1, active)};
  return state;
}
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

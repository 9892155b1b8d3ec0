#include "membership/liveness.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "sample_mesh.h"

using namespace pixmesh;

namespace {

const NodeId ada = node_number(1);
const NodeId bob = node_number(2);
const NodeId cyd = node_number(3);
const NodeId dan = node_number(4);

template <typename Message>
std::vector<std::pair<NodeId, Message>> sent(const Liveness::Effects& effects) {
  std::vector<std::pair<NodeId, Message>> found;
  for (const LivenessEffect& effect : effects) {
    const auto* send = std::get_if<SendLiveness>(&effect);
    if (send == nullptr) continue;
    if (const auto* message = std::get_if<Message>(&send->message)) {
      found.push_back({send->to, *message});
    }
  }
  return found;
}

std::vector<MemberChanged> changes(const Liveness::Effects& effects) {
  std::vector<MemberChanged> found;
  for (const LivenessEffect& effect : effects) {
    if (const auto* change = std::get_if<MemberChanged>(&effect)) found.push_back(*change);
  }
  return found;
}

GossipPush gossip_of(const LivenessRumour& rumour, std::uint64_t incarnation = 0) {
  GossipPush push;
  push.incarnation = incarnation;
  push.rumours.push_back(rumour);
  return push;
}

/// Ada's view of a mesh of four at rest.
struct AtRest {
  Instant now = Instant{} + 1000s;
  Liveness ada_machine{ada, 100, LivenessOptions{}, Rng(1)};
  AtRest() { (void)ada_machine.set_members(now, {ada, bob, cyd, dan}); }

  /// Goes to the next deadline at which `Message` is sent.
  template <typename Message>
  std::vector<std::pair<NodeId, Message>> wait_for() {
    for (int i = 0; i < 1000; ++i) {
      now = *ada_machine.next_deadline();
      const auto found = sent<Message>(ada_machine.on_deadline(now));
      ada_machine.check_invariants();
      if (!found.empty()) return found;
    }
    return {};
  }
};

}  // namespace

TEST_CASE("membership: every second probe goes to the successor, the others to everybody in turn") {
  AtRest rest;
  for (int round = 0; round < 5; ++round) {
    std::vector<NodeId> in_turn;
    for (int i = 0; i < 6; ++i) {
      const auto [to, ping] = rest.wait_for<Ping>().front();
      if (i % 2 == 0) CHECK(to == bob);
      if (i % 2 == 1) in_turn.push_back(to);
      (void)rest.ada_machine.on_ack(rest.now + 1ms, to, Ack{ping.sequence, 7});
    }
    std::ranges::sort(in_turn);
    CHECK(in_turn == std::vector{bob, cyd, dan});
  }
}

TEST_CASE("membership: the successor of the last member is the first, of a dead one the next") {
  Instant now{};
  Liveness machine(dan, 1, LivenessOptions{}, Rng(1));
  (void)machine.set_members(now, {ada, bob, cyd, dan});
  const auto next_probed = [&] {
    while (true) {
      now = *machine.next_deadline();
      const auto pings = sent<Ping>(machine.on_deadline(now));
      if (pings.empty()) continue;
      (void)machine.on_ack(now, pings[0].first, Ack{pings[0].second.sequence, 7});
      return pings[0].first;
    }
  };
  CHECK(next_probed() == ada);
  (void)next_probed();

  (void)machine.on_gossip(now, bob, gossip_of({ada, LifeState::dead, 9, bob}));
  CHECK(next_probed() == bob);
}

TEST_CASE("membership: a ping is answered with our incarnation and table digest") {
  AtRest rest;
  std::array<std::uint8_t, 32> digest{};
  digest[0] = 9;
  rest.ada_machine.set_table_digest(digest);

  const auto effects = rest.ada_machine.on_ping(rest.now, bob, Ping{77, 5});

  const auto acks = sent<Ack>(effects);
  REQUIRE(acks.size() == 1);
  CHECK(acks[0].first == bob);
  CHECK(acks[0].second.sequence == 77);
  CHECK(acks[0].second.incarnation == 100);
  CHECK(acks[0].second.table_digest == digest);
  CHECK(std::ranges::any_of(effects, [](const LivenessEffect& effect) {
    const auto* differ = std::get_if<TablesDiffer>(&effect);
    return differ != nullptr && differ->with == bob;
  }));
}

TEST_CASE(
    "membership: our table is shared once somebody was heard with the same, until it changes") {
  AtRest rest;
  std::array<std::uint8_t, 32> digest{};
  digest[0] = 9;
  rest.ada_machine.set_table_digest(digest);
  CHECK_FALSE(rest.ada_machine.is_table_shared());
  Ping ping{77, 5};
  (void)rest.ada_machine.on_ping(rest.now, bob, ping);
  CHECK_FALSE(rest.ada_machine.is_table_shared());

  ping.table_digest = digest;
  (void)rest.ada_machine.on_ping(rest.now, bob, ping);
  rest.ada_machine.set_table_digest(digest);
  CHECK(rest.ada_machine.is_table_shared());

  digest[0] = 10;
  rest.ada_machine.set_table_digest(digest);
  CHECK_FALSE(rest.ada_machine.is_table_shared());
}

TEST_CASE("membership: no answer, not even through three others, makes a suspect, then a dead") {
  AtRest rest;
  const NodeId silent = rest.wait_for<Ping>().front().first;
  const auto asked = rest.wait_for<PingRequest>();
  CHECK(asked.size() == 2);  // the other two of four
  for (const auto& [to, request] : asked) {
    CHECK(to != silent);
    CHECK(request.target == silent);
    (void)rest.ada_machine.on_nack(rest.now, to, Nack{request.sequence, 1});
  }

  rest.now = *rest.ada_machine.next_deadline();
  const auto suspected = changes(rest.ada_machine.on_deadline(rest.now));

  REQUIRE(suspected.size() == 1);
  CHECK(suspected[0].node == silent);
  CHECK(suspected[0].state == LifeState::suspect);
  CHECK(rest.ada_machine.local_health() == 0);  // all nacks came: we are well
  CHECK(rest.ada_machine.alive().size() == 3);
}

TEST_CASE("membership: missing nacks say that we ourselves are unwell, and slow us down") {
  AtRest rest;
  (void)rest.wait_for<Ping>();
  (void)rest.wait_for<PingRequest>();
  rest.now = *rest.ada_machine.next_deadline();
  (void)rest.ada_machine.on_deadline(rest.now);
  CHECK(rest.ada_machine.local_health() == 2);

  const auto [to, ping] = rest.wait_for<Ping>().front();
  (void)rest.ada_machine.on_ack(rest.now, to, Ack{ping.sequence, 1});
  CHECK(rest.ada_machine.local_health() == 1);
}

TEST_CASE("membership: an accusation of ourselves is answered with a higher incarnation") {
  AtRest rest;
  const auto accuse = gossip_of({ada, LifeState::suspect, 100, bob});
  (void)rest.ada_machine.on_gossip(rest.now, bob, accuse);
  CHECK(rest.ada_machine.incarnation() == 101);

  (void)rest.ada_machine.on_gossip(rest.now, bob, accuse);  // late: nothing to answer
  CHECK(rest.ada_machine.incarnation() == 101);

  const auto told = rest.wait_for<GossipPush>();
  REQUIRE_FALSE(told.empty());
  CHECK(told[0].second.rumours[0].node == ada);
  CHECK(told[0].second.rumours[0].state == LifeState::alive);
  CHECK(told[0].second.rumours[0].incarnation == 101);
}

TEST_CASE("membership: only a higher incarnation takes a suspicion or a death back") {
  AtRest rest;
  Liveness& machine = rest.ada_machine;
  (void)machine.on_gossip(rest.now, bob, gossip_of({dan, LifeState::suspect, 5, bob}));
  CHECK(machine.state_of(dan) == LifeState::suspect);
  (void)machine.on_gossip(rest.now, bob, gossip_of({dan, LifeState::alive, 5, {}}));
  CHECK(machine.state_of(dan) == LifeState::suspect);
  (void)machine.on_gossip(rest.now, bob, gossip_of({dan, LifeState::alive, 6, {}}));
  CHECK(machine.state_of(dan) == LifeState::alive);
  (void)machine.on_gossip(rest.now, bob, gossip_of({dan, LifeState::dead, 7, {}}));
  CHECK(machine.state_of(dan) == LifeState::dead);
  (void)machine.on_gossip(rest.now, bob, gossip_of({dan, LifeState::suspect, 7, bob}));
  CHECK(machine.state_of(dan) == LifeState::dead);
  (void)machine.on_ping(rest.now, dan, Ping{1, 8});
  CHECK(machine.state_of(dan) == LifeState::alive);
  machine.check_invariants();
}

TEST_CASE("membership: a suspected or dead member is told so by whatever we send it") {
  AtRest rest;
  (void)rest.ada_machine.on_gossip(rest.now, bob, gossip_of({dan, LifeState::dead, 5, bob}));

  const auto acks = sent<Ack>(rest.ada_machine.on_ping(rest.now, dan, Ping{1, 5}));

  REQUIRE_FALSE(acks[0].second.rumours.empty());
  CHECK(acks[0].second.rumours[0].node == dan);
  CHECK(acks[0].second.rumours[0].state == LifeState::dead);
}

TEST_CASE("membership: the death of a member we have just heard is asked back, not believed") {
  AtRest rest;
  (void)rest.ada_machine.on_ping(rest.now, dan, Ping{1, 5});

  const auto effects =
      rest.ada_machine.on_gossip(rest.now + 10ms, bob, gossip_of({dan, LifeState::dead, 5, bob}));

  CHECK(rest.ada_machine.state_of(dan) == LifeState::alive);
  const auto told = sent<GossipPush>(effects);
  REQUIRE(told.size() == 1);
  CHECK(told[0].first == dan);
  CHECK(told[0].second.rumours[0].state == LifeState::dead);
}

TEST_CASE("membership: a summary kills nobody of whom we know as much as its sender") {
  AtRest rest;
  (void)rest.ada_machine.on_ping(rest.now, dan, Ping{1, 5});
  GossipPush summary = gossip_of({dan, LifeState::dead, 5, bob});
  summary.is_summary = true;

  const auto effects = rest.ada_machine.on_gossip(rest.now + 60s, bob, summary);
  CHECK(rest.ada_machine.state_of(dan) == LifeState::alive);
  CHECK(sent<GossipPush>(effects).at(0).first == dan);

  summary.rumours[0].incarnation = 6;
  (void)rest.ada_machine.on_gossip(rest.now + 60s, bob, summary);
  CHECK(rest.ada_machine.state_of(dan) == LifeState::dead);
}

TEST_CASE("membership: a process that was held up accuses nobody for that time") {
  AtRest rest;
  const auto [to, ping] = rest.wait_for<Ping>().front();
  (void)rest.wait_for<PingRequest>();

  rest.now += 30s;  // the answer arrives meanwhile, but this process does not run
  CHECK(changes(rest.ada_machine.on_deadline(rest.now)).empty());
  CHECK(rest.ada_machine.next_deadline() > rest.now);
  (void)rest.ada_machine.on_ack(rest.now, to, Ack{ping.sequence, 1});
  CHECK(changes(rest.ada_machine.on_deadline(rest.now)).empty());

  CHECK(rest.ada_machine.alive().size() == 4);
  CHECK(rest.ada_machine.local_health() > 0);
}

TEST_CASE("membership: being held up is no part of a suspect's time to object") {
  AtRest rest;
  const auto accused = gossip_of({dan, LifeState::suspect, 5, bob});
  (void)rest.ada_machine.on_gossip(rest.now, bob, accused);

  rest.now += 60s;
  CHECK(changes(rest.ada_machine.on_deadline(rest.now)).empty());
  (void)rest.ada_machine.on_gossip(rest.now, bob, gossip_of({dan, LifeState::alive, 6, {}}));

  CHECK(rest.ada_machine.state_of(dan) == LifeState::alive);
}

TEST_CASE("membership: a late accuser condemns at once and does not look like being held up") {
  AtRest rest;
  Liveness& machine = rest.ada_machine;
  const Instant accused = rest.now;
  (void)machine.on_gossip(accused, bob, gossip_of({dan, LifeState::suspect, 5, bob}));
  while (*machine.next_deadline() < accused + 4s) {  // all but dan answer
    rest.now = *machine.next_deadline();
    for (const auto& [to, ping] : sent<Ping>(machine.on_deadline(rest.now))) {
      if (to != dan) (void)machine.on_ack(rest.now, to, Ack{ping.sequence, 5});
    }
  }
  REQUIRE(machine.state_of(dan) == LifeState::suspect);
  const std::uint32_t health = machine.local_health();

  rest.now = accused + 4s;
  (void)machine.on_gossip(rest.now, cyd, gossip_of({dan, LifeState::suspect, 5, cyd}));
  const auto changed = changes(machine.on_deadline(rest.now));

  REQUIRE(changed.size() == 1);
  CHECK(changed[0].node == dan);
  CHECK(changed[0].state == LifeState::dead);
  CHECK(machine.local_health() <= health);
}

TEST_CASE("membership: a probe for another is passed on, answered late with a nack") {
  AtRest rest;
  const auto effects = rest.ada_machine.on_ping_request(rest.now, bob, PingRequest{9, dan, 3});
  const auto pings = sent<Ping>(effects);
  REQUIRE(pings.size() == 1);
  CHECK(pings[0].first == dan);

  const auto nacks = rest.wait_for<Nack>();
  CHECK(nacks[0].first == bob);
  CHECK(nacks[0].second.sequence == 9);

  const Ack ack{pings[0].second.sequence, 4};
  const auto acks = sent<Ack>(rest.ada_machine.on_ack(rest.now, dan, ack));
  REQUIRE(acks.size() == 1);
  CHECK(acks[0].first == bob);
  CHECK(acks[0].second.sequence == 9);
}

TEST_CASE("membership: a node that leaves says so, probes nobody and does not object") {
  AtRest rest;
  const auto told = sent<GossipPush>(rest.ada_machine.leave(rest.now));
  CHECK(told.size() == 3);
  CHECK(told[0].second.rumours[0].state == LifeState::left);
  CHECK(rest.ada_machine.alive() == std::vector{bob, cyd, dan});

  (void)rest.ada_machine.on_gossip(rest.now, bob, gossip_of({ada, LifeState::dead, 100, bob}));
  CHECK(rest.ada_machine.incarnation() == 100);
  for (int i = 0; i < 50; ++i) {
    const auto next = rest.ada_machine.next_deadline();
    if (!next) break;
    CHECK(sent<Ping>(rest.ada_machine.on_deadline(*next)).empty());
  }
  CHECK_FALSE(rest.ada_machine.next_deadline());
}

TEST_CASE("membership: strangers and members no longer in the table do not exist") {
  AtRest rest;
  (void)rest.ada_machine.on_gossip(rest.now, bob,
                                   gossip_of({node_number(99), LifeState::alive, 5, {}}));
  CHECK(rest.ada_machine.state_of(node_number(99)) == LifeState::dead);
  (void)rest.ada_machine.on_gossip(rest.now, bob, gossip_of({dan, LifeState::suspect, 5, bob}));

  (void)rest.ada_machine.set_members(rest.now, {ada, bob});

  CHECK(rest.ada_machine.alive() == std::vector{ada, bob});
  rest.ada_machine.check_invariants();
}

TEST_CASE("membership: nonsense incarnations leave room to object") {
  AtRest rest;
  const std::uint64_t huge = ~std::uint64_t{0};
  (void)rest.ada_machine.on_gossip(rest.now, bob, gossip_of({ada, LifeState::dead, huge, bob}));
  (void)rest.ada_machine.on_gossip(rest.now, bob, gossip_of({dan, LifeState::dead, huge, bob}));
  CHECK(rest.ada_machine.incarnation() == 100);
  CHECK(rest.ada_machine.state_of(dan) == LifeState::alive);
}

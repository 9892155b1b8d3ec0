#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <variant>
#include <vector>

#include "membership/eviction_vote.h"

namespace pixmesh {

inline constexpr Epoch epoch{{1}};

inline NodeId node(std::uint32_t number) {
  NodeId id;
  id.raw[0] = static_cast<std::uint8_t>(number);
  return id;
}

inline std::vector<NodeId> nodes(std::uint32_t first, std::uint32_t last) {
  std::vector<NodeId> all;
  for (std::uint32_t i = first; i <= last; ++i) all.push_back(node(i));
  return all;
}

/// Members 1 to `active`, of which the last `dead` are held dead.
inline EvictionScene scene_of(std::uint32_t active, std::uint32_t dead) {
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

/// One that has agreed with all members on who votes.
inline VoterState counting_on(std::uint32_t active) {
  VoterState state;
  state.electorates = {nodes(1, active)};
  return state;
}

}  // namespace pixmesh

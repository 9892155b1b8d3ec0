#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "membership/electorate.h"

namespace pixmesh {

/// A member to be evicted: its records up to `generation`.
struct EvictionTarget {
  NodeId node;
  std::uint64_t generation = 0;
  friend auto operator<=>(const EvictionTarget&, const EvictionTarget&) = default;
};

struct EvictionBallot {  // of equal rounds the greater proposer wins
  std::uint64_t round = 0;
  NodeId proposer;
  friend auto operator<=>(const EvictionBallot&, const EvictionBallot&) = default;
};

/// What a voter has accepted last.
struct AcceptedEviction {
  Epoch epoch;
  EvictionBallot ballot;
  std::vector<EvictionTarget> targets;  // by id
  friend bool operator==(const AcceptedEviction&, const AcceptedEviction&) = default;
};

/// What a voter must not forget: durable before it answers.
struct VoterState {
  Epoch epoch;              // that `promised` is of
  EvictionBallot promised;  // no lower ballot is answered in this epoch
  std::optional<AcceptedEviction> accepted;
  std::vector<Electorate> electorates;  // a majority of each; none: it takes a proposer's
  std::uint64_t life = 0;               // the eviction of ourselves that they were heard after
  friend bool operator==(const VoterState&, const VoterState&) = default;
};

enum class VoteCode : std::uint8_t {
  granted = 1,
  outbid = 2,     // a higher ballot was promised
  elsewhere = 3,  // the voter uses another epoch
  unsettled = 4,  // its partitions are in motion, or it sees too few members alive
  present = 5,    // somebody of the lost is not dead in its eyes, or not a member
};

// Phase 1: will you vote for mine rather than for a lower one? Phase 2: vote for this. With nobody
// lost it is about the electorate: will you count on the active members, and on them alone?
struct EvictionPrepare {
  Epoch epoch;
  EvictionBallot ballot;
  std::vector<EvictionTarget> lost;  // whom the proposer wants to be rid of, by id, one page
  std::vector<Electorate> electorates;
};
struct EvictionPromise {
  Epoch epoch;
  EvictionBallot ballot;  // that was asked for
  VoteCode code{};
  EvictionBallot promised;                   // when outbid: above it a proposer may try again
  std::optional<AcceptedEviction> accepted;  // when granted; of whatever epoch
  std::vector<Electorate> electorates;       // when granted: the proposer counts on these too
};
struct EvictionAccept {
  Epoch epoch;
  EvictionBallot ballot;
  std::vector<EvictionTarget> targets;  // by id, at most page_entries_max
  bool is_bound = false;  // somebody accepted it in this epoch, and it may be decided already
};
struct EvictionAccepted {
  Epoch epoch;
  EvictionBallot ballot;
  VoteCode code{};
  EvictionBallot promised;  // as above
};
using VoteMessage =
    std::variant<EvictionPrepare, EvictionPromise, EvictionAccept, EvictionAccepted>;

struct SendVote {
  NodeId to;  // also ourselves: a proposer votes like any other
  VoteMessage message;
};
/// Write this durably, then send.
struct StoreVote {
  VoterState state;
  std::vector<SendVote> then;
};
/// A majority voted for it.
struct EvictionDecided {
  std::vector<EvictionTarget> targets;
};
using VoteEffect = std::variant<SendVote, StoreVote, EvictionDecided>;

/// What the rest of the node knows when an event comes.
struct EvictionScene {
  Epoch epoch;                       // of the placement in use
  bool current = false;              // whether it is that of all we know
  bool settled = false;              // the same, our partitions are at rest and we are not frozen
  std::uint32_t replicas = 0;        // R of the mesh
  std::vector<NodeId> active;        // members that placement uses, by id, dead ones too
  std::vector<NodeId> alive;         // by id
  std::vector<EvictionTarget> dead;  // active members that are held dead, by id
  std::uint64_t life = 0;            // the last eviction of ourselves, by its generation; 0: none
};

}  // namespace pixmesh

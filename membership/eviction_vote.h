#pragma once

#include <compare>
#include <map>
#include <optional>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/rng.h"
#include "base/time.h"

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

/// Members of whom a majority must vote, by id.
using Electorate = std::vector<NodeId>;
inline constexpr std::size_t electorate_max = 4'096;  // in a larger mesh nobody is voted out
inline constexpr std::size_t electorates_max = 8;

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

/// Decides together with the other members who is evicted: a dead node cannot say that it leaves,
/// and one member alone may be the one that is cut off.
///
/// Single-decree Paxos (Lamport, "Paxos Made Simple", 2001, section 2.2), one instance for each
/// epoch: its voters are the active members of that epoch, and what it decides changes the epoch.
/// So at most one set is decided from one placement. But members join without a vote, so two halves
/// of a mesh, each with newcomers of its own, could both have a majority, in two epochs. Therefore
/// a majority of every *electorate* must vote as well: the members that all counted on when all of
/// them last agreed to, while each was alive (as a change of configuration waits for majorities of
/// the old and the new one in Raft; Ongaro, "Consensus: Bridging Theory and Practice", 2014,
/// section 4.3). The lowest living member sees to that agreement as soon as all use one placement
/// and nobody is dead: until then those that counted before decide, and if most of them die first,
/// nobody. Who was
/// evicted, and who joins, takes over the electorates of a proposer. Beside a majority, every
/// member that the proposer holds alive must grant the first phase, which it does only when its
/// partitions have settled: nobody is evicted before what the last change asked for is done. The
/// value is cut so that R active members remain, and at most a quarter of them (but one) goes.
///
/// Voters refuse, before they vote, who wants to be rid of somebody who is not dead in their eyes.
/// A set that was accepted before in this epoch binds, even if one of its members came back: it may
/// be decided already. Such a member joins anew. What was accepted in an earlier epoch, and may
/// have been decided there by a proposer that is gone, is proposed again before any other.
///
/// Invariants: (1) a promise or vote is durable before it is told; (2) no ballot is used twice: its
/// round lies above what we promised durably.
/// Not thread-safe. Cost at rest: nothing; a decision takes two rounds with all active members.
class EvictionVote {
 public:
  using Effects = std::vector<VoteEffect>;
  struct Options {
    std::optional<Duration> out_delay;  // dead for that long: to be evicted; none: only when told
    Duration interval = 1s;             // between looks at whether somebody is to be evicted
    Duration answer_within = 2s;        // of each phase; then the proposal is given up …
    Duration pause_max = 5s;            // … and another one begun after up to this, by chance
  };

  EvictionVote(NodeId self, VoterState restored, Options options, Rng rng);

  /// An operator says that a member will not return: this node proposes it without waiting for the
  /// out delay, until it is evicted or back.
  void give_up(NodeId node) { given_up_[node] = true; }
  /// The same was said before this node started again: whether the member is away is not known yet.
  void restore_wish(NodeId node) { given_up_.emplace(node, false); }
  /// It is there after all.
  void take_back(NodeId node) { given_up_.erase(node); }
  [[nodiscard]] std::vector<NodeId> given_up() const;  // by id
  /// Whether a proposal of this node is under way.
  [[nodiscard]] bool is_proposing() const { return proposal_.has_value(); }
  /// Whom this node would propose next.
  [[nodiscard]] std::vector<EvictionTarget> lost(Instant now, const EvictionScene& scene) const;

  /// Whether most of some electorate are silent: nothing can be decided then.
  [[nodiscard]] bool lacks_voters(const EvictionScene& scene) const;

  [[nodiscard]] Effects on_message(Instant now, NodeId from, const VoteMessage& message,
                                   const EvictionScene& scene);
  [[nodiscard]] Effects on_deadline(Instant now, const EvictionScene& scene);
  [[nodiscard]] std::optional<Instant> next_deadline() const { return look_at_; }
  void check_invariants() const;

 private:
  struct Proposal {
    Epoch epoch;
    EvictionBallot ballot;
    std::vector<NodeId> voters;           // all active members
    std::vector<Electorate> electorates;  // that the voters count on
    bool is_second_phase = false;
    std::vector<NodeId> needed;                // those that were alive
    std::vector<EvictionTarget> lost;          // when it was begun
    std::vector<NodeId> granted;               // by id
    std::vector<NodeId> voted;                 // by id
    std::optional<AcceptedEviction> accepted;  // the one to propose again, if any
    std::vector<EvictionTarget> targets;       // in the second phase
    Instant give_up_at;
  };

  void note_deaths(Instant now, const EvictionScene& scene);
  void end_wishes(const EvictionScene& scene);
  void begin_new_life(const EvictionScene& scene);
  [[nodiscard]] Effects propose(Instant now, const EvictionScene& scene);
  [[nodiscard]] Effects ask(Instant now, const EvictionScene& scene,
                            std::vector<EvictionTarget> lost);
  [[nodiscard]] bool wants_agreement(const EvictionScene& scene);
  [[nodiscard]] bool is_enough(const std::vector<NodeId>& voted, const EvictionScene& scene) const;
  [[nodiscard]] Effects on(Instant now, NodeId from, const EvictionPrepare& asked,
                           const EvictionScene& scene);
  [[nodiscard]] Effects on(Instant now, NodeId from, const EvictionAccept& asked,
                           const EvictionScene& scene);
  [[nodiscard]] Effects on(Instant now, NodeId from, const EvictionPromise& answer,
                           const EvictionScene& scene);
  [[nodiscard]] Effects on(Instant now, NodeId from, const EvictionAccepted& answer,
                           const EvictionScene& scene);
  [[nodiscard]] std::vector<EvictionTarget> value(const EvictionScene& scene) const;
  [[nodiscard]] bool is_bound() const;
  [[nodiscard]] bool is_ours(const Epoch& epoch, const EvictionBallot& ballot) const;
  void fall_back(Instant now, const EvictionBallot& outbid_by);

  NodeId self_;
  VoterState state_;
  Options options_;
  Rng rng_;
  std::uint64_t last_round_ = 0;  // the highest that we know of
  std::map<NodeId, Instant> dead_since_;
  std::map<NodeId, bool> given_up_;  // and whether it was away since we started
  std::optional<Proposal> proposal_;
  std::optional<Instant> look_at_ = Instant{};
};

/// Of the lost, by id, those who may go at once: at least `replicas` active members remain, and at
/// most a quarter of the active, but one, goes.
[[nodiscard]] std::vector<EvictionTarget> evictable(const std::vector<EvictionTarget>& lost,
                                                    std::size_t active, std::uint32_t replicas);

}  // namespace pixmesh

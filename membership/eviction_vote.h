#pragma once

#include <map>
#include <optional>
#include <vector>

#include "base/rng.h"
#include "base/time.h"
#include "membership/eviction_acceptor.h"

namespace pixmesh {

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
/// This is the proposer; its member's own votes are those of an `EvictionAcceptor`.
/// Invariant: no ballot is used twice: its round lies above what we promised durably.
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

  [[nodiscard]] const std::vector<Electorate>& electorates() const {
    return acceptor_.state().electorates;
  }
  void note_deaths(Instant now, const EvictionScene& scene);
  void end_wishes(const EvictionScene& scene);
  [[nodiscard]] Effects propose(Instant now, const EvictionScene& scene);
  [[nodiscard]] Effects ask(Instant now, const EvictionScene& scene,
                            std::vector<EvictionTarget> lost);
  [[nodiscard]] bool wants_agreement(const EvictionScene& scene);
  [[nodiscard]] bool is_enough(const std::vector<NodeId>& voted, const EvictionScene& scene) const;
  [[nodiscard]] Effects on(Instant now, NodeId from, const EvictionPromise& answer,
                           const EvictionScene& scene);
  [[nodiscard]] Effects on(Instant now, NodeId from, const EvictionAccepted& answer,
                           const EvictionScene& scene);
  [[nodiscard]] std::vector<EvictionTarget> value(const EvictionScene& scene) const;
  [[nodiscard]] bool is_bound() const;
  [[nodiscard]] bool is_ours(const Epoch& epoch, const EvictionBallot& ballot) const;
  void fall_back(Instant now, const EvictionBallot& outbid_by);

  NodeId self_;
  EvictionAcceptor acceptor_;
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

#pragma once

#include <set>

#include "membership/eviction_vote.h"
#include "node/options.h"
#include "node/peers.h"
#include "node/post.h"
#include "node/state_writer.h"
#include "wire/operator_messages.h"

namespace pixmesh {

/// How members that are dead for good leave the mesh: by a vote of the members, or because an
/// operator has this node alone say so.
///
/// Invariants: what this node promised and voted is durable before it is told; so is what an
/// operator asked for before the operator is answered.
class Evictions {
 public:
  Evictions(const NodeOptions& options, const TableRows& facts, MemberTable& table,
            StateWriter& writer, Outside& outside, Post& post, Rng rng);

  /// How this node sees the mesh just now; without `active` while no mesh is known.
  [[nodiscard]] EvictionScene scene(const Peers& peers, const Epoch& in_use, bool settled) const;

  void on_message(Instant now, Peers& peers, NodeId from, const VoteMessage& message,
                  const EvictionScene& scene);
  void on_deadline(Instant now, Peers& peers, const EvictionScene& scene, bool frozen);
  [[nodiscard]] std::optional<Instant> next_deadline() const;

  void on_members_changed(Instant now, const MembersChanged& changed);
  /// Whoever is there after all is not to be forgotten by an old wish.
  void on_member_proven(NodeId node);

  /// Whom this node wants evicted by a vote, by id, at most page_entries_max, and what for it
  /// waits.
  [[nodiscard]] std::vector<VoteStatus> votes(Instant now, const EvictionScene& scene,
                                              bool frozen) const;

  /// @returns what is going to happen, or why it cannot: usage, not_found, fewer_copies.
  [[nodiscard]] Result<std::string> forget(Instant now, Peers& peers, const CommandRequest& command,
                                           const EvictionScene& scene, bool frozen);

 private:
  [[nodiscard]] Result<std::string> forget_by_vote(const MemberRecord& lost,
                                                   const EvictionScene& scene, bool frozen);
  void keep_wishes();
  void perform(Instant now, Peers& peers, EvictionVote::Effects effects);
  [[nodiscard]] bool evict(Instant now, Peers& peers, const EvictionTarget& target, bool given_up);
  void forget_again(Instant now, Peers& peers, bool frozen);

  const NodeOptions& options_;
  MemberTable& table_;
  StateWriter& writer_;
  Outside& outside_;
  Post& post_;
  EvictionVote vote_;
  std::vector<NodeId> stored_wishes_;  // that `vote_` is to give up, as the state folder has them

  // Members that an operator had this node forget by itself. An eviction names the newest record
  // that we know; if others know a newer one, the lost member is back, though nobody is there. Not
  // durable: a node that was away itself cannot tell whether the lost one came back meanwhile.
  std::set<NodeId> forgotten_;
  std::optional<Instant> forget_at_;
};

/// The row of the facts that keeps an eviction.
[[nodiscard]] TableRow eviction_row(const Eviction& eviction);

}  // namespace pixmesh

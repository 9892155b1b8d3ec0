#pragma once

#include "membership/eviction_messages.h"

namespace pixmesh {

/// How a member votes on who is evicted: the acceptor of the Paxos that `EvictionVote` describes.
///
/// Invariant: a promise or vote, and whom it counts on, is durable before it is told.
class EvictionAcceptor {
 public:
  using Effects = std::vector<VoteEffect>;
  explicit EvictionAcceptor(VoterState restored) : state_(std::move(restored)) {}

  [[nodiscard]] const VoterState& state() const { return state_; }
  void begin_new_life(const EvictionScene& scene);
  /// A ballot of our own: durable before anybody hears of it, for it must not be used again.
  [[nodiscard]] StoreVote promise_own(const Epoch& epoch, const EvictionBallot& ballot,
                                      std::vector<SendVote> then);
  [[nodiscard]] Effects on(NodeId from, const EvictionPrepare& asked, const EvictionScene& scene);
  [[nodiscard]] Effects on(NodeId from, const EvictionAccept& asked, const EvictionScene& scene);

 private:
  VoterState state_;
};

}  // namespace pixmesh

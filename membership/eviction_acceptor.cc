#include "membership/eviction_acceptor.h"

#include <algorithm>
#include <utility>

namespace pixmesh {
namespace {

bool are_dead(const std::vector<EvictionTarget>& lost, const EvictionScene& scene) {
  return std::ranges::includes(scene.dead, lost, {}, &EvictionTarget::node, &EvictionTarget::node);
}

}  // namespace

// Whoever evicted us goes on without us, and may have agreed on another electorate.
void EvictionAcceptor::begin_new_life(const EvictionScene& scene) {
  if (state_.life == scene.life) return;
  state_.life = scene.life;
  state_.electorates.clear();
}

StoreVote EvictionAcceptor::promise_own(const Epoch& epoch, const EvictionBallot& ballot,
                                        std::vector<SendVote> then) {
  state_.epoch = epoch;
  state_.promised = ballot;
  return {state_, std::move(then)};
}

EvictionAcceptor::Effects EvictionAcceptor::on(NodeId from, const EvictionPrepare& asked,
                                               const EvictionScene& scene) {
  begin_new_life(scene);
  EvictionPromise answer{asked.epoch, asked.ballot, VoteCode::granted, {}, std::nullopt, {}};
  std::vector<Electorate> electorates = state_.electorates;
  if (electorates.empty()) electorates = asked.electorates;
  if (asked.lost.empty()) add_electorates(electorates, {scene.active});
  const bool is_ready = asked.lost.empty() ? scene.current : scene.settled;
  const bool is_known = state_.epoch == asked.epoch;
  if (asked.epoch != scene.epoch) {
    answer.code = VoteCode::elsewhere;
  } else if (!is_ready || electorates.size() > electorates_max) {
    answer.code = VoteCode::unsettled;
  } else if (is_known && asked.ballot < state_.promised) {
    answer.code = VoteCode::outbid;
    answer.promised = state_.promised;
  } else if (!are_dead(asked.lost, scene)) {
    answer.code = VoteCode::present;
  }
  if (answer.code != VoteCode::granted) return {SendVote{from, std::move(answer)}};
  answer.accepted = state_.accepted;
  answer.electorates = electorates;
  state_.electorates = std::move(electorates);
  state_.epoch = asked.epoch;
  state_.promised = asked.ballot;
  return {StoreVote{state_, {SendVote{from, std::move(answer)}}}};
}

EvictionAcceptor::Effects EvictionAcceptor::on(NodeId from, const EvictionAccept& asked,
                                               const EvictionScene& scene) {
  EvictionAccepted answer{asked.epoch, asked.ballot, VoteCode::granted, {}};
  const bool is_agreement = asked.targets.empty();
  if (asked.epoch != scene.epoch || (is_agreement && !scene.current)) {
    answer.code = VoteCode::elsewhere;
  } else if (state_.epoch == asked.epoch && asked.ballot < state_.promised) {
    answer.code = VoteCode::outbid;
    answer.promised = state_.promised;
  } else if (!asked.is_bound && !are_dead(asked.targets, scene)) {
    answer.code = VoteCode::present;
  }
  if (answer.code != VoteCode::granted) return {SendVote{from, answer}};
  state_.epoch = asked.epoch;
  state_.promised = asked.ballot;
  if (is_agreement) {
    state_.electorates = {scene.active};  // all have it on disk
  } else {
    state_.accepted = AcceptedEviction{asked.epoch, asked.ballot, asked.targets};
  }
  return {StoreVote{state_, {SendVote{from, answer}}}};
}

}  // namespace pixmesh

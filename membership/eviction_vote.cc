#include "membership/eviction_vote.h"

#include <algorithm>

#include "base/invariant.h"
#include "base/limits.h"

namespace pixmesh {
namespace {

bool has(const std::vector<NodeId>& sorted, NodeId node) {
  return std::binary_search(sorted.begin(), sorted.end(), node);
}

void add(std::vector<NodeId>& sorted, NodeId node) {
  const auto place = std::lower_bound(sorted.begin(), sorted.end(), node);
  if (place == sorted.end() || *place != node) sorted.insert(place, node);
}

}  // namespace

std::vector<EvictionTarget> evictable(const std::vector<EvictionTarget>& lost, std::size_t active,
                                      std::uint32_t replicas) {
  const std::size_t spare = active > replicas ? active - replicas : 0;
  const std::size_t count = std::min({lost.size(), spare, std::max<std::size_t>(active / 4, 1)});
  return {lost.begin(), lost.begin() + static_cast<std::ptrdiff_t>(count)};
}

EvictionVote::EvictionVote(NodeId self, VoterState restored, Options options, Rng rng)
    : self_(self),
      acceptor_(std::move(restored)),
      options_(options),
      rng_(rng),
      last_round_(acceptor_.state().promised.round) {}

std::vector<NodeId> EvictionVote::given_up() const {
  std::vector<NodeId> nodes;
  for (const auto& [node, was_away] : given_up_) nodes.push_back(node);
  return nodes;
}

EvictionVote::Effects EvictionVote::on_deadline(Instant now, const EvictionScene& scene) {
  if (!look_at_ || now < *look_at_) return {};
  look_at_ = now + options_.interval;
  note_deaths(now, scene);
  if (proposal_ && now < proposal_->give_up_at && proposal_->epoch == scene.epoch) return {};
  if (proposal_) {
    fall_back(now, {});
    return {};
  }
  acceptor_.begin_new_life(scene);
  return propose(now, scene);
}

void EvictionVote::note_deaths(Instant now, const EvictionScene& scene) {
  std::map<NodeId, Instant> since;
  for (const EvictionTarget& dead : scene.dead) {
    const auto known = dead_since_.find(dead.node);
    since[dead.node] = known == dead_since_.end() ? now : known->second;
  }
  dead_since_ = std::move(since);
  end_wishes(scene);
}

// A wish ends with who is back, and with who is in the ring no more. Just started we hear from
// nobody, then everybody counts as alive for a while: neither tells who was away.
void EvictionVote::end_wishes(const EvictionScene& scene) {
  if (!is_majority(scene.alive.size(), scene.active.size())) return;
  for (auto& [node, was_away] : given_up_) was_away = was_away || !has(scene.alive, node);
  std::erase_if(given_up_, [&](const auto& wish) {
    return !has(scene.active, wish.first) || (wish.second && has(scene.alive, wish.first));
  });
}

std::vector<EvictionTarget> EvictionVote::lost(Instant now, const EvictionScene& scene) const {
  std::vector<EvictionTarget> lost;
  for (const EvictionTarget& dead : scene.dead) {
    const auto since = dead_since_.find(dead.node);
    const bool for_long = options_.out_delay && since != dead_since_.end() &&
                          now - since->second >= *options_.out_delay;
    if (for_long || given_up_.contains(dead.node)) lost.push_back(dead);
  }
  return lost;
}

bool EvictionVote::lacks_voters(const EvictionScene& scene) const {
  return !has_majorities(electorates(), scene.alive, scene.active);
}

// The living member with the lowest id does, so that proposals seldom meet; and whoever was told by
// an operator.
EvictionVote::Effects EvictionVote::propose(Instant now, const EvictionScene& scene) {
  if (!scene.current || !has(scene.active, self_)) return {};
  if (scene.active.size() > electorate_max) return {};
  if (wants_agreement(scene)) return ask(now, scene, {});
  if (!scene.settled) return {};
  std::vector<EvictionTarget> lost = this->lost(now, scene);
  if (lost.size() > page_entries_max) lost.resize(page_entries_max);
  if (evictable(lost, scene.active.size(), scene.replicas).empty()) return {};
  const bool is_told = std::ranges::any_of(
      lost, [this](const EvictionTarget& target) { return given_up_.contains(target.node); });
  const auto first = std::ranges::find_if(
      scene.active, [&](const NodeId& node) { return has(scene.alive, node); });
  if (!is_told && (first == scene.active.end() || *first != self_)) return {};
  return ask(now, scene, std::move(lost));
}

// Others may lack what the lowest member has: now and then they see to it themselves.
bool EvictionVote::wants_agreement(const EvictionScene& scene) {
  if (scene.alive != scene.active) return false;
  if (electorates() == std::vector<Electorate>{scene.active}) return false;
  return scene.active.front() == self_ || rng_.below(8) == 0;
}

EvictionVote::Effects EvictionVote::ask(Instant now, const EvictionScene& scene,
                                        std::vector<EvictionTarget> lost) {
  Proposal next;
  next.epoch = scene.epoch;
  next.ballot = {++last_round_, self_};
  next.voters = scene.active;
  next.give_up_at = now + options_.answer_within;
  std::vector<SendVote> questions;
  for (const NodeId& node : scene.active) {
    if (!has(scene.alive, node) && node != self_) continue;
    next.needed.push_back(node);
    questions.push_back({node, EvictionPrepare{next.epoch, next.ballot, lost, electorates()}});
  }
  next.lost = std::move(lost);
  next.electorates = electorates();
  StoreVote promise = acceptor_.promise_own(next.epoch, next.ballot, std::move(questions));
  proposal_ = std::move(next);
  return {std::move(promise)};
}

EvictionVote::Effects EvictionVote::on(Instant now, NodeId from, const EvictionPromise& answer,
                                       const EvictionScene& scene) {
  if (!is_ours(answer.epoch, answer.ballot) || proposal_->is_second_phase) return {};
  if (!has(proposal_->voters, from)) return {};
  if (answer.code != VoteCode::granted) {
    fall_back(now, answer.promised);
    return {};
  }
  add(proposal_->granted, from);
  add_electorates(proposal_->electorates, answer.electorates);
  // Of this epoch the highest ballot binds us; of earlier ones the latest is as good as any.
  const auto weight = [this](const AcceptedEviction& accepted) {
    return std::pair(accepted.epoch == proposal_->epoch, accepted.ballot);
  };
  if (answer.accepted &&
      (!proposal_->accepted || weight(*proposal_->accepted) < weight(*answer.accepted))) {
    proposal_->accepted = answer.accepted;
  }
  const bool all = std::ranges::includes(proposal_->granted, proposal_->needed);
  if (!all || !is_enough(proposal_->granted, scene)) return {};
  if (!proposal_->lost.empty() && proposal_->electorates.empty()) {  // none of them ever agreed
    fall_back(now, {});
    return {};
  }

  const bool is_agreement = proposal_->lost.empty();
  if (!is_agreement) proposal_->targets = value(scene);
  const bool has_value = is_agreement || !proposal_->targets.empty();
  if (!has_value || scene.epoch != proposal_->epoch) {
    fall_back(now, {});
    return {};
  }
  proposal_->is_second_phase = true;
  proposal_->give_up_at = now + options_.answer_within;
  Effects effects;
  for (const NodeId& node : proposal_->granted) {
    effects.push_back(SendVote{
        node, EvictionAccept{proposal_->epoch, proposal_->ballot, proposal_->targets, is_bound()}});
  }
  return effects;
}

// A majority of the active members and of each electorate; all, where it is about the electorate.
bool EvictionVote::is_enough(const std::vector<NodeId>& voted, const EvictionScene& scene) const {
  if (proposal_->lost.empty()) return voted == proposal_->voters;
  return is_majority(voted.size(), proposal_->voters.size()) &&
         has_majorities(proposal_->electorates, voted, scene.active);
}

bool EvictionVote::is_bound() const {
  return !proposal_->lost.empty() && proposal_->accepted &&
         proposal_->accepted->epoch == proposal_->epoch;
}

std::vector<EvictionTarget> EvictionVote::value(const EvictionScene& scene) const {
  const auto& accepted = proposal_->accepted;
  if (is_bound()) return accepted->targets;
  std::vector<EvictionTarget> lost = proposal_->lost;
  if (accepted) {
    std::vector<EvictionTarget> perhaps_decided;
    std::ranges::set_intersection(lost, accepted->targets, std::back_inserter(perhaps_decided));
    if (!perhaps_decided.empty()) lost = std::move(perhaps_decided);
  }
  return evictable(lost, scene.active.size(), scene.replicas);
}

EvictionVote::Effects EvictionVote::on(Instant now, NodeId from, const EvictionAccepted& answer,
                                       const EvictionScene& scene) {
  if (!is_ours(answer.epoch, answer.ballot) || !proposal_->is_second_phase) return {};
  if (!has(proposal_->voters, from)) return {};
  if (answer.code != VoteCode::granted || scene.epoch != proposal_->epoch) {
    fall_back(now, answer.promised);
    return {};
  }
  add(proposal_->voted, from);
  if (!is_enough(proposal_->voted, scene)) return {};
  EvictionDecided decided{proposal_->targets};
  proposal_.reset();
  if (decided.targets.empty()) return {};
  return {std::move(decided)};
}

bool EvictionVote::is_ours(const Epoch& epoch, const EvictionBallot& ballot) const {
  return proposal_ && proposal_->epoch == epoch && proposal_->ballot == ballot;
}

// By chance, so that two who outbid each other part.
void EvictionVote::fall_back(Instant now, const EvictionBallot& outbid_by) {
  last_round_ = std::max(last_round_, outbid_by.round);
  const bool is_agreement = proposal_ && proposal_->lost.empty();
  proposal_.reset();
  if (is_agreement) {  // seldom two at once, and each second without it counts
    look_at_ = now + options_.interval;
    return;
  }
  const auto most = static_cast<std::uint64_t>(options_.pause_max / 1ms);
  look_at_ = now + options_.interval + std::chrono::milliseconds(rng_.below(most + 1));
}

EvictionVote::Effects EvictionVote::on_message(Instant now, NodeId from, const VoteMessage& message,
                                               const EvictionScene& scene) {
  if (const auto* prepare = std::get_if<EvictionPrepare>(&message)) {
    last_round_ = std::max(last_round_, prepare->ballot.round);
    return acceptor_.on(from, *prepare, scene);
  }
  if (const auto* accept = std::get_if<EvictionAccept>(&message)) {
    return acceptor_.on(from, *accept, scene);
  }
  if (const auto* promise = std::get_if<EvictionPromise>(&message)) {
    return on(now, from, *promise, scene);
  }
  return on(now, from, std::get<EvictionAccepted>(message), scene);
}

void EvictionVote::check_invariants() const {
  invariant(!proposal_ || proposal_->ballot.round <= last_round_, "rounds only grow");
  invariant(!proposal_ || std::ranges::is_sorted(proposal_->granted), "voters are sorted");
  invariant(acceptor_.state().promised.round <= last_round_, "a promised round is known");
}

}  // namespace pixmesh

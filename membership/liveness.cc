#include "membership/liveness.h"

#include <algorithm>
#include <utility>

#include "base/invariant.h"
#include "base/limits.h"
#include "membership/log_scale.h"

namespace pixmesh {
namespace {

// Above it a rumour is nonsense: it would leave no room to object.
constexpr std::uint64_t incarnation_max = 1ULL << 62;
constexpr std::size_t leave_fanout = 8;

}  // namespace

Liveness::Liveness(NodeId self, std::uint64_t incarnation, LivenessOptions options, Rng rng)
    : self_(self),
      options_(options),
      rng_(rng),
      incarnation_(incarnation),
      dead_probe_interval_(options.dead_probe_min) {
  invariant(options.confirmations <= Suspicion::confirmations_max, "confirmations are bounded");
}

Liveness::Effects Liveness::set_members(Instant now, std::vector<NodeId> members) {
  forgive_oversleep(now);
  const bool first = view_.empty();
  if (!view_.assign(now, self_, std::move(members), rng_)) return {};
  const auto unknown = [this](NodeId node) { return view_.find(node) == nullptr; };
  std::erase_if(suspicions_, [&](const Suspicion& one) { return unknown(one.node()); });
  std::erase_if(urgent_, unknown);
  if (probe_ && unknown(probe_->target)) probe_.reset();
  start_timers(now);
  // Those who held an earlier run of ours dead hear of this one before their next probe.
  if (first && !view_.empty()) spread(now, {self_, LifeState::alive, incarnation_, {}});
  return {};
}

Liveness::Effects Liveness::on_ping(Instant now, NodeId from, const Ping& ping) {
  Effects out;
  hear(now, from, ping, false, out);
  send(from, Ack{ping.sequence}, out);
  return out;
}

Liveness::Effects Liveness::on_ping_request(Instant now, NodeId from, const PingRequest& request) {
  Effects out;
  hear(now, from, request, false, out);
  if (view_.find(request.target) == nullptr || relays_.size() >= options_.relays_max) {
    send(from, Nack{request.sequence}, out);
    return out;
  }
  // The nack must be back before the asker's own time is over.
  const Instant nack_at = now + options_.indirect_timeout * 4 / 5;
  relays_.push_back(Relay{from, request.sequence, ++sequence_, nack_at});
  send(request.target, Ping{sequence_}, out);
  return out;
}

Liveness::Effects Liveness::on_ack(Instant now, NodeId from, const Ack& ack) {
  Effects out;
  hear(now, from, ack, false, out);
  if (summary_wanted_ && view_.find(from) != nullptr) {
    summary_wanted_ = false;
    send_summary(from, true, out);
  }
  if (probe_ && probe_->sequence == ack.sequence) {
    probe_.reset();
    if (health_ > 0) --health_;
    return out;
  }
  const auto relay = std::ranges::find(relays_, ack.sequence, &Relay::sequence);
  if (relay == relays_.end()) return out;
  Ack forwarded{relay->asker_sequence};
  // The target may just have objected to an accusation that the asker has heard.
  if (const PeerLife* target = view_.find(from)) {
    forwarded.rumours.push_back({from, target->state, target->incarnation, self_});
  }
  send(relay->asker, std::move(forwarded), out);
  relays_.erase(relay);
  return out;
}

Liveness::Effects Liveness::on_nack(Instant now, NodeId from, const Nack& nack) {
  Effects out;
  hear(now, from, nack, false, out);
  if (probe_ && probe_->sequence == nack.sequence && probe_->nacks_missing > 0) {
    --probe_->nacks_missing;
  }
  return out;
}

Liveness::Effects Liveness::on_gossip(Instant now, NodeId from, const GossipPush& push) {
  Effects out;
  hear(now, from, push, push.is_summary, out);
  if (push.answer_wanted) send_summary(from, false, out);
  return out;
}

Liveness::Effects Liveness::on_message(Instant now, NodeId from, const LivenessMessage& message) {
  if (const auto* ping = std::get_if<Ping>(&message)) return on_ping(now, from, *ping);
  if (const auto* ack = std::get_if<Ack>(&message)) return on_ack(now, from, *ack);
  if (const auto* nack = std::get_if<Nack>(&message)) return on_nack(now, from, *nack);
  if (const auto* asked = std::get_if<PingRequest>(&message)) {
    return on_ping_request(now, from, *asked);
  }
  return on_gossip(now, from, *std::get_if<GossipPush>(&message));
}

void Liveness::set_table_digest(const std::array<std::uint8_t, 32>& digest) {
  table_shared_ = table_shared_ && digest == table_digest_;
  table_digest_ = digest;
}

Liveness::Effects Liveness::leave(Instant now) {
  forgive_oversleep(now);
  Effects out;
  if (leaving_) return out;
  leaving_ = true;
  probe_.reset();
  spread(now, {self_, LifeState::left, incarnation_, {}});
  for (const NodeId to : view_.pick(rng_, leave_fanout, self_, true)) send(to, GossipPush{}, out);
  return out;
}

// --- Hearing -------------------------------------------------------------------------------------

template <typename Message>
void Liveness::hear(Instant now, NodeId from, const Message& message, bool summary, Effects& out) {
  forgive_oversleep(now);
  if (message.table_digest == table_digest_) {
    table_shared_ = true;
  } else {
    out.push_back(TablesDiffer{from});
  }
  const PeerLife* sender = view_.find(from);
  const bool returned = sender != nullptr && sender->state > LifeState::suspect &&
                        message.incarnation > sender->incarnation;
  hear_directly(now, from, message.incarnation, out);
  for (const LivenessRumour& rumour : message.rumours) hear_rumour(now, rumour, summary, out);
  // Whoever we held dead may have been in another half of the mesh: tell each other whom we miss.
  if (returned && !summary) send_summary(from, true, out);
}

void Liveness::hear_directly(Instant now, NodeId from, std::uint64_t incarnation, Effects& out) {
  PeerLife* peer = view_.find(from);
  if (peer == nullptr || incarnation > incarnation_max) return;
  if (incarnation > peer->incarnation) {
    const bool news = peer->state != LifeState::alive;
    change(now, *peer, {from, LifeState::alive, incarnation, {}}, news, out);
  }
  peer->heard = heard_time_of(now);
}

void Liveness::hear_rumour(Instant now, LivenessRumour rumour, bool summary, Effects& out) {
  if (rumour.incarnation > incarnation_max) return;
  if (rumour.node == self_) return hear_about_self(now, rumour);
  PeerLife* peer = view_.find(rumour.node);
  if (peer == nullptr) return;
  const bool agrees = rumour.state == LifeState::suspect && peer->state == LifeState::suspect &&
                      rumour.incarnation == peer->incarnation;
  if (agrees) return confirm(now, rumour);
  if (!supersedes(rumour, *peer)) return;
  if (is_doubtful(now, rumour, *peer, summary)) {
    // The accused is asked instead: if it lives, its objection is the fastest way to the truth.
    GossipPush accusation;
    accusation.rumours.push_back(rumour);
    send(rumour.node, std::move(accusation), out);
    if (std::ranges::find(urgent_, rumour.node) == urgent_.end()) urgent_.push_back(rumour.node);
    return;
  }
  change(now, *peer, rumour, true, out);
}

void Liveness::hear_about_self(Instant now, const LivenessRumour& rumour) {
  if (leaving_ || rumour.incarnation < incarnation_) return;
  if (rumour.incarnation == incarnation_ && rumour.state == LifeState::alive) return;
  incarnation_ = rumour.incarnation + 1;
  worsen_health(1);
  spread(now, {self_, LifeState::alive, incarnation_, {}});
}

void Liveness::confirm(Instant now, const LivenessRumour& rumour) {
  const auto suspicion = std::ranges::find(suspicions_, rumour.node, &Suspicion::node);
  if (suspicion->confirm(now, rumour.accuser)) spread(now, rumour);
}

bool Liveness::is_doubtful(Instant now, const LivenessRumour& rumour, const PeerLife& peer,
                           bool summary) const {
  if (rumour.state != LifeState::dead || rumour.incarnation != peer.incarnation) return false;
  if (peer.state == LifeState::suspect) return false;
  return summary || peer.silent_for(now) < 2 * options_.probe_interval;
}

void Liveness::change(Instant now, PeerLife& peer, const LivenessRumour& rumour, bool news,
                      Effects& out) {
  const LifeState was = peer.state;
  std::erase_if(suspicions_, [&](const Suspicion& one) { return one.node() == peer.node; });
  view_.set_state(peer, rumour.state);
  peer.incarnation = rumour.incarnation;
  if (rumour.state == LifeState::suspect) {
    suspect(now, rumour);
  } else {
    std::erase(urgent_, peer.node);
  }
  if (news) spread(now, rumour);
  if (rumour.state == was) return;
  const bool accused = rumour.state == LifeState::suspect || rumour.state == LifeState::dead;
  const NodeId by = accused ? rumour.accuser : peer.node;
  out.push_back(MemberChanged{peer.node, rumour.state, was, by, peer.silent_for(now)});
  if (rumour.state < LifeState::dead) return;
  dead_probe_interval_ = options_.dead_probe_min;
  next_dead_probe_.reset();
  start_timers(now);
}

void Liveness::suspect(Instant now, const LivenessRumour& rumour) {
  const std::uint64_t members = view_.peers().size() + 1;
  const Duration least = options_.probe_interval * options_.suspicion_multiplier *
                         std::max<std::int64_t>(1000, milli_log10(members)) / 1000;
  // The accuser and the suspect are no independent witnesses; we ourselves are one.
  const std::size_t witnesses = view_.count(LifeState::alive);
  const auto wanted =
      static_cast<std::uint32_t>(std::min<std::size_t>(options_.confirmations, witnesses));
  suspicions_.push_back(Suspicion(rumour.node, rumour.accuser, now, wanted, least,
                                  least * options_.suspicion_most_factor));
  // A few who hear of it look for themselves at once: they confirm it, or hear the objection.
  const bool witness = rng_.below(members) < 2 * (options_.confirmations + 1);
  if (rumour.accuser != self_ && witness) urgent_.push_back(rumour.node);
}

// --- Sending -------------------------------------------------------------------------------------

void Liveness::send(NodeId to, LivenessMessage message, Effects& out) {
  std::visit(
      [&](auto& any) {
        any.incarnation = incarnation_;
        any.table_digest = table_digest_;
        add_rumours(to, any.rumours);
      },
      message);
  out.push_back(SendLiveness{to, std::move(message)});
}

void Liveness::add_rumours(NodeId to, std::vector<LivenessRumour>& rumours) {
  const PeerLife* peer = view_.find(to);
  const bool well = peer == nullptr || peer->state == LifeState::alive;
  // The buddy system: whoever is believed to be unwell is the first to be told.
  if (!well) rumours.push_back({to, peer->state, peer->incarnation, self_});
  if (!well && peer->state != LifeState::suspect) return;
  if (rumours.size() >= options_.rumours_max) return;
  const std::size_t said = rumours.size();
  rumours_.take(options_.rumours_max - said, retransmit_limit(), rumours);
  if (said == 0) return;
  const NodeId first = rumours.front().node;
  rumours.erase(std::remove_if(rumours.begin() + static_cast<std::ptrdiff_t>(said), rumours.end(),
                               [first](const auto& one) { return one.node == first; }),
                rumours.end());
}

void Liveness::send_summary(NodeId to, bool answer_wanted, Effects& out) {
  GossipPush summary{true, answer_wanted, incarnation_, table_digest_, {}};
  for (const PeerLife& peer : view_.peers()) {
    if (peer.state == LifeState::alive) continue;
    summary.rumours.push_back({peer.node, peer.state, peer.incarnation, self_});
    if (summary.rumours.size() < page_entries_max) continue;
    out.push_back(SendLiveness{to, summary});
    summary.rumours.clear();
    summary.answer_wanted = false;
  }
  if (!summary.rumours.empty() || summary.answer_wanted) {
    out.push_back(SendLiveness{to, std::move(summary)});
  }
}

void Liveness::spread(Instant now, const LivenessRumour& rumour) {
  rumours_.add(rumour);
  const Instant soon = std::max(now, last_gossip_ + options_.gossip_hurry);
  if (!next_gossip_ || soon < *next_gossip_) next_gossip_ = soon;
}

std::uint32_t Liveness::retransmit_limit() const {
  const std::uint64_t members = view_.peers().size() + 1;
  return options_.retransmit_factor * ((milli_log2(members + 1) + 999) / 1000);
}

// --- Asking --------------------------------------------------------------------------------------

LifeState Liveness::state_of(NodeId node) const {
  if (node == self_) return leaving_ ? LifeState::left : LifeState::alive;
  const PeerLife* peer = view_.find(node);
  return peer != nullptr ? peer->state : LifeState::dead;
}

std::vector<NodeId> Liveness::alive() const {
  std::vector<NodeId> nodes;
  for (const PeerLife& peer : view_.peers()) {
    if (peer.state == LifeState::alive) nodes.push_back(peer.node);
  }
  if (!leaving_) nodes.insert(std::ranges::lower_bound(nodes, self_), self_);
  return nodes;
}

void Liveness::check_invariants() const {
  std::size_t suspects = 0;
  for (const PeerLife& peer : view_.peers()) {
    invariant(peer.node != self_, "we are not our own peer");
    if (peer.state != LifeState::suspect) continue;
    ++suspects;
    const auto its = std::ranges::count(suspicions_, peer.node, &Suspicion::node);
    invariant(its == 1, "a suspected member has exactly one suspicion");
  }
  invariant(suspects == suspicions_.size(), "only suspected members have a suspicion");
  invariant(view_.count(LifeState::suspect) == suspects, "states are counted right");
  invariant(health_ <= options_.health_max, "local health stays in its range");
  invariant(relays_.size() <= options_.relays_max, "relayed probes are bounded");
  invariant(!probe_ || view_.find(probe_->target) != nullptr, "only members are probed");
}

}  // namespace pixmesh

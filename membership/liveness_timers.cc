// The half of Liveness that time drives: probes, relayed probes, suspicions, gossip.
#include <algorithm>
#include <utility>

#include "base/invariant.h"
#include "membership/liveness.h"

namespace pixmesh {

std::optional<Instant> Liveness::next_deadline() const {
  std::optional<Instant> first;
  const auto consider = [&first](std::optional<Instant> at) {
    if (at && (!first || *at < *first)) first = at;
  };
  consider(next_probe_);
  consider(next_gossip_);
  consider(next_dead_probe_);
  if (probe_) consider(probe_->until);
  for (const Relay& relay : relays_) consider(relay.nack_at);
  for (const Suspicion& suspicion : suspicions_) consider(suspicion.deadline());
  return first;
}

Liveness::Effects Liveness::on_deadline(Instant now) {
  forgive_oversleep(now);
  Effects out;
  advance_probe(now, out);
  expire_suspicions(now, out);
  advance_relays(now, out);
  if (next_probe_ && *next_probe_ <= now) start_probe(now, out);
  if (next_dead_probe_ && *next_dead_probe_ <= now) probe_dead(now, out);
  if (next_gossip_ && *next_gossip_ <= now) gossip(now, out);
  return out;
}

void Liveness::forgive_oversleep(Instant now) {
  const std::optional<Instant> due = next_deadline();
  if (!due || now <= *due + options_.oversleep) return;
  // We were held up: nobody is blamed for that time, nor before the answers that may lie in our
  // queue had time to be read.
  const Duration late = now - *due + options_.oversleep;
  const auto postpone = [late](std::optional<Instant>& at) {
    if (at) *at += late;
  };
  postpone(next_probe_);
  postpone(next_gossip_);
  postpone(next_dead_probe_);
  if (probe_) probe_->until += late;
  for (Relay& relay : relays_) relay.nack_at += late;
  for (Suspicion& suspicion : suspicions_) suspicion.postpone(late);
  worsen_health(static_cast<std::uint32_t>(1 + std::min<std::int64_t>(late / 1s, 8)));
}

void Liveness::start_timers(Instant now) {
  if (view_.empty()) {
    next_probe_.reset();
    next_dead_probe_.reset();
    return;
  }
  const auto chance = [this](Duration most) {
    return Duration(
        static_cast<std::int64_t>(rng_.below(static_cast<std::uint64_t>(most.count()))));
  };
  if (!next_probe_ && !leaving_) next_probe_ = now + chance(options_.probe_interval);
  const std::size_t dead = view_.count(LifeState::dead) + view_.count(LifeState::left);
  if (dead == 0 || leaving_) {
    next_dead_probe_.reset();
  } else if (!next_dead_probe_) {
    next_dead_probe_ = now + dead_probe_interval_ * 3 / 4 + chance(dead_probe_interval_ / 2);
  }
}

void Liveness::expire_suspicions(Instant now, Effects& out) {
  std::vector<NodeId> condemned;
  for (const Suspicion& suspicion : suspicions_) {
    if (suspicion.deadline() <= now) condemned.push_back(suspicion.node());
  }
  for (const NodeId node : condemned) {
    PeerLife* peer = view_.find(node);
    change(now, *peer, {node, LifeState::dead, peer->incarnation, self_}, true, out);
  }
}

void Liveness::advance_probe(Instant now, Effects& out) {
  if (!probe_ || probe_->until > now) return;
  if (probe_->indirect) {
    fail_probe(now, out);
  } else {
    ask_helpers(now, out);
  }
}

void Liveness::ask_helpers(Instant now, Effects& out) {
  const std::vector<NodeId> helpers =
      view_.pick(rng_, options_.indirect_probes, probe_->target, false);
  for (const NodeId helper : helpers) {
    send(helper, PingRequest{probe_->sequence, probe_->target}, out);
  }
  // One lost message must not accuse anybody, even where there is nobody to help.
  send(probe_->target, Ping{probe_->sequence}, out);
  probe_->indirect = true;
  probe_->helpers = static_cast<std::uint32_t>(helpers.size());
  probe_->nacks_missing = probe_->helpers;
  probe_->until = now + scaled(options_.indirect_timeout);
}

void Liveness::fail_probe(Instant now, Effects& out) {
  // Helpers that sent a nack are well and so are we; missing nacks say that we are the sick one.
  worsen_health(probe_->helpers > 0 ? probe_->nacks_missing : 1);
  PeerLife* peer = view_.find(probe_->target);
  probe_.reset();
  if (peer->state > LifeState::suspect) return;
  const LivenessRumour found{peer->node, LifeState::suspect, peer->incarnation, self_};
  if (peer->state == LifeState::suspect) return confirm(now, found);
  change(now, *peer, found, true, out);
}

std::optional<NodeId> Liveness::probe_target() {
  while (!urgent_.empty()) {
    const NodeId node = urgent_.front();
    urgent_.erase(urgent_.begin());
    const PeerLife* peer = view_.find(node);
    if (peer != nullptr && peer->state <= LifeState::suspect) return node;
  }
  return view_.next_to_probe(rng_);
}

void Liveness::start_probe(Instant now, Effects& out) {
  next_probe_.reset();
  if (leaving_) return;
  next_probe_ = now + scaled(options_.probe_interval);
  if (probe_) return;
  const std::optional<NodeId> target = probe_target();
  if (!target) return;
  probe_ = Probe{*target, ++sequence_, now + scaled(options_.probe_timeout)};
  send(*target, Ping{sequence_}, out);
}

void Liveness::advance_relays(Instant now, Effects& out) {
  for (Relay& relay : relays_) {
    if (relay.nack_at > now || relay.nacked) continue;
    send(relay.asker, Nack{relay.asker_sequence}, out);
    // A late answer is still passed on: the asker may be waiting longer than usual.
    relay.nack_at = now + 2 * options_.probe_interval;
    relay.nacked = true;
  }
  std::erase_if(relays_, [now](const Relay& relay) { return relay.nack_at <= now; });
}

void Liveness::probe_dead(Instant now, Effects& out) {
  next_dead_probe_.reset();
  const std::optional<NodeId> target = view_.next_dead();
  if (!target) return;
  send(*target, Ping{++sequence_}, out);
  dead_probe_interval_ = std::min(dead_probe_interval_ * 2, options_.dead_probe_max);
  start_timers(now);
}

void Liveness::gossip(Instant now, Effects& out) {
  next_gossip_.reset();
  last_gossip_ = now;
  const std::vector<NodeId> listeners = view_.pick(rng_, options_.gossip_fanout, self_, true);
  for (const NodeId listener : listeners) {
    if (!rumours_.empty()) send(listener, GossipPush{}, out);
  }
  if (!rumours_.empty() && !listeners.empty()) next_gossip_ = now + options_.gossip_interval;
}

void Liveness::worsen_health(std::uint32_t by) {
  health_ = std::min(health_ + by, options_.health_max);
}

}  // namespace pixmesh

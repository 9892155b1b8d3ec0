#include "node/peers.h"

#include <algorithm>

namespace pixmesh {
namespace {

constexpr std::size_t waiting_max = 256;  // messages for a member that has not proven itself yet
constexpr Duration retry_pause = 500ms;   // between two tries to greet a member

std::string seconds_text(Duration duration) { return std::to_string(duration / 1ms) + "ms"; }

}  // namespace

Peers::Peers(const NodeOptions& options, MemberTable& table, Outside& outside, const WallTime& wall,
             std::uint64_t incarnation, Rng rng)
    : table_(table),
      outside_(outside),
      wall_(wall),
      liveness_(table.self(), incarnation, options.liveness, rng.split()),
      exchange_(table, {}, rng.split()),
      identity_(options.key, {}, rng.split()) {}

void Peers::own_record_changed(Instant now, bool tell) {
  const MemberRecord* own = table_.find(table_.self());
  if (own != nullptr) perform(now, identity_.set_own(now, *own, table_.settings() != nullptr));
  refresh_members(now);
  if (tell) perform(now, exchange_.announce(table_.self()));
}

void Peers::settings_changed(Instant now) {
  own_record_changed(now, false);
  perform(now, exchange_.announce_settings());
}

void Peers::announce(Instant now, NodeId node) {
  refresh_members(now);
  perform(now, exchange_.announce(node));
}

void Peers::refresh_members(Instant now) {
  liveness_.set_table_digest(table_.table_digest());
  perform(now, liveness_.set_members(now, table_.present()));
  note_alive(now);
}

void Peers::note_alive(Instant now) {
  const std::vector<NodeId> alive = liveness_.alive();
  clocks_.keep_only(alive);
  exchange_.set_alive(now, alive);
}

void Peers::join(Instant now, const Endpoint& at) {
  for (const auto& [link, endpoint] : joining_) {
    if (endpoint == at) return;
  }
  const LinkId link = outside_.transport.open(Plane::control, at);
  joining_[link] = at;
  perform(now, identity_.opened(now, link, std::nullopt));
}

Peers::Peer* Peers::reach(Instant now, NodeId node) {
  const MemberRecord* record = table_.find(node);
  if (record == nullptr) {
    // A member whose record has not come yet may still have called us first.
    const auto known = peers_.find(node);
    return known == peers_.end() ? nullptr : &known->second;
  }
  Peer& peer = peers_[node];
  if (peer.control && peer.control_address != record->control_address) {
    control_links_.erase(*peer.control);
    identity_.closed(*peer.control);
    outside_.transport.close(*peer.control);
    peer.control.reset();
  }
  if (peer.bulk && peer.bulk_address != record->bulk_address) {
    bulk_links_.erase(*peer.bulk);
    outside_.transport.close(*peer.bulk);
    peer.bulk.reset();
  }
  if (!peer.control) {
    peer.control_address = record->control_address;
    peer.control = outside_.transport.open(Plane::control, {peer.control_address});
    control_links_[*peer.control] = node;
    peer.retry_at = now + retry_pause;
    perform(now, identity_.opened(now, *peer.control, node));
  }
  if (!peer.bulk) {
    peer.bulk_address = record->bulk_address;
    peer.bulk = outside_.transport.open(Plane::bulk, {peer.bulk_address});
    bulk_links_[*peer.bulk] = node;
  }
  return &peer;
}

void Peers::send(Instant now, NodeId to, const Message& message) {
  Peer* peer = reach(now, to);
  if (peer == nullptr || !peer->control) {
    const auto caller = callers_.find(to);
    if (caller != callers_.end()) outside_.transport.send(caller->second, encode(message));
    return;
  }
  if (identity_.identity_of(*peer->control)) {
    outside_.transport.send(*peer->control, encode(message));
    return;
  }
  if (peer->waiting.size() < waiting_max) peer->waiting.push_back(encode(message));
  if (now < peer->retry_at) return;
  peer->retry_at = now + retry_pause;
  perform(now, identity_.opened(now, *peer->control, to));
}

void Peers::send_bulk(NodeId to, Bytes message, const std::optional<ChunkRef>& chunk) {
  const auto peer = peers_.find(to);
  if (peer == peers_.end() || !peer->second.bulk) return;
  if (chunk) {
    outside_.transport.send_chunk(*peer->second.bulk, std::move(message), *chunk);
  } else {
    outside_.transport.send(*peer->second.bulk, std::move(message));
  }
}

std::optional<NodeId> Peers::identity_of(LinkId link) const { return identity_.identity_of(link); }

std::optional<NodeId> Peers::bulk_peer_of(LinkId link) const {
  const auto place = bulk_links_.find(link);
  if (place == bulk_links_.end()) return std::nullopt;
  return place->second;
}

// A process keeps one link to us; another one with its identity has called since.
bool Peers::is_superseded(LinkId link, NodeId caller) const {
  const auto latest = callers_.find(caller);
  return !control_links_.contains(link) && latest != callers_.end() && latest->second != link;
}

void Peers::post(LinkId link, const Message& message) {
  outside_.transport.send(link, encode(message));
}

void Peers::ask_for_hello(LinkId link) { post(link, HelloWanted{}); }

bool Peers::on_message(Instant now, LinkId link, const Message& message) {
  return std::visit(
      [&]<typename T>(const T& one) {
        constexpr bool is_hello = requires { HelloMessage{one}; };
        constexpr bool is_liveness = requires { LivenessMessage{one}; };
        constexpr bool is_record = requires { RecordMessage{one}; };
        if constexpr (is_hello) {
          perform(now, identity_.on_message(now, link, HelloMessage{one}));
          return true;
        } else if constexpr (is_liveness || is_record) {
          const auto from = identity_of(link);
          if (!from || is_superseded(link, *from)) {
            ask_for_hello(link);
          } else if constexpr (is_liveness) {
            if constexpr (std::is_same_v<T, Ack>) {
              clocks_.on_answer(now, *from, one.sequence, {one.wall_micros});
            }
            perform(now, liveness_.on_message(now, *from, LivenessMessage{one}));
          } else {
            perform(now, exchange_.on_message(now, *from, RecordMessage{one}));
          }
          return true;
        } else {
          return false;
        }
      },
      message);
}

void Peers::perform(Instant now, const Liveness::Effects& effects) {
  bool changed = false;
  for (const LivenessEffect& effect : effects) {
    if (const auto* send_it = std::get_if<SendLiveness>(&effect)) {
      send_liveness(now, *send_it);
    } else if (const auto* differ = std::get_if<TablesDiffer>(&effect)) {
      perform(now, exchange_.on_tables_differ(now, differ->with));
    } else if (const auto* change = std::get_if<MemberChanged>(&effect)) {
      changed = true;
      outside_.log.event(LogLevel::info, "member_changed",
                         {{"member", short_text(change->node)},
                          {"state", std::string(text_of(change->state))},
                          {"was", std::string(text_of(change->was))},
                          {"by", short_text(change->by)},
                          {"silent_for", seconds_text(change->silent_for)}});
      if (change->state == LifeState::alive) {
        news_.push_back(MemberUp{change->node});
      } else if (change->was == LifeState::alive) {
        news_.push_back(MemberDown{change->node});
      }
    }
  }
  if (changed) note_alive(now);
}

// A probe asks for the wall clock, and its answer tells it.
void Peers::send_liveness(Instant now, const SendLiveness& wanted) {
  if (const auto* ping = std::get_if<Ping>(&wanted.message)) {
    clocks_.on_asked(now, wanted.to, ping->sequence);
  } else if (const auto* ack = std::get_if<Ack>(&wanted.message)) {
    Ack told = *ack;
    told.wall_micros = wall_.microseconds;
    return send(now, wanted.to, Message(std::move(told)));
  }
  send(now, wanted.to, to_message(wanted.message));
}

void Peers::perform(Instant now, const RecordExchange::Effects& effects) {
  for (const RecordEffect& effect : effects) {
    if (const auto* send_it = std::get_if<SendRecords>(&effect)) {
      send(now, send_it->to, to_message(send_it->message));
    } else if (const auto* changed = std::get_if<TableChanged>(&effect)) {
      log_records(changed->nodes);
      refresh_members(now);
      news_.push_back(MembersChanged{changed->nodes, changed->settings, changed->epoch});
    } else if (const auto* stolen = std::get_if<OwnRecordChallenged>(&effect)) {
      news_.push_back(OwnRecordStolen{stolen->evicted ? "evicted" : "challenged",
                                      stolen->generation, !stolen->evicted});
    } else if (const auto* refused = std::get_if<RecordRefused>(&effect)) {
      outside_.log.event(LogLevel::warning, "member_record_refused",
                         {{"from", short_text(refused->from)},
                          {"about", short_text(refused->about)},
                          {"reason", std::to_string(static_cast<int>(refused->outcome))}});
    }
  }
}

void Peers::log_records(const std::vector<NodeId>& nodes) {
  for (const NodeId node : nodes) {
    const MemberRecord* record = table_.find(node);
    if (record == nullptr) continue;
    outside_.log.event(LogLevel::debug, "member_record",
                       {{"member", short_text(node)},
                        {"state", std::string(text_of(record->state))},
                        {"generation", std::to_string(record->generation)}});
  }
}

void Peers::perform(Instant now, const LinkIdentity::Effects& effects) {
  for (const LinkIdentityEffect& effect : effects) {
    if (const auto* hello = std::get_if<SendHello>(&effect)) {
      post(hello->link, to_message(hello->message));
    } else if (const auto* verified = std::get_if<LinkVerified>(&effect)) {
      on_verified(now, *verified);
    } else if (const auto* failed = std::get_if<LinkFailed>(&effect)) {
      on_failed(now, *failed);
    }
  }
}

void Peers::on_verified(Instant now, const LinkVerified& verified) {
  news_.push_back(MemberProven{verified.node});
  const bool was_unnamed = joining_.erase(verified.link) > 0;
  const bool is_surplus = was_unnamed && peers_[verified.node].control;
  if (is_surplus) {
    identity_.closed(verified.link);
    outside_.transport.close(verified.link);
  } else if (was_unnamed) {
    Peer& peer = peers_[verified.node];
    peer.control = verified.link;
    peer.control_address = verified.record.control_address;
    control_links_[verified.link] = verified.node;
    peer.bulk_address = verified.record.bulk_address;
    peer.bulk = outside_.transport.open(Plane::bulk, {peer.bulk_address});
    bulk_links_[*peer.bulk] = verified.node;
  }
  // It does not know its own last word, or says two things at once: it is told before it is asked
  // anything here, whichever of the two prevails.
  const MemberRecord* known = table_.find(verified.node);
  if (!is_surplus && known != nullptr && known->generation >= verified.record.generation &&
      *known != verified.record) {
    RecordPush push;
    push.records.push_back(*known);
    post(verified.link, to_message(RecordMessage(std::move(push))));
  }
  const bool fresh = table_.merge(verified.record).outcome == MergeOutcome::adopted;
  if (fresh) {
    log_records({verified.node});
    refresh_members(now);
    news_.push_back(MembersChanged{{verified.node}, false, true});
    perform(now, exchange_.announce(verified.node));
  }
  if (is_surplus) return;
  const auto link_owner = control_links_.find(verified.link);
  if (link_owner == control_links_.end()) {
    callers_[verified.node] = verified.link;
    return;
  }
  Peer& peer = peers_[link_owner->second];
  std::vector<Bytes> waiting = std::move(peer.waiting);
  peer.waiting.clear();
  for (Bytes& message : waiting) outside_.transport.send(verified.link, std::move(message));
  if (table_.settings() == nullptr || fresh) {
    perform(now, exchange_.on_tables_differ(now, verified.node));
  }
}

void Peers::on_failed(Instant now, const LinkFailed& failed) {
  const bool worth_a_line = failed.failure != LinkFailure::timed_out;
  outside_.log.event(worth_a_line ? LogLevel::warning : LogLevel::debug, "link_failed",
                     {{"reason", failed.reason}});
  if (failed.failure == LinkFailure::own_identity) {
    news_.push_back(OwnRecordStolen{failed.reason});
  }
  identity_.closed(failed.link);
  std::erase_if(callers_, [&](const auto& entry) { return entry.second == failed.link; });
  outside_.transport.close(failed.link);
  joining_.erase(failed.link);
  const auto owner = control_links_.find(failed.link);
  if (owner == control_links_.end()) return;
  Peer& peer = peers_[owner->second];
  peer.control.reset();
  peer.waiting.clear();
  peer.retry_at = now + retry_pause;
  control_links_.erase(owner);
}

void Peers::on_tables_differ(Instant now, NodeId with) {
  perform(now, exchange_.on_tables_differ(now, with));
}

void Peers::on_deadline(Instant now) {
  if (const auto at = liveness_.next_deadline(); at && now >= *at) {
    perform(now, liveness_.on_deadline(now));
  }
  if (const auto at = exchange_.next_deadline(); at && now >= *at) {
    perform(now, exchange_.on_deadline(now));
  }
  if (const auto at = identity_.next_deadline(); at && now >= *at) {
    perform(now, identity_.on_deadline(now));
  }
}

std::optional<Instant> Peers::next_deadline() const {
  std::optional<Instant> first;
  for (const auto& at :
       {liveness_.next_deadline(), exchange_.next_deadline(), identity_.next_deadline()}) {
    if (at && (!first || *at < *first)) first = at;
  }
  return first;
}

void Peers::leave(Instant now) { perform(now, liveness_.leave(now)); }

std::vector<PeerNews> Peers::take_news() {
  std::vector<PeerNews> news = std::move(news_);
  news_.clear();
  return news;
}

}  // namespace pixmesh

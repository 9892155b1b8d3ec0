#include "small_mesh.h"

#include <algorithm>

#include "base/digest.h"
#include "base/invariant.h"

namespace pixmesh {

SmallMesh::SmallMesh(SmallMeshOptions options) : options_(options), rng_(options.seed) {}

std::size_t SmallMesh::add(const std::string& name) {
  auto peer = std::make_unique<Peer>();
  peer->name = name;
  std::array<std::uint8_t, 32> seed{};
  rng_.fill(seed);
  peer->key = signing_key_of(seed);
  peer->id = node_id_of(peer->key.public_key);
  peers_.push_back(std::move(peer));
  return peers_.size() - 1;
}

void SmallMesh::found() {
  MeshSettings settings;
  settings.mesh.raw.fill(7);
  settings.generation = 1;
  settings = sign_settings(settings, peers_[0]->key);
  for (const auto& peer : peers_) {
    boot(*peer);
    invariant(peer->table->merge(settings).outcome == MergeOutcome::adopted, "settings are sound");
    if (options_.with_records) write_own(*peer);
  }
  for (std::size_t node = 0; node < peers_.size(); ++node) {
    for (const auto& other : peers_) {
      if (options_.with_records) (void)peers_[node]->table->merge(*other->table->find(other->id));
    }
    use_table(node);
  }
}

void SmallMesh::write_own(Peer& peer) {
  MemberRecord record;
  record.mesh = peer.table->settings()->mesh;
  record.state = MemberState::active;
  record.generation = record.placement_generation = 1;
  peer.table->set_own(sign_record(record, peer.key));
}

void SmallMesh::boot(Peer& peer) {
  peer.running = true;
  ++peer.boots;
  if (!peer.table) peer.table.emplace(peer.id);
  peer.liveness.emplace(peer.id, peer.boots << 20, options_.liveness, rng_.split());
  peer.exchange.emplace(*peer.table, RecordExchangeOptions{}, rng_.split());
}

void SmallMesh::use_table(std::size_t node) {
  Peer& peer = *peers_[node];
  std::vector<NodeId> members;
  if (options_.with_records) {
    members = peer.table->present();
    peer.liveness->set_table_digest(peer.table->table_digest());
  } else {
    for (const auto& other : peers_) members.push_back(other->id);
  }
  perform(node, peer.liveness->set_members(now_, std::move(members)));
  peer.exchange->set_alive(now_, peer.liveness->alive());
}

void SmallMesh::join(std::size_t node, std::size_t via) {
  boot(*peers_[node]);
  perform(node, peers_[node]->exchange->on_tables_differ(now_, id_of(via)));
}

void SmallMesh::crash(std::size_t node) { peers_[node]->running = false; }

void SmallMesh::start(std::size_t node) {
  boot(*peers_[node]);
  use_table(node);
}

void SmallMesh::pause(std::size_t node, Duration time) { peers_[node]->paused_until = now_ + time; }

void SmallMesh::leave(std::size_t node) { perform(node, peers_[node]->liveness->leave(now_)); }

void SmallMesh::change_own(std::size_t node, const std::function<void(MemberRecord&)>& change) {
  Peer& peer = *peers_[node];
  MemberRecord record = *peer.table->find(peer.id);
  change(record);
  ++record.generation;
  peer.table->set_own(sign_record(record, peer.key));
  use_table(node);
  perform(node, peer.exchange->announce(peer.id));
}

std::size_t SmallMesh::number_of(NodeId id) const {
  const auto at = std::ranges::find_if(peers_, [id](const auto& peer) { return peer->id == id; });
  invariant(at != peers_.end(), "every node of a small mesh is known to it");
  return static_cast<std::size_t>(at - peers_.begin());
}

void SmallMesh::perform(std::size_t node, Liveness::Effects effects) {
  Peer& peer = *peers_[node];
  for (LivenessEffect& effect : effects) {
    if (auto* send = std::get_if<SendLiveness>(&effect)) {
      post(node, send->to, std::move(send->message));
    } else if (const auto* changed = std::get_if<MemberChanged>(&effect)) {
      if (on_change) on_change(node, *changed);
      peer.exchange->set_alive(now_, peer.liveness->alive());
    } else {
      const NodeId with = std::get_if<TablesDiffer>(&effect)->with;
      if (options_.with_records) perform(node, peer.exchange->on_tables_differ(now_, with));
    }
  }
}

void SmallMesh::perform(std::size_t node, RecordExchange::Effects effects) {
  Peer& peer = *peers_[node];
  for (RecordEffect& effect : effects) {
    if (auto* send = std::get_if<SendRecords>(&effect)) {
      post(node, send->to, std::move(send->message));
    } else if (const auto* changed = std::get_if<TableChanged>(&effect)) {
      const bool new_here = peer.table->find(peer.id) == nullptr;
      if (new_here) write_own(peer);
      use_table(node);
      if (on_table) on_table(node, *changed);
      if (new_here) perform(node, peer.exchange->announce(peer.id));
    }
  }
}

void SmallMesh::post(std::size_t from, NodeId to, Message message) {
  const std::size_t target = number_of(to);
  const bool lost = rng_.below(1000) < options_.loss_permille || cuts_.contains({from, target});
  const std::uint64_t extra = rng_.below(static_cast<std::uint64_t>(options_.jitter.count()) + 1);
  ++sent_count_;
  const bool arrives = !lost && running(target);
  const auto* shown = std::get_if<LivenessMessage>(&message);
  if (on_send && shown != nullptr) on_send(from, target, *shown, arrives);
  if (lost) return;
  const Instant at = now_ + options_.latency + Duration(static_cast<std::int64_t>(extra));
  flying_.push(Envelope{at, ++order_, from, target, std::move(message)});
}

void SmallMesh::deliver(Envelope envelope) {
  Peer& peer = *peers_[envelope.to];
  if (!peer.running) return;
  if (peer.paused_until > now_) {
    envelope.at = peer.paused_until;
    envelope.order = ++order_;
    flying_.push(std::move(envelope));
    return;
  }
  const NodeId from = id_of(envelope.from);
  if (const auto* message = std::get_if<LivenessMessage>(&envelope.message)) {
    perform(envelope.to, peer.liveness->on_message(now_, from, *message));
  } else {
    const auto& records = *std::get_if<RecordMessage>(&envelope.message);
    perform(envelope.to, peer.exchange->on_message(now_, from, records));
  }
  peer.liveness->check_invariants();
}

std::optional<std::pair<Instant, std::size_t>> SmallMesh::first_deadline() const {
  std::optional<std::pair<Instant, std::size_t>> first;
  for (std::size_t node = 0; node < peers_.size(); ++node) {
    const Peer& peer = *peers_[node];
    if (!peer.running) continue;
    for (auto at : {peer.liveness->next_deadline(), peer.exchange->next_deadline()}) {
      if (!at) continue;
      const Instant awake = std::max(*at, peer.paused_until);
      if (!first || awake < first->first) first = std::pair{awake, node};
    }
  }
  return first;
}

bool SmallMesh::step(Instant end) {
  const auto deadline = first_deadline();
  const bool message_first = !flying_.empty() && (!deadline || flying_.top().at <= deadline->first);
  if (message_first) {
    if (flying_.top().at > end) return false;
    Envelope envelope = flying_.top();
    flying_.pop();
    now_ = std::max(now_, envelope.at);
    deliver(std::move(envelope));
    return true;
  }
  if (!deadline || deadline->first > end) return false;
  now_ = std::max(now_, deadline->first);
  const std::size_t node = deadline->second;
  perform(node, peers_[node]->liveness->on_deadline(now_));
  if (options_.with_records) {
    perform(node, peers_[node]->exchange->on_deadline(now_));
  } else {
    (void)peers_[node]->exchange->on_deadline(now_);
  }
  peers_[node]->liveness->check_invariants();
  return true;
}

void SmallMesh::run_until(Instant end) {
  run_until(end, [] { return false; });
}

void SmallMesh::run_until(Instant end, const std::function<bool()>& done) {
  while (!done()) {
    if (step(end)) continue;
    now_ = std::max(now_, end);
    return;
  }
}

}  // namespace pixmesh

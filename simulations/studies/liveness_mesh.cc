#include "simulations/studies/liveness_mesh.h"

#include <algorithm>

#include "base/digest.h"
#include "base/invariant.h"
#include "base/signature.h"

namespace pixmesh::studies {
namespace {

constexpr Duration retransmit_first = 200ms;  // Linux's least
constexpr int retransmit_doublings = 5;

}  // namespace

struct LivenessMesh::Records {
  SigningKey key;
  MemberTable table;
  RecordExchange exchange;

  Records(const SigningKey& own_key, NodeId self, Rng rng)
      : key(own_key), table(self), exchange(table, {}, rng) {}
};

LivenessMesh::LivenessMesh(LivenessMeshOptions options)
    : options_(options), network_(options.seed), chance_(network_.split()) {
  nodes_.resize(options_.nodes);
  running_count_ = nodes_.size();
  if (options_.with_records) {
    make_nodes_with_records();
  } else {
    make_plain_nodes();
  }
  for (std::size_t node = 0; node < nodes_.size(); ++node) set_timer(node);
}

LivenessMesh::~LivenessMesh() = default;

// Everybody holds everybody alive at incarnation 0, so that nobody has news for others: the word
// that each node gives of its own start dies at its first listeners.
void LivenessMesh::make_plain_nodes() {
  for (std::size_t i = 0; i < nodes_.size(); ++i) network_.fill(ids_.emplace_back().raw);
  std::ranges::sort(ids_);
  for (std::size_t node = 0; node < nodes_.size(); ++node) {
    nodes_[node].liveness.emplace(ids_[node], 0, options_.liveness, network_.split());
    perform(node, nodes_[node].liveness->set_members(now_, ids_));
  }
}

void LivenessMesh::make_nodes_with_records() {
  std::vector<std::pair<NodeId, SigningKey>> keys;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    std::array<std::uint8_t, 32> seed{};
    network_.fill(seed);
    const SigningKey key = signing_key_of(seed);
    keys.emplace_back(node_id_of(key.public_key), key);
  }
  std::ranges::sort(keys, {}, [](const auto& key) { return key.first; });
  MeshSettings settings;
  settings.mesh.raw.fill(7);
  settings.generation = 1;
  settings = sign_settings(settings, keys.front().second);
  std::vector<MemberRecord> records;
  for (const auto& [id, key] : keys) {
    ids_.push_back(id);
    MemberRecord record;
    record.mesh = settings.mesh;
    record.state = MemberState::active;
    record.generation = record.placement_generation = 1;
    records.push_back(sign_record(record, key));
  }
  for (std::size_t node = 0; node < nodes_.size(); ++node) {
    Node& one = nodes_[node];
    one.liveness.emplace(ids_[node], 0, options_.liveness, network_.split());
    one.records = std::make_unique<Records>(keys[node].second, ids_[node], network_.split());
    invariant(one.records->table.merge(settings).outcome == MergeOutcome::adopted,
              "the settings are sound");
    one.records->table.set_own(records[node]);
    for (const MemberRecord& record : records) (void)one.records->table.merge(record);
    use_table(node);
  }
}

void LivenessMesh::use_table(std::size_t node) {
  Node& one = nodes_[node];
  one.liveness->set_table_digest(one.records->table.table_digest());
  perform(node, one.liveness->set_members(now_, one.records->table.present()));
  one.records->exchange.set_alive(now_, one.liveness->alive());
}

void LivenessMesh::crash(std::size_t node) {
  invariant(nodes_[node].running, "a node crashes once");
  nodes_[node].running = false;
  --running_count_;
}

void LivenessMesh::pause(std::size_t node, Duration time) {
  nodes_[node].paused_until = std::max(nodes_[node].paused_until, now_ + time);
}

void LivenessMesh::stall(std::size_t node, Duration time) {
  nodes_[node].stalled_until = std::max(nodes_[node].stalled_until, now_ + time);
}

void LivenessMesh::change_record(std::size_t node) {
  Records& records = *nodes_[node].records;
  MemberRecord record = *records.table.find(ids_[node]);
  record.weight = record.weight % 8 + 1;
  ++record.generation;
  ++record.placement_generation;
  records.table.set_own(sign_record(record, records.key));
  use_table(node);
  perform(node, records.exchange.announce(ids_[node]));
  set_timer(node);
}

const MemberTable& LivenessMesh::table(std::size_t node) const {
  return nodes_[node].records->table;
}

std::size_t LivenessMesh::number_of(NodeId id) const {
  const auto at = std::ranges::lower_bound(ids_, id);
  invariant(at != ids_.end() && *at == id, "only members are spoken of");
  return static_cast<std::size_t>(at - ids_.begin());
}

void LivenessMesh::perform(std::size_t node, Liveness::Effects effects) {
  for (LivenessEffect& effect : effects) {
    if (auto* send = std::get_if<SendLiveness>(&effect)) {
      post(node, send->to, std::move(send->message));
    } else if (const auto* changed = std::get_if<MemberChanged>(&effect)) {
      if (options_.with_records) {
        nodes_[node].records->exchange.set_alive(now_, nodes_[node].liveness->alive());
      }
      if (on_change) on_change(node, number_of(changed->node), *changed);
    } else if (options_.with_records) {
      const NodeId with = std::get_if<TablesDiffer>(&effect)->with;
      perform(node, nodes_[node].records->exchange.on_tables_differ(now_, with));
    }
  }
}

void LivenessMesh::perform(std::size_t node, RecordExchange::Effects effects) {
  for (RecordEffect& effect : effects) {
    if (auto* send = std::get_if<SendRecords>(&effect)) {
      post(node, send->to, std::move(send->message));
    } else if (std::holds_alternative<TableChanged>(effect)) {
      use_table(node);
      if (on_table) on_table(node);
    }
  }
}

void LivenessMesh::post(std::size_t from, NodeId to, Message message) {
  if (const auto* liveness = std::get_if<LivenessMessage>(&message)) {
    ++traffic_.messages;
    traffic_.bytes += sizes_.size_of(*liveness);
  }
  const std::size_t target = number_of(to);
  const std::optional<Instant> at = arrival(from, target);
  if (!at) return;
  const auto target_number = static_cast<std::uint32_t>(target);
  const std::uint32_t letter =
      keep(Letter{static_cast<std::uint32_t>(from), target_number, std::move(message)});
  queue_.push(Due{*at, ++order_, target_number, letter});
}

std::optional<Instant> LivenessMesh::arrival(std::size_t from, std::size_t to) {
  const auto jitter = static_cast<std::uint64_t>(options_.jitter.count());
  Instant at = std::max(now_, nodes_[from].stalled_until) + options_.latency +
               Duration(static_cast<std::int64_t>(network_.below(jitter + 1)));
  const auto is_lost = [this] { return network_.below(1000) < options_.loss_permille; };
  bool lost = is_lost();
  if (is_cut_ && is_cut_(from, to)) return std::nullopt;
  if (options_.links == Links::datagram) return lost ? std::nullopt : std::optional(at);
  const bool stalls = lost;
  for (int i = 0; lost && i < retransmit_doublings; ++i) {
    at += retransmit_first * (1 << i);
    lost = is_lost();
  }
  const auto stalled = stalled_.find({from, to});
  if (stalled != stalled_.end()) {
    at = std::max(at, stalled->second);
    if (stalled->second <= now_) stalled_.erase(stalled);
  }
  if (stalls) stalled_[{from, to}] = at;
  return at;
}

std::uint32_t LivenessMesh::keep(Letter letter) {
  if (free_letters_.empty()) {
    letters_.push_back(std::move(letter));
    return static_cast<std::uint32_t>(letters_.size() - 1);
  }
  const std::uint32_t at = free_letters_.back();
  free_letters_.pop_back();
  letters_[at] = std::move(letter);
  return at;
}

void LivenessMesh::run_until(Instant end) {
  stopped_ = false;
  while (!stopped_ && !is_exhausted() && !queue_.empty() && queue_.top().at <= end) {
    const Due due = queue_.top();
    queue_.pop();
    now_ = std::max(now_, due.at);
    handle(due);
  }
  if (!stopped_ && !is_exhausted()) now_ = std::max(now_, end);
}

void LivenessMesh::handle(const Due& due) {
  Node& node = nodes_[due.node];
  const bool stale = due.is_timer() && due.at != node.timer;
  if (stale) return;
  if (!node.running) {
    if (!due.is_timer()) free_letters_.push_back(due.letter);
    return;
  }
  const Instant awake =
      due.is_timer() ? node.paused_until : std::max(node.paused_until, node.stalled_until);
  if (awake > now_) {
    if (due.is_timer()) node.timer = awake;
    queue_.push(Due{awake, ++order_, due.node, due.letter});
    return;
  }
  ++event_count_;
  if (due.is_timer()) {
    on_timer(due.node);
  } else {
    on_letter(due);
  }
  set_timer(due.node);
}

void LivenessMesh::on_timer(std::size_t node) {
  Node& one = nodes_[node];
  one.timer = Instant::max();
  const auto is_due = [this](std::optional<Instant> at) { return at && *at <= now_; };
  if (is_due(one.liveness->next_deadline())) perform(node, one.liveness->on_deadline(now_));
  if (options_.with_records && is_due(one.records->exchange.next_deadline())) {
    perform(node, one.records->exchange.on_deadline(now_));
  }
}

void LivenessMesh::on_letter(const Due& due) {
  // Moved out first: what it causes may be kept in its place.
  const Letter letter = std::move(letters_[due.letter]);
  free_letters_.push_back(due.letter);
  Node& one = nodes_[due.node];
  if (const auto* liveness = std::get_if<LivenessMessage>(&letter.message)) {
    perform(due.node, one.liveness->on_message(now_, ids_[letter.from], *liveness));
  } else {
    const auto& records = *std::get_if<RecordMessage>(&letter.message);
    perform(due.node, one.records->exchange.on_message(now_, ids_[letter.from], records));
  }
}

void LivenessMesh::set_timer(std::size_t node) {
  Node& one = nodes_[node];
  std::optional<Instant> next = one.liveness->next_deadline();
  if (options_.with_records) {
    const std::optional<Instant> other = one.records->exchange.next_deadline();
    if (other && (!next || *other < *next)) next = other;
  }
  if (!next) return;
  const Instant at = std::max(*next, one.paused_until);
  if (at >= one.timer) return;
  one.timer = at;
  queue_.push(Due{at, ++order_, static_cast<std::uint32_t>(node), no_letter});
}

}  // namespace pixmesh::studies

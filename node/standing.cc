#include "node/standing.h"

#include <algorithm>

#include "base/digest.h"
#include "node/disk_marks.h"
#include "node/evictions.h"
#include "wire/stored.h"

namespace pixmesh {
namespace {

constexpr Duration renew_later = 1s;  // while nobody has the present record
constexpr Duration join_interval = 500ms;
constexpr Duration rejoin_interval = 10s;

std::string member_key(NodeId node) { return "member/" + to_text(node); }

Bytes number_bytes(std::uint64_t number) {
  CanonicalBytes bytes;
  bytes.u64(number);
  return bytes.bytes();
}

std::uint64_t number_of(ByteView bytes) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < bytes.size() && i < 8; ++i) {
    number |= std::uint64_t{bytes[i]} << (8 * i);
  }
  return number;
}

}  // namespace

std::uint32_t weight_of(std::uint64_t capacity, std::uint64_t unit) {
  const std::uint64_t rounded = capacity / unit + (capacity % unit >= unit - unit / 2 ? 1 : 0);
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(rounded, 1, weight_max));
}

Standing::Standing(const NodeOptions& options, const TableRows& facts, MemberTable& table,
                   StateWriter& writer, Outside& outside, Rng rng)
    : options_(options), table_(table), writer_(writer), outside_(outside), rng_(rng) {
  rng_.fill(boot_);
  restore(facts);
}

void Standing::restore(const TableRows& facts) {
  std::vector<MemberRecord> members;
  std::vector<Eviction> evictions;
  for (const auto& [key, value] : facts.rows) {
    const std::string_view name = text_of(key);
    if (name == "boot") {
      boot_number_ = number_of(value) + 1;
    } else if (name == "clock") {
      clock_ceiling_ = number_of(value);
    } else if (name == "held") {
      held_for_ = std::string(text_of(value));
    } else if (name == "settings") {
      if (const auto settings = decode_settings(value)) (void)table_.merge(settings.value());
    } else if (name.rfind("member/", 0) == 0) {
      if (auto record = decode_member(value)) members.push_back(std::move(record).value());
    } else if (name.rfind("eviction/", 0) == 0 || name.rfind("given_up/", 0) == 0) {
      if (auto eviction = decode_eviction(value)) evictions.push_back(eviction.value());
    }
  }
  for (const MemberRecord& record : members) {
    if (record.node == table_.self()) {
      last_own_ = record;
      if (has_mesh() && record.mesh == table_.settings()->mesh) table_.set_own(record);
    } else {
      (void)table_.merge(record);
    }
  }
  for (const Eviction& eviction : evictions) (void)table_.merge(eviction);
}

MemberRecord Standing::fresh_record() const {
  MemberRecord record;
  if (last_own_) record = *last_own_;
  if (const MeshSettings* settings = table_.settings()) record.mesh = settings->mesh;
  record.node = table_.self();
  record.signing_key = options_.key.public_key;
  record.link_key = options_.link_key;
  record.control_address = options_.control.text;
  record.bulk_address = options_.bulk.text;
  record.boot = boot_;
  if (!last_own_) {  // zone and capacity are persisted with the first record
    record.zone = options_.zone;
    record.capacity_bytes = options_.capacity_bytes;
    const std::uint64_t unit =
        has_mesh() ? table_.settings()->weight_unit_bytes : MeshSettings{}.weight_unit_bytes;
    record.weight = weight_of(record.capacity_bytes, unit);
  }
  return record;
}

bool Standing::start(Instant now, Peers& peers) {
  writer_.write({fact_row("boot", number_bytes(boot_number_))});
  if (!options_.join.empty()) join_at_ = now + (has_mesh() ? rejoin_interval : Duration{});
  if (has_mesh()) {
    MemberRecord own = fresh_record();
    if (own.state != MemberState::leaving) take_place(own);
    if (still_holds(own)) {
      go_on_with_own(now, peers);
    } else {
      change_own(now, peers, [&own](MemberRecord& record) { record.state = own.state; });
    }
    return false;
  }
  if (options_.create) {
    found(now, peers);
    return true;
  }
  MemberRecord stranger = fresh_record();
  stranger.generation = 1;
  peers.introduce(now, sign_record(stranger, options_.key));
  return false;
}

// Whether `next` says no more than the record that is stored.
bool Standing::still_holds(MemberRecord next) const {
  if (!last_own_) return false;
  next.boot = last_own_->boot;
  return next == *last_own_;
}

// A later record follows once somebody has heard this one (on_deadline). Who was put back, and is
// started again and again while nobody hears it, would get ahead of what the others know of it.
// The write is answered after that of the number of this start.
void Standing::go_on_with_own(Instant now, Peers& peers) {
  writer_.write({fact_row(member_key(table_.self()), encode_member(*last_own_))},
                [this, &peers](Instant at) {
                  peers.own_record_changed(at, true);
                  peers.note_change(table_.self());
                });
  renew_at_ = now;
}

void Standing::found(Instant now, Peers& peers) {
  MeshSettings settings = options_.founding;
  rng_.fill(settings.mesh.raw);
  settings.placement_key = rng_.next();
  settings.generation = 1;
  const MeshSettings made = sign_settings(settings, options_.key);
  invariant(table_.merge(made).outcome == MergeOutcome::adopted, "own settings are adopted");
  writer_.write({fact_row("settings", encode_settings(made))});
  change_own(now, peers, [](MemberRecord& own) { own.state = MemberState::active; });
  outside_.log.event(LogLevel::info, "mesh_founded", {{"mesh", to_text(made.mesh)}});
}

void Standing::change_own(Instant now, Peers& peers,
                          const std::function<void(MemberRecord&)>& change,
                          std::vector<TableRow> with) {
  MemberRecord own = fresh_record();
  const MemberRecord before = own;
  change(own);
  const bool placement = !last_own_ || own.state != before.state || own.weight != before.weight ||
                         own.zone != before.zone;
  const MemberRecord* known = table_.find(table_.self());
  const std::uint64_t generation =
      std::max(last_own_ ? last_own_->generation : 0, known ? known->generation : 0);
  own.generation = std::max(own.generation, generation) + 1;
  if (placement) ++own.placement_generation;
  own = sign_record(own, options_.key);
  last_own_ = own;
  with.push_back(fact_row(member_key(own.node), encode_member(own)));
  writer_.write(std::move(with), [this, own, &peers](Instant at) {
    const MemberRecord* present = table_.find(own.node);
    if (present != nullptr && present->generation >= own.generation) return;
    table_.set_own(own);
    peers.own_record_changed(at, true);
    peers.note_change(own.node);
  });
  renew_at_ = now + options_.renew_every;
}

void Standing::on_deadline(Instant now, Peers& peers, bool few_answer) {
  if (join_at_ && now >= *join_at_) ask_to_join(now, peers, few_answer);
  if (!renew_at_ || now < *renew_at_) return;
  // Whom nobody hears may have been put back, and must not get ahead of what others know of it.
  if (!peers.is_table_shared()) {
    renew_at_ = now + renew_later;
    return;
  }
  renew_at_.reset();
  const bool is_last = last_own_ && last_own_->state == MemberState::left;
  if (has_mesh() && !is_last) change_own(now, peers, [](MemberRecord&) {});
}

std::optional<Instant> Standing::next_deadline() const {
  return join_at_ && renew_at_ ? std::min(join_at_, renew_at_) : join_at_ ? join_at_ : renew_at_;
}

// Whoever was away long enough may know none of the present members.
void Standing::ask_to_join(Instant now, Peers& peers, bool few_answer) {
  join_at_ = now + (has_mesh() ? rejoin_interval : join_interval);
  if (has_mesh() && !few_answer) return;
  for (const Endpoint& at : options_.join) {
    if (at != options_.control) peers.join(now, at);
  }
}

void Standing::on_members_changed(Instant now, Peers& peers, const MembersChanged& changed) {
  std::vector<TableRow> rows;
  for (const NodeId& node : changed.nodes) {
    if (node == table_.self()) continue;
    if (const MemberRecord* record = table_.find(node)) {
      rows.push_back(fact_row(member_key(node), encode_member(*record)));
    }
    for (const Eviction* eviction : {table_.eviction_of(node), table_.giving_up_of(node)}) {
      if (eviction != nullptr) rows.push_back(eviction_row(*eviction));
    }
  }
  if (changed.settings && has_mesh()) {
    rows.push_back(fact_row("settings", encode_settings(*table_.settings())));
  }
  if (!rows.empty()) writer_.write(std::move(rows));
  if (!changed.settings) return;
  if (table_.find(table_.self()) == nullptr) {
    outside_.log.event(LogLevel::info, "mesh_joined", {{"mesh", to_text(table_.settings()->mesh)}});
    change_own(now, peers, [this](MemberRecord& own) { take_place(own); });
  } else {
    peers.settings_changed(now);
  }
}

// By another member that knows the same, while our answer is on its way.
bool Standing::is_told(const OwnRecordStolen& stolen) const {
  return stolen.is_ours && last_own_ && last_own_->generation > stolen.generation;
}

// Another member that knows a later one while our answer is on its way tells the same once more.
Result<Done> Standing::on_record_stolen(Instant now, Peers& peers, const OwnRecordStolen& stolen) {
  const MemberRecord* known = table_.find(table_.self());
  const bool is_on_its_way = known == nullptr || known->generation < answer_;
  if (answer_ == 0 || !is_on_its_way) {
    std::erase_if(stolen_at_, [&](Instant at) { return at + 60s < now; });
    stolen_at_.push_back(now);
    outside_.log.event(LogLevel::warning, "own_record_challenged", {{"reason", stolen.reason}});
  }
  if (stolen_at_.size() > 2) {
    return Error{ErrorCode::denied,
                 "another process uses this identity; stop it, or start this node on an empty "
                 "--state folder"};
  }
  if (last_own_) last_own_->generation = std::max(last_own_->generation, stolen.generation);
  std::vector<TableRow> with;
  if (stolen.is_ours) with.push_back(fact_row(all_doubted_key, Bytes{1}));
  change_own(
      now, peers, [](MemberRecord&) {}, std::move(with));
  answer_ = last_own_->generation;
  return Done{};
}

// Who was held once stays so until an operator has seen the plan, restarts included.
void Standing::take_place(MemberRecord& own) {
  const bool is_new = !last_own_;
  const bool was_joining = !is_new && last_own_->state == MemberState::joining;
  const bool waits = was_joining || (is_new && (options_.hold || options_.asks_first));
  own.state = waits ? MemberState::joining : MemberState::active;
  if (is_new && options_.hold) hold({});
}

void Standing::hold(std::string why) {
  const ByteView bytes = bytes_of(why);
  writer_.write({fact_row("held", Bytes(bytes.begin(), bytes.end()))});
  outside_.log.event(LogLevel::warning, "join_held", {{"reason", why}});
  held_for_ = std::move(why);
}

void Standing::take_place_now(Instant now, Peers& peers) {
  change_own(now, peers, [](MemberRecord& own) { own.state = MemberState::active; });
}

bool Standing::is_held() const { return last_own_ && last_own_->state == MemberState::joining; }

bool Standing::is_leaving() const { return last_own_ && last_own_->state == MemberState::leaving; }

bool Standing::has_left() const {
  const MemberRecord* own = table_.find(table_.self());
  const bool is_wanted = last_own_ && last_own_->state == MemberState::left;
  return is_wanted && own != nullptr && own->state == MemberState::left;
}

bool Standing::takes_new_work() const {
  return last_own_ && !last_own_->no_new_work && last_own_->state == MemberState::active;
}

Result<std::string> Standing::on_command(Instant now, Peers& peers, const CommandRequest& command) {
  if (!has_mesh()) return Error{ErrorCode::unreachable, "this node belongs to no mesh yet"};
  if (last_own_ && last_own_->state == MemberState::left) {  // its last record must stay the last
    return Error{ErrorCode::usage, "the node has left and is about to stop"};
  }
  switch (command.command) {
    case NodeCommand::drain:
      change_own(now, peers, [](MemberRecord& own) { own.no_new_work = true; });
      return std::string("the node takes no new work; its images stay");
    case NodeCommand::undrain:
      change_own(now, peers, [](MemberRecord& own) { own.no_new_work = false; });
      return std::string("the node takes work again");
    case NodeCommand::leave:
      return leave(now, peers, command.accept_fewer_copies);
    case NodeCommand::cancel_leave:
      if (!is_leaving()) return Error{ErrorCode::usage, "the node is not leaving"};
      change_own(now, peers, [](MemberRecord& own) { own.state = MemberState::active; });
      return std::string("the node stays");
    case NodeCommand::scrub:  // the node has told its disks
      return std::string("the node reads every copy it has");
    case NodeCommand::set_copies:
      return set_copies(peers, command);
    case NodeCommand::forget:  // of Evictions, and RepairOrders
    case NodeCommand::pause_repair:
    case NodeCommand::resume_repair:
    case NodeCommand::throttle_repair:
    case NodeCommand::add_disk:  // of Node
    case NodeCommand::replace_disk:
    case NodeCommand::remove_disk:
      break;
  }
  return Error{ErrorCode::usage, "no such command"};
}

Result<std::string> Standing::leave(Instant now, Peers& peers, bool accept_fewer) {
  std::uint32_t others = 0;
  for (const MemberRecord* member : table_.active()) {
    const bool living = peers.life_of(member->node) == LifeState::alive;
    if (member->node != table_.self() && living) ++others;
  }
  if (others == 0) {
    return Error{ErrorCode::fewer_copies,
                 "this is the last living node; its images would be gone. Stop it instead"};
  }
  const std::uint32_t replicas = table_.settings()->replicas;
  if (others < replicas && !accept_fewer) {
    return Error{ErrorCode::fewer_copies,
                 "only " + std::to_string(others) + " other nodes live, so " +
                     std::to_string(replicas) +
                     " copies could not be kept; add a node, or say --accept-fewer-copies"};
  }
  change_own(now, peers, [](MemberRecord& own) { own.state = MemberState::leaving; });
  return std::string("the node hands over its copies and then stops");
}

// Any active member may sign other settings. Each partition goes by the W it was settled under
// until it has settled anew.
Result<std::string> Standing::set_copies(Peers& peers, const CommandRequest& command) {
  const MemberRecord* own = table_.find(table_.self());
  if (own == nullptr || own->state != MemberState::active) {
    return Error{ErrorCode::usage, "this node is no active member; ask another one"};
  }
  MeshSettings next = *table_.settings();
  if (command.replicas != 0) next.replicas = command.replicas;
  if (command.write_quorum != 0) {
    next.write_quorum = command.write_quorum;
  } else {
    next.write_quorum = std::max(std::min(next.write_quorum, next.replicas), next.replicas / 2 + 1);
  }
  const std::string copies = std::to_string(next.replicas) + " copies, and a put waits for " +
                             std::to_string(next.write_quorum);
  const bool is_same = next.replicas == table_.settings()->replicas &&
                       next.write_quorum == table_.settings()->write_quorum;
  if (is_same) return "the mesh keeps " + copies + " already";
  ++next.generation;
  next = sign_settings(next, options_.key);
  if (const Result<Done> fits = check_settings(next); !fits) return fits.error();
  if (table_.merge(next).outcome != MergeOutcome::adopted) {
    return Error{ErrorCode::failed, "the settings were not adopted"};
  }
  writer_.write({fact_row("settings", encode_settings(next))});
  peers.note_settings_change();
  outside_.log.event(LogLevel::info, "mesh_settings_changed",
                     {{"replicas", std::to_string(next.replicas)},
                      {"write_quorum", std::to_string(next.write_quorum)}});
  return "the mesh keeps " + copies + "; partitions follow one by one ('pixmesh status')";
}

Result<std::string> Standing::change_place(Instant now, Peers& peers, const RingChange& change,
                                           bool accept_fewer) {
  CommandRequest command;
  command.command = NodeCommand::leave;
  command.accept_fewer_copies = accept_fewer;
  switch (change.kind) {
    case RingChangeKind::leave:
      return on_command(now, peers, command);
    case RingChangeKind::weigh:
      change_own(now, peers, [&](MemberRecord& own) { own.weight = change.weight; });
      return "the node has weight " + std::to_string(change.weight) + " now";
    case RingChangeKind::join:
      take_place_now(now, peers);
      return std::string("the node takes its place in the ring");
  }
  return Error{ErrorCode::usage, "no such change is known here"};
}

void Standing::left(Instant now, Peers& peers) {
  change_own(now, peers, [](MemberRecord& own) { own.state = MemberState::left; });
}

}  // namespace pixmesh

// The part of FaultPlayer that has whole nodes put back or run twice, and their state folders fail.
#include "simulations/faults/draw.h"
#include "simulations/faults/fault_player.h"
#include "wire/stored.h"

namespace pixmesh {
namespace {

constexpr Duration put_back_within = 1s;
constexpr Duration started_again_after = 3s;  // by whoever looks after a node that ended

/// The rows of a state folder whose keys begin so.
std::vector<Bytes> facts_in(const NodeContents& contents, std::string_view beginning) {
  std::vector<Bytes> values;
  const auto facts = contents.state.tables.find(Table::facts);
  if (facts == contents.state.tables.end()) return values;
  for (const auto& [key, value] : facts->second) {
    if (text_of(key).starts_with(beginning)) values.push_back(value);
  }
  return values;
}

std::optional<MemberRecord> member_in(const NodeContents& contents, NodeId id) {
  const std::vector<Bytes> rows = facts_in(contents, "member/" + to_text(id));
  if (rows.empty()) return std::nullopt;
  return decode_member(rows.front()).value();
}

bool is_evicted_in(const NodeContents& contents, const MemberRecord& member) {
  for (const std::string_view kind : {"eviction/", "given_up/"}) {
    for (const Bytes& row : facts_in(contents, std::string(kind) + to_text(member.node))) {
      if (decode_eviction(row).value().generation >= member.generation) return true;
    }
  }
  return false;
}

/// More active members than W: none of them is a read quorum by itself.
bool knows_more_than_a_quorum(const NodeContents& contents) {
  const std::vector<Bytes> settings = facts_in(contents, "settings");
  if (settings.empty()) return false;
  std::uint32_t members = 0;
  for (const Bytes& row : facts_in(contents, "member/")) {
    const MemberRecord member = decode_member(row).value();
    const bool counts = member.state == MemberState::active && !is_evicted_in(contents, member);
    members += counts ? 1 : 0;
  }
  return members > decode_settings(settings.front()).value().write_quorum;
}

}  // namespace

// Else what it lost, and cannot know of while it is alone, it says that there never was. Neither
// the mesh as it is nor as the node will know it is that small.
bool FaultPlayer::needs_others(std::uint32_t node, const NodeContents& contents) const {
  const MeshSettings* settings = world_.machine(node).node->settings();
  if (settings == nullptr) return false;
  std::uint32_t members = 0;
  for (std::uint32_t other = 0; other < world_.node_count(); ++other) {
    members += world_.is_member(other) && !is_forgotten(other) ? 1 : 0;
  }
  return members > settings->write_quorum && knows_more_than_a_quorum(contents);
}

// What nobody can tell the node is not asked of it: all others know a later record of it than the
// one that it is put back to, and keep it.
bool FaultPlayer::know_later_record(std::uint32_t node, const NodeContents& before) const {
  const auto generation_in = [&](const NodeContents& contents) -> std::uint64_t {
    const auto record = member_in(contents, world_.id_of(node));
    return record ? record->generation : 0;
  };
  const std::uint64_t known_then = generation_in(before);
  if (known_then == 0) return false;
  for (std::uint32_t other = 0; other < world_.node_count(); ++other) {
    if (other == node || !world_.is_member(other) || is_forgotten(other)) continue;
    if (generation_in(world_.contents_of(other)) <= known_then) return false;
  }
  return true;
}

void FaultPlayer::roll_back_node(std::uint32_t node, Duration age) {
  if (!world_.is_running(node)) return;
  const Instant taken_at = world_.now();
  until(age, [this, node, age, taken_at, before = world_.contents_of(node)] {
    if (world_.now() - taken_at < age || !world_.is_running(node)) return;  // the faults are over
    if (!needs_others(node, before) || !know_later_record(node, before)) return;
    if (!atlas_.may_destroy(node, false)) return;
    crash(node, put_back_within);
    world_.restore(node, before);
  });
}

void FaultPlayer::begin_twin(std::uint32_t node) {
  if (!world_.is_running(node) || world_.has_twin(node)) return;
  if (told_to_leave_.contains(node)) return;  // the twin would leave, and the node be no member
  if (!needs_others(node, world_.contents_of(node))) return;
  if (!atlas_.may_destroy(node, false)) return;
  world_.start_twin(node);
}

// Whoever looks after the node finds that it has ended, sees to it that nobody else uses its
// identity, and starts it again. A twin that has ended stays so.
void FaultPlayer::on_failed(std::uint32_t node, bool is_twin) {
  if (is_twin) return;
  failed_.insert(node);
  world_.clock().after(started_again_after, [this, node] {
    failed_.erase(node);
    world_.end_twin(node);
    restart(node);
  });
}

void FaultPlayer::begin_state(const Event& fault) {
  VirtualDisk& state = world_.state(fault.node);
  switch (fault.kind) {
    case EventKind::state_full:
      state.trouble.full = true;
      return until(fault.lasting, [&state] { state.trouble.full = false; });
    case EventKind::state_slow:
      state.trouble.slower = std::chrono::microseconds(fault.amount);
      return until(fault.lasting, [&state] { state.trouble.slower = {}; });
    case EventKind::state_errors:
      state.trouble.failing_writes = static_cast<std::uint32_t>(fault.amount);
      return;
    default:
      return;
  }
}

}  // namespace pixmesh

// The part of FaultPlayer that has whole nodes put back or run twice, and their state folders fail.
#include "simulations/faults/draw.h"
#include "simulations/faults/fault_player.h"
#include "wire/stored.h"

namespace pixmesh {
namespace {

constexpr Duration put_back_within = 1s;
constexpr Duration started_again_after = 3s;  // by whoever looks after a node that ended

}  // namespace

// Else what it lost, and cannot know of while it is alone, it says that there never was.
bool FaultPlayer::needs_others(std::uint32_t node) const {
  const MeshSettings* settings = world_.machine(node).node->settings();
  if (settings == nullptr) return false;
  std::uint32_t members = 0;
  for (std::uint32_t other = 0; other < world_.node_count(); ++other) {
    members += world_.is_member(other) && !is_forgotten(other) ? 1 : 0;
  }
  return members > settings->write_quorum;
}

// What nobody can tell the node is not asked of it: all others know a later record of it than the
// one that it is put back to, and keep it.
bool FaultPlayer::know_later_record(std::uint32_t node, const NodeContents& before) const {
  const auto generation_in = [&](const VirtualDisk::Contents& state) -> std::uint64_t {
    const auto facts = state.tables.find(Table::facts);
    if (facts == state.tables.end()) return 0;
    const std::string name = "member/" + to_text(world_.id_of(node));
    const auto row = facts->second.find(Bytes(name.begin(), name.end()));
    return row == facts->second.end() ? 0 : decode_member(row->second).value().generation;
  };
  const std::uint64_t known_then = generation_in(before.state);
  if (known_then == 0) return false;
  for (std::uint32_t other = 0; other < world_.node_count(); ++other) {
    if (other == node || !world_.is_member(other) || is_forgotten(other)) continue;
    if (generation_in(world_.contents_of(other).state) <= known_then) return false;
  }
  return true;
}

void FaultPlayer::roll_back_node(std::uint32_t node, Duration age) {
  if (!world_.is_running(node)) return;
  const Instant taken_at = world_.now();
  until(age, [this, node, age, taken_at, before = world_.contents_of(node)] {
    if (world_.now() - taken_at < age || !world_.is_running(node)) return;  // the faults are over
    if (!needs_others(node) || !know_later_record(node, before)) return;
    if (!atlas_.may_destroy(node, false)) return;
    crash(node, put_back_within);
    world_.restore(node, before);
  });
}

void FaultPlayer::begin_twin(std::uint32_t node) {
  if (!world_.is_running(node) || world_.has_twin(node)) return;
  if (told_to_leave_.contains(node)) return;  // the twin would leave, and the node be no member
  if (!needs_others(node) || !atlas_.may_destroy(node, false)) return;
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

// The part of FaultPlayer that has members come, go and be forgotten, and strikes those that hold
// what moves meanwhile.
#include <algorithm>

#include "simulations/faults/fault_player.h"
#include "wire/stored.h"

namespace pixmesh {
namespace {

constexpr Duration motion_looked_for = 10ms;  // how often

}  // namespace

void FaultPlayer::begin_membership(const Event& fault) {
  const auto node = fault.node;
  switch (fault.kind) {
    case EventKind::join: {
      NodePlan plan;
      plan.zone = "zone" + std::to_string(node);
      plan.weight = static_cast<std::uint32_t>(fault.amount);
      (void)world_.add_node(plan);
      return;
    }
    case EventKind::leave:
      if (!has(node) || world_.has_twin(node)) return;
      told_to_leave_.insert(node);
      world_.tell(node, NodeCommand::leave, {});
      return;
    case EventKind::stay:
      if (has(node)) world_.tell(node, NodeCommand::cancel_leave, {});
      return;
    case EventKind::drain:
      if (!has(node)) return;
      world_.tell(node, NodeCommand::drain, {});
      return until(fault.lasting, [this, node] { world_.tell(node, NodeCommand::undrain, {}); });
    case EventKind::weigh:
      if (has(node)) world_.tell_weight(node, static_cast<std::uint32_t>(fault.amount));
      return;
    case EventKind::copies:
      if (has(node))
        world_.tell_copies(node, static_cast<std::uint32_t>(fault.amount), fault.number);
      return;
    case EventKind::forget:
      if (has(node) && has(fault.peer)) forget(node, fault.peer);
      return;
    default:
      return;
  }
}

// Waits until some node has a new placement.
void FaultPlayer::await_motion(const Event& fault, std::size_t seen, Instant end) {
  const auto& log = world_.log();
  const bool moves = std::any_of(log.begin() + static_cast<std::ptrdiff_t>(seen), log.end(),
                                 [](const auto& line) { return line.name == "placement_changed"; });
  if (world_.now() >= end) return;
  const Duration next = moves ? std::chrono::milliseconds(fault.amount) : motion_looked_for;
  const std::uint64_t key = ++last_undo_;
  undos_.emplace(key, [] {});
  world_.clock().after(next, [this, key, fault, moves, seen = log.size(), end] {
    if (!undos_.extract(key)) return;
    if (moves) return strike(fault);
    await_motion(fault, seen, end);
  });
}

// Holders of a partition that is moving, as the disks say.
std::vector<std::uint32_t> FaultPlayer::holders_in_motion() const {
  std::vector<std::uint32_t> nodes;
  for (const std::uint32_t node : world_.running()) {
    bool moves = false;
    world_.for_each_row(node, Table::lists, [&](const Bytes& key, const Bytes& value) {
      if (moves || key.size() != 4) return;
      const auto lists = decode_lists(value);
      moves = lists && !lists->is_settled();
    });
    if (moves) nodes.push_back(node);
  }
  return nodes;
}

void FaultPlayer::strike(const Event& fault) {
  static constexpr std::array kinds{
      EventKind::crash,   EventKind::pause,     EventKind::cut,     EventKind::hold,
      EventKind::cut_way, EventKind::disk_slow, EventKind::isolate, EventKind::crash_in_step};
  const std::vector<std::uint32_t> moving = holders_in_motion();
  if (moving.empty()) return;
  Event blow = fault;
  std::uint32_t chance = fault.number;
  const auto draw = [&chance](std::size_t below) {
    const std::uint32_t drawn = chance % static_cast<std::uint32_t>(below);
    chance /= static_cast<std::uint32_t>(below);
    return drawn;
  };
  blow.kind = kinds[draw(kinds.size())];
  blow.node = moving[draw(moving.size())];
  blow.peer = moving[draw(moving.size())];
  blow.amount = blow.kind == EventKind::disk_slow ? 1'000LL << draw(11) : 1 + draw(8);
  begin(blow);
}

void FaultPlayer::forget(std::uint32_t victim, std::uint32_t via) {
  std::uint32_t members = 0;
  for (std::uint32_t node = 0; node < world_.node_count(); ++node) {
    if (world_.is_member(node) && !is_forgotten(node)) ++members;
  }
  if (members < 3 || !world_.is_member(victim) || is_forgotten(victim)) return;
  if (!atlas_.may_destroy(victim, true)) return;
  forgotten_.insert(victim);
  if (world_.is_running(victim)) world_.crash(victim);
  world_.end_twin(victim);
  tell_forget(victim, via, 0);
}

// Others believe it alive for a while, and whoever is asked may be down: said again until a node
// that runs has done it.
void FaultPlayer::tell_forget(std::uint32_t victim, std::uint32_t via, std::uint32_t attempt) {
  constexpr Duration between = 3s;
  const std::uint32_t count = world_.node_count();
  const std::uint32_t node = (via + attempt) % count;
  world_.tell(node, NodeCommand::forget, world_.id_of(victim),
              [this, victim](const CommandAnswer& answer) {
                if (answer.code != ErrorCode{} || !world_.is_member(victim)) return;
                world_.note_forgotten(victim);
                forget_again(victim);
              });
  world_.clock().after(between, [this, victim, via, attempt] {
    if (world_.is_member(victim)) tell_forget(victim, via, attempt + 1);
  });
}

// An operator who sees the lost node as a member again says it once more: whoever was asked may
// have died before it learnt of a newer record. Nodes that know it as forgotten only say so.
void FaultPlayer::forget_again(std::uint32_t victim) {
  constexpr Duration between = 20s;
  world_.clock().after(between, [this, victim] {
    for (const std::uint32_t node : world_.running()) {
      world_.tell(node, NodeCommand::forget, world_.id_of(victim), {});
    }
    forget_again(victim);
  });
}

}  // namespace pixmesh

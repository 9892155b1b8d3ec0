#include "simulations/faults/fault_player.h"

#include <algorithm>
#include <utility>

namespace pixmesh {
namespace {

constexpr std::uint32_t nodes_max = 64;  // bits of a split
constexpr Duration motion_within = 10s;  // a strike waits that long for partitions to move

bool is_process_fault(FaultClass fault) {
  return fault == FaultClass::crash || fault == FaultClass::pause || fault == FaultClass::clock ||
         fault == FaultClass::tool;
}

// Whether two nodes are on different sides.
auto halves_of(const Event& fault) {
  return [side = static_cast<std::uint64_t>(fault.amount)](std::uint32_t a, std::uint32_t b) {
    return ((side >> (a % nodes_max)) & 1) != ((side >> (b % nodes_max)) & 1);
  };
}

}  // namespace

FaultPlayer::FaultPlayer(MeshWorld& world, Atlas& atlas) : world_(world), atlas_(atlas) {
  world_.when_failed([this](std::uint32_t node, bool is_twin) { on_failed(node, is_twin); });
}

void FaultPlayer::until(Duration lasting, Undo undo) {
  const std::uint64_t key = ++last_undo_;
  undos_.emplace(key, std::move(undo));
  world_.clock().after(lasting, [this, key] {
    const auto due = undos_.extract(key);
    if (due) due.mapped()();
  });
}

void FaultPlayer::begin(const Event& fault) {
  const EventForm& form = form_of(fault.kind);
  if (form.node && form.fault != FaultClass::membership && !has(fault.node)) return;
  if (form.fault == FaultClass::network) return begin_network(fault);
  if (form.fault == FaultClass::membership) return begin_membership(fault);
  if (form.fault == FaultClass::motion) {
    return await_motion(fault, world_.log().size(), world_.now() + motion_within);
  }
  if (is_process_fault(form.fault)) return begin_process(fault);
  if (form.fault == FaultClass::state) return begin_state(fault);
  if (form.fault == FaultClass::bay) return begin_bay(fault);
  begin_disk(fault);
}

void FaultPlayer::end_all() {
  // Ending one fault may begin nothing new: forgetting goes on by itself.
  while (!undos_.empty()) undos_.extract(undos_.begin()).mapped()();
  world_.heal_all();
  world_.network().conditions = {};
  for (std::uint32_t node = 0; node < world_.node_count(); ++node) {
    world_.set_wall_shift(node, {});  // somebody sets the clocks right
    world_.state(node).trouble = {};
    bool has_failed = false;
    for (VirtualDisk* disk : world_.disks(node)) {
      disk->trouble = {};
      disk->interrupt_after(0, nullptr);
      has_failed = has_failed || disk->has_failed();
    }
    // A failed disk is for its owner to look at: the process is started anew.
    if (has_failed && world_.is_running(node)) world_.crash(node);
    restart(node);
  }
}

bool FaultPlayer::is_busy() const {
  for (std::uint32_t node = 0; node < world_.node_count(); ++node) {
    if (world_.has_twin(node)) return true;  // of two processes with one identity one is to end
    if (world_.is_member(node) && (is_forgotten(node) || failed_.contains(node))) return true;
  }
  return false;
}

void FaultPlayer::begin_network(const Event& fault) {
  VirtualNetwork& network = world_.network();
  const auto a = fault.node;
  const auto b = fault.peer;
  const bool is_pair = form_of(fault.kind).peer;
  if (is_pair && (a == b || !has(b))) return;
  switch (fault.kind) {
    case EventKind::cut:
      network.cut(a, b);
      return until(fault.lasting, [&network, a, b] { network.heal(a, b); });
    case EventKind::cut_way:
      network.cut_way(a, b);
      return until(fault.lasting, [&network, a, b] { network.heal_way(a, b); });
    case EventKind::hold:
      network.hold_way(a, b);
      return until(fault.lasting, [&network, a, b] { network.release_way(a, b); });
    case EventKind::reset:
      return network.reset(a, b);
    case EventKind::clog:
      network.clog_way(a, b, static_cast<std::uint64_t>(fault.amount));
      return until(fault.lasting, [&network, a, b] { network.clog_way(a, b, 0); });
    case EventKind::flap:
      return flap(fault, world_.now() + fault.lasting, true);
    case EventKind::isolate:
      return cut_apart(fault.lasting, [a](auto one, auto two) { return one == a || two == a; });
    case EventKind::split:
      return cut_apart(fault.lasting, halves_of(fault));
    case EventKind::bridge:
      return cut_apart(fault.lasting, [a, halves = halves_of(fault)](auto one, auto two) {
        return one != a && two != a && halves(one, two);
      });
    case EventKind::ring:
      return cut_apart(fault.lasting, [last = world_.node_count() - 1](auto one, auto two) {
        return two - one != 1 && two - one != last;
      });
    case EventKind::latency:
      network.conditions.latency_min = std::chrono::microseconds(fault.amount) / 2;
      network.conditions.latency_spread = std::chrono::microseconds(fault.amount) + 1us;
      return until(fault.lasting, [&network] {
        network.conditions.latency_min = NetworkConditions{}.latency_min;
        network.conditions.latency_spread = NetworkConditions{}.latency_spread;
      });
    case EventKind::lossy:
      network.conditions.retransmit_one_in = static_cast<std::uint32_t>(fault.amount);
      return until(fault.lasting, [&network] { network.conditions.retransmit_one_in = 0; });
    case EventKind::late:
      network.conditions.late_by = std::chrono::milliseconds(fault.amount);
      return until(fault.lasting, [&network] { network.conditions.late_by = {}; });
    default:
      return;
  }
}

// Each pair of nodes is asked about once, the lower number first.
void FaultPlayer::cut_apart(Duration lasting, const Separates& separates) {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs;
  for (std::uint32_t a = 0; a < world_.node_count(); ++a) {
    for (std::uint32_t b = a + 1; b < world_.node_count(); ++b) {
      if (separates(a, b)) pairs.emplace_back(a, b);
    }
  }
  for (const auto& pair : pairs) world_.cut(pair.first, pair.second);
  until(lasting, [this, pairs] {
    for (const auto& pair : pairs) world_.heal(pair.first, pair.second);
  });
}

void FaultPlayer::flap(const Event& fault, Instant end, bool cut_now) {
  if (cut_now) {
    world_.cut(fault.node, fault.peer);
  } else {
    world_.heal(fault.node, fault.peer);
  }
  const std::uint64_t key = ++last_undo_;
  undos_.emplace(key, [this, fault, cut_now] {
    if (cut_now) world_.heal(fault.node, fault.peer);
  });
  world_.clock().after(std::chrono::milliseconds(fault.amount), [this, key, fault, end, cut_now] {
    if (!undos_.extract(key)) return;
    if (world_.now() < end) return flap(fault, end, !cut_now);
    if (cut_now) world_.heal(fault.node, fault.peer);
  });
}

void FaultPlayer::begin_process(const Event& fault) {
  const auto node = fault.node;
  switch (fault.kind) {
    case EventKind::crash:
      return crash(node, fault.lasting);
    case EventKind::crash_in_step:
      if (!world_.is_running(node)) return;
      disk_of(fault).interrupt_after(
          static_cast<std::uint32_t>(fault.amount),
          [this, node, lasting = fault.lasting] { crash(node, lasting); });
      return;
    case EventKind::power_cut:
      return cut_power(fault.lasting);
    case EventKind::pause:
      if (!world_.is_running(node) || world_.machine(node).paused) return;
      world_.pause(node);
      return until(fault.lasting, [this, node] { world_.resume(node); });
    case EventKind::slow:
      world_.set_slowness(node, static_cast<std::uint32_t>(fault.amount));
      return until(fault.lasting, [this, node] { world_.set_slowness(node, 1); });
    case EventKind::clock_shift:
      return world_.set_wall_shift(
          node, world_.machine(node).clock.wall_shift() + std::chrono::milliseconds(fault.amount));
    case EventKind::clock_back:
      crash(node, fault.lasting);
      return world_.set_wall_shift(
          node, world_.machine(node).clock.wall_shift() - std::chrono::milliseconds(fault.amount));
    case EventKind::clock_drift:
      return world_.machine(node).clock.set_drift(world_.now(), fault.amount);
    case EventKind::tool_trouble:
      world_.set_tool_trouble(node, static_cast<ToolTrouble>(fault.amount));
      return until(fault.lasting,
                   [this, node] { world_.set_tool_trouble(node, ToolTrouble::none); });
    case EventKind::tool_slow:
      world_.set_tool_time(node, std::chrono::milliseconds(fault.amount));
      return until(fault.lasting, [this, node] { world_.set_tool_time(node, 50ms); });
    default:
      return;
  }
}

void FaultPlayer::crash(std::uint32_t node, Duration lasting) {
  if (!world_.is_running(node)) return;
  world_.crash(node);
  until(lasting, [this, node] { restart(node); });
}

void FaultPlayer::restart(std::uint32_t node) {
  if (world_.is_running(node) || !world_.is_member(node) || is_forgotten(node)) return;
  world_.restart(node);
}

void FaultPlayer::cut_power(Duration lasting) {
  for (std::uint32_t node = 0; node < world_.node_count(); ++node) crash(node, lasting);
}

}  // namespace pixmesh

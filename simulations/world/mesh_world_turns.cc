#include <utility>

#include "simulations/world/mesh_world.h"
#include "simulations/world/world_log.h"

// When a node gets its events: at once, one after the other where the processor is slow, or later
// where the process stands still.
namespace pixmesh {
namespace {

constexpr Duration turn_takes = 100us;  // one event and what is due, on a slow processor
constexpr Duration job_takes = 5ms;     // beside the node's loop

}  // namespace

void MeshWorld::pause(std::uint32_t number) { machine_of(number).paused = true; }

void MeshWorld::resume(std::uint32_t number) {
  NodeMachine& machine = machine_of(number);
  machine.paused = false;
  if (!machine.node || machine.is_busy) return;
  if (machine.slowness > 1) return begin_turn(machine);
  const std::uint64_t life = machine.life;
  const std::deque<HostEvent> backlog = std::exchange(machine.backlog, {});
  for (const HostEvent& event : backlog) hand_over(machine, event);
  after_step(number);
  if (machine.life == life) wake(number);
}

void MeshWorld::set_slowness(std::uint32_t node, std::uint32_t times) {
  NodeMachine& machine = *machines_[node];
  machine.slowness = times;
  apply_slowness(machine);
}

void MeshWorld::apply_slowness(NodeMachine& machine) {
  if (machine.executor) machine.executor->time = machine.tool_time * machine.slowness;
  if (machine.background) machine.background->takes = job_takes * machine.slowness;
}

void MeshWorld::deliver(std::uint32_t number, const HostEvent& event) {
  NodeMachine& machine = machine_of(number);
  if (!machine.node) return;
  if (machine.paused || machine.is_busy) {
    machine.backlog.push_back(event);
    return;
  }
  hand_over(machine, event);
  begin_turn(machine);
  after_step(number);
}

void MeshWorld::hand_over(NodeMachine& machine, const HostEvent& event) {
  trace_.add(clock_.now(), machine.number, event);
  machine.node->on_event(machine.clock.monotonic_at(clock_.now()),
                         machine.clock.wall_at(clock_.now()), event);
}

// What comes while the processor is busy waits until `end_turn`. Whoever is slow no more works off
// what has come meanwhile.
void MeshWorld::begin_turn(NodeMachine& machine) {
  if (machine.slowness == 1 && machine.backlog.empty()) return;
  if (std::exchange(machine.is_busy, true)) return;
  clock_.after(turn_takes * machine.slowness, [this, number = machine.number, life = machine.life] {
    if (machine_of(number).life == life) end_turn(number);
  });
}

// As the daemon's loop does: one event, then what is due.
void MeshWorld::end_turn(std::uint32_t number) {
  NodeMachine& machine = machine_of(number);
  machine.is_busy = false;
  if (machine.paused) return;
  const std::uint64_t life = machine.life;
  if (!machine.backlog.empty()) {
    const HostEvent event = std::move(machine.backlog.front());
    machine.backlog.pop_front();
    hand_over(machine, event);
    begin_turn(machine);
    after_step(number);
  }
  if (machine.life == life) wake(number);
}

}  // namespace pixmesh

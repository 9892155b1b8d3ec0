#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "base/rng.h"
#include "base/signature.h"
#include "node/node.h"
#include "simulations/world/machine_clock.h"
#include "simulations/world/machine_disks.h"
#include "simulations/world/virtual_executor.h"
#include "simulations/world/virtual_network.h"
#include "simulations/world/virtual_results.h"

namespace pixmesh {

class WorldLog;
class WorldBackground;

/// What belongs to one node of a world: its disks and clock, which outlive its process, and the
/// process itself, which comes and goes.
struct NodeMachine {
  std::uint32_t number = 0;
  SigningKey key;
  NodeId id;
  std::string zone;
  std::uint32_t weight = 8;
  bool founds = false;
  bool hold = false;
  std::optional<std::uint64_t> capacity;
  bool is_member = true;  // until it left or was forgotten
  Rng rng{0};
  MachineClock clock;
  std::unique_ptr<MachineDisks> disks;
  std::unique_ptr<VirtualDisk> state;
  KeptFacts kept_facts;  // of results
  Duration look_through_time = 2ms;
  Duration tool_time = 50ms;
  ToolTrouble tool_trouble = ToolTrouble::none;

  // One life.
  ChunkPool chunks;
  std::unique_ptr<VirtualTransport> transport;
  std::unique_ptr<VirtualExecutor> executor;
  std::unique_ptr<VirtualResults> results;
  std::unique_ptr<WorldBackground> background;
  std::unique_ptr<WorldLog> log;
  std::unique_ptr<Node> node;
  std::optional<Instant> wake;  // in the world's time
  std::uint64_t life = 0;

  // How many times as long as usual its processor needs. A slow process takes one event after the
  // other.
  std::uint32_t slowness = 1;
  bool is_busy = false;

  // A paused or busy process takes no events; they wait here, and their chunks in the pool.
  bool paused = false;
  std::deque<HostEvent> backlog;

  NodeMachine();
  ~NodeMachine();
  NodeMachine(const NodeMachine&) = delete;
  NodeMachine& operator=(const NodeMachine&) = delete;
  [[nodiscard]] bool is_running() const { return node != nullptr; }
  [[nodiscard]] std::uint64_t capacity_bytes() const;
};

}  // namespace pixmesh

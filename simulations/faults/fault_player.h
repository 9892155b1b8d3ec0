#pragma once

#include <functional>
#include <map>
#include <set>

#include "simulations/faults/atlas.h"
#include "simulations/scenario/scenario.h"
#include "simulations/world/mesh_world.h"

namespace pixmesh {

/// Makes the faults of a schedule happen to a world, and ends each when its time is over. An event
/// that makes no sense where it comes (a crash of what does not run, a node that never joined) is
/// passed over, so any part of a schedule is a schedule.
class FaultPlayer {
 public:
  FaultPlayer(MeshWorld& world, Atlas& atlas);

  void begin(const Event& fault);
  /// Ends whatever is still going on and starts every member that is down. Clocks stay as they are.
  void end_all();
  /// All processes die in one instant and come back after `lasting`.
  void cut_power(Duration lasting);
  /// Whether the others are still to be told to forget a node, or one process more runs than
  /// should.
  [[nodiscard]] bool is_busy() const;
  /// Nodes that were given up for good and that the others were told to forget.
  [[nodiscard]] bool is_forgotten(std::uint32_t node) const { return forgotten_.contains(node); }

 private:
  using Undo = std::function<void()>;
  void until(Duration lasting, Undo undo);
  void begin_network(const Event& fault);
  void begin_process(const Event& fault);
  void begin_disk(const Event& fault);
  void begin_state(const Event& fault);
  void begin_bay(const Event& fault);
  void exchange(std::uint32_t node, const VirtualDisk& disk, EventKind kind);
  void begin_membership(const Event& fault);
  void await_motion(const Event& fault, std::size_t seen, Instant end);
  void strike(const Event& fault);
  [[nodiscard]] std::vector<std::uint32_t> holders_in_motion() const;
  using Separates = std::function<bool(std::uint32_t a, std::uint32_t b)>;
  void cut_apart(Duration lasting, const Separates& separates);
  void flap(const Event& fault, Instant end, bool cut_now);
  void crash(std::uint32_t node, Duration lasting);
  void restart(std::uint32_t node);
  [[nodiscard]] VirtualDisk& disk_of(const Event& fault) const;
  void let_fail(const Event& fault, std::uint32_t VirtualDisk::Trouble::*errors);
  void roll_back(const Event& fault);
  [[nodiscard]] std::vector<std::pair<VirtualDisk*, std::string>> blobs_of(
      std::uint32_t node) const;
  void roll_back_node(std::uint32_t node, Duration age);
  [[nodiscard]] bool needs_others(std::uint32_t node, const NodeContents& contents) const;
  [[nodiscard]] bool know_later_record(std::uint32_t node, const NodeContents& before) const;
  void begin_twin(std::uint32_t node);
  void on_failed(std::uint32_t node, bool is_twin);
  void rot(const Event& fault);
  void destroy(const Event& fault);
  [[nodiscard]] bool is_elsewhere(std::uint32_t node, const std::string& path) const;
  void forget(std::uint32_t victim, std::uint32_t via);
  void tell_forget(std::uint32_t victim, std::uint32_t via, std::uint32_t attempt);
  void forget_again(std::uint32_t victim);
  [[nodiscard]] bool has(std::uint32_t node) const { return node < world_.node_count(); }

  MeshWorld& world_;
  Atlas& atlas_;
  std::set<std::uint32_t> forgotten_;
  std::set<std::uint32_t> failed_;         // processes that ended and are to be started again
  std::set<std::uint32_t> told_to_leave_;  // at any time
  std::uint64_t last_undo_ = 0;
  std::map<std::uint64_t, Undo> undos_;  // of what is going on, oldest first
};

}  // namespace pixmesh

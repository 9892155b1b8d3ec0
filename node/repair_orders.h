#pragma once

#include "base/result.h"
#include "node/state_writer.h"
#include "replication/repair_pace.h"
#include "wire/operator_messages.h"

namespace pixmesh {

/// What an operator says about the pace of repair. Durable: a restart goes on with it, and the time
/// in which the node does not run counts.
class RepairOrders {
 public:
  RepairOrders(const TableRows& facts, RepairPace& pace, StateWriter& writer);

  void start(Instant now, WallTime wall);
  /// @returns what follows. Errors: usage.
  [[nodiscard]] Result<std::string> on_command(Instant now, WallTime wall,
                                               const CommandRequest& command);
  [[nodiscard]] static bool is_ours(NodeCommand command);

 private:
  [[nodiscard]] Result<std::string> pause(Instant now, WallTime wall, std::uint64_t seconds);
  [[nodiscard]] Result<std::string> throttle(std::uint64_t rate);
  void keep();

  RepairPace& pace_;
  StateWriter& writer_;
  std::uint64_t paused_until_ = 0;  // microseconds since 1970
};

}  // namespace pixmesh

#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/background.h"
#include "base/log.h"
#include "simulations/world/virtual_clock.h"

namespace pixmesh {

/// Tells each event of a node's log to the world.
class WorldLog : public Log {
 public:
  using Told = std::function<void(std::string_view name, std::string fields)>;
  explicit WorldLog(Told told) : told_(std::move(told)) {}
  void event(LogLevel level, std::string_view name,
             std::initializer_list<LogField> fields) override;

 private:
  Told told_;
};

/// Does a job at once and says a little later that it is done.
class WorldBackground : public Background {
 public:
  using Done = std::function<void(OperationId)>;
  WorldBackground(VirtualClock& clock, Done done);
  void run(OperationId ticket, std::function<void()> job) override;

  Duration takes = 5ms;

 private:
  VirtualClock& clock_;
  std::shared_ptr<Done> done_;  // gone with this object, so that nothing comes afterwards
};

}  // namespace pixmesh

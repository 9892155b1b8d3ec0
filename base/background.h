#pragma once

#include <functional>

#include "base/ids.h"

namespace pixmesh {

/// Runs long pure computations (a placement takes 100 ms at 100 nodes) away from the loop thread.
class Background {
 public:
  virtual ~Background() = default;
  /// Runs `job` once; afterwards the event `BackgroundDone{ticket}` comes. The job may write only
  /// to what the event's receiver alone reads.
  virtual void run(OperationId ticket, std::function<void()> job) = 0;
};

}  // namespace pixmesh

#pragma once

#include <sys/resource.h>

#include <cstdint>

#include "host/workers/worker_job.h"

namespace pixmesh {

/// User + system.
[[nodiscard]] std::uint64_t cpu_micros_of(const rusage& usage);

/// Sets the limits of one job for this process: processor time from now on, address space, the size
/// of files. Going over the first and the last ends the process by a signal.
void limit_job(const WorkerJob& job);

/// What one job costs a process that does many.
class JobCost {
 public:
  /// The job begins: what was resident before counts, what was let go before does not.
  JobCost();
  /// Fills in the costs up to now.
  void fill(WorkerAnswer& answer) const;

 private:
  std::uint64_t cpu_before_;
  bool peak_is_fresh_;
};

}  // namespace pixmesh

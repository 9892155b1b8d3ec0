#pragma once

#include <sys/resource.h>

#include <cstdint>

#include "host/workers/worker_job.h"

namespace pixmesh {

/// User + system.
[[nodiscard]] std::uint64_t cpu_micros_of(const rusage& usage);

enum class LimitHold {
  for_this_job,  // the next one may have others
  for_good,      // the process itself cannot raise its memory and the size of its files again
};

/// Sets the limits of one job for this process: processor time from now on, address space, the size
/// of files. Going over the first and the last ends the process by a signal.
void limit_job(const WorkerJob& job, LimitHold hold);

/// What one job costs a process that does many. Of its memory the kernel tells a process the peak
/// of its life alone; who can look at it from outside knows more (host/tools/process_memory.h).
class JobCost {
 public:
  /// The job begins.
  JobCost();
  /// Fills in the costs up to now.
  void fill(WorkerAnswer& answer) const;

 private:
  std::uint64_t cpu_before_;
};

}  // namespace pixmesh

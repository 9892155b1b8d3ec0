#pragma once

#include <cstdint>

#include "base/time.h"

namespace pixmesh {

/// What sched_setattr(2) takes, in its first version.
struct SchedulerAttributes {
  std::uint32_t size = sizeof(SchedulerAttributes);
  std::uint32_t policy = 0;  // SCHED_OTHER
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t slice = 0;  // ns; 0: the kernel's own. Called `sched_runtime` there
  std::uint64_t deadline = 0;
  std::uint64_t period = 0;
};

/// Asks the scheduler to give the calling thread, and all it starts later, the processor in slices
/// of so long (0.1 … 100 ms): who takes little at a time waits less for those that take more, and
/// has the same share (EEVDF, Linux 6.12). Earlier kernels take no notice. Keeps nice.
void ask_for_time_slices(Duration slice);

}  // namespace pixmesh

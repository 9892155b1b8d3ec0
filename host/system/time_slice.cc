#include "host/system/time_slice.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace pixmesh {

static_assert(sizeof(SchedulerAttributes) == 48);

void ask_for_time_slices(Duration slice) {
  SchedulerAttributes attributes;
  attributes.nice = ::getpriority(PRIO_PROCESS, 0);
  attributes.slice = static_cast<std::uint64_t>(slice.count());
  (void)::syscall(SYS_sched_setattr, 0, &attributes, 0);
}

}  // namespace pixmesh

#include "host/disk/worker_queue.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace pixmesh {

void name_this_thread(const std::string& name) { pthread_setname_np(pthread_self(), name.c_str()); }

void yield_to_all_others() {
  constexpr int of_this_thread = 1;    // IOPRIO_WHO_PROCESS; no header of libc has these
  constexpr int idle_class = 3 << 13;  // IOPRIO_CLASS_IDLE
  constexpr int lowest = 19;
  (void)::setpriority(PRIO_PROCESS, 0, lowest);  // Linux: of the thread that calls
  (void)::syscall(SYS_ioprio_set, of_this_thread, 0, idle_class);
}

}  // namespace pixmesh

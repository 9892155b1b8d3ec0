#include "host/disk/worker_queue.h"

#include <pthread.h>

namespace pixmesh {

void name_this_thread(const std::string& name) { pthread_setname_np(pthread_self(), name.c_str()); }

}  // namespace pixmesh

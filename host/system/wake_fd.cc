#include "host/system/wake_fd.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "base/invariant.h"

namespace pixmesh {

WakeFd::WakeFd() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  invariant(fd_ >= 0, "the process may open a file descriptor");
}

WakeFd::~WakeFd() { ::close(fd_); }

void WakeFd::wake() { (void)::eventfd_write(fd_, 1); }

void WakeFd::clear() {
  eventfd_t ignored = 0;
  (void)::eventfd_read(fd_, &ignored);
}

}  // namespace pixmesh

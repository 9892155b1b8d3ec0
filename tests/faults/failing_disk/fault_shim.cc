// Stands between a program and the C library (LD_PRELOAD) and lets calls fail as FaultOrder says.
#include "fault_shim.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>

namespace {

using pixmesh::FaultOrder;

FaultOrder* order_of_environment() {
  const char* path = std::getenv("FAULT_SHIM_CONTROL");
  if (path == nullptr) return nullptr;
  const int file = ::open(path, O_RDWR | O_CLOEXEC);
  if (file < 0) return nullptr;
  void* mapped = ::mmap(nullptr, sizeof(FaultOrder), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  ::close(file);
  return mapped == MAP_FAILED ? nullptr : static_cast<FaultOrder*>(mapped);
}

FaultOrder* order() {
  static FaultOrder* const mapped = order_of_environment();
  return mapped;
}

template <typename Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

bool is_meant(int file) {
  char link[64];
  char path[4096];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  const ssize_t length = ::readlink(link, path, sizeof path - 1);
  if (length <= 0) return false;
  path[length] = '\0';
  return std::strstr(path, order()->path) != nullptr;
}

/// Whether this call, which is of a kind that fails, is one of those that do.
bool is_due() {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  if (order()->skipped > 0) {
    --order()->skipped;
    return false;
  }
  if (order()->times == 0) return false;
  --order()->times;
  ++order()->hits;
  return true;
}

bool asked(FaultOrder::Kind kind) { return order() != nullptr && order()->kind == kind; }

/// How many of `count` bytes may be written; below 0: the call fails with that error.
ssize_t allowed(int file, size_t count) {
  const auto all = static_cast<ssize_t>(count);
  if (asked(FaultOrder::none) || order() == nullptr) return all;
  const bool writes_fail = asked(FaultOrder::write_fails) || asked(FaultOrder::no_space) ||
                           asked(FaultOrder::short_writes);
  if (!writes_fail || !is_meant(file)) return all;
  if (asked(FaultOrder::write_fails)) return is_due() ? -EIO : all;
  if (asked(FaultOrder::short_writes)) return count > 1 && is_due() ? all / 2 : all;
  const std::int64_t left = order()->bytes.fetch_sub(all);
  if (left >= all) return all;
  if (left > 0) return static_cast<ssize_t>(left);
  return is_due() ? -ENOSPC : all;
}

int sync_with(const char* name, int file) {
  if (asked(FaultOrder::sync_fails) && is_meant(file) && is_due()) {
    errno = EIO;
    return -1;
  }
  return real<int(int)>(name)(file);
}

}  // namespace

extern "C" {

int fsync(int file) { return sync_with("fsync", file); }
int fdatasync(int file) { return sync_with("fdatasync", file); }

int rename(const char* from, const char* to) {
  if (asked(FaultOrder::rename_fails) && std::strstr(to, order()->path) != nullptr && is_due()) {
    errno = EIO;
    return -1;
  }
  return real<int(const char*, const char*)>("rename")(from, to);
}

ssize_t write(int file, const void* bytes, size_t count) {
  const ssize_t most = allowed(file, count);
  if (most >= 0) return real<ssize_t(int, const void*, size_t)>("write")(file, bytes, most);
  errno = static_cast<int>(-most);
  return -1;
}

ssize_t pwrite(int file, const void* bytes, size_t count, off_t at) {
  const ssize_t most = allowed(file, count);
  if (most >= 0) {
    return real<ssize_t(int, const void*, size_t, off_t)>("pwrite")(file, bytes, most, at);
  }
  errno = static_cast<int>(-most);
  return -1;
}

ssize_t pread(int file, void* bytes, size_t count, off_t at) {
  if (asked(FaultOrder::read_fails) && is_meant(file) && is_due()) {
    errno = EIO;
    return -1;
  }
  return real<ssize_t(int, void*, size_t, off_t)>("pread")(file, bytes, count, at);
}

}  // extern "C"

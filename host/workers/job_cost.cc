#include "host/workers/job_cost.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

namespace pixmesh {
namespace {

constexpr std::uint64_t million = 1'000'000;
constexpr std::uint64_t kibibyte = 1'024;

std::uint64_t micros_of(const timeval& time) {
  return static_cast<std::uint64_t>(time.tv_sec) * million +
         static_cast<std::uint64_t>(time.tv_usec);
}

std::uint64_t cpu_micros() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return cpu_micros_of(usage);
}

void set_soft_limit(int resource, std::uint64_t value) {
  rlimit limit{};
  if (getrlimit(static_cast<__rlimit_resource>(resource), &limit) != 0) return;
  limit.rlim_cur = value < limit.rlim_max ? value : limit.rlim_max;
  setrlimit(static_cast<__rlimit_resource>(resource), &limit);
}

/// Makes the kernel count the peak of resident memory anew (proc(5), clear_refs).
bool reset_peak() {
  const int file = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
  if (file < 0) return false;
  const bool done = write(file, "5", 1) == 1;
  close(file);
  return done;
}

/// A line of /proc/self/status in bytes; 0 if it is not there.
std::uint64_t status_bytes(const char* name) {
  std::FILE* file = std::fopen("/proc/self/status", "re");
  if (file == nullptr) return 0;
  char line[256];
  unsigned long long value = 0;
  const std::size_t size = std::strlen(name);
  while (value == 0 && std::fgets(line, sizeof line, file) != nullptr) {
    if (std::strncmp(line, name, size) == 0) (void)std::sscanf(line + size, ": %llu kB", &value);
  }
  std::fclose(file);
  return value * kibibyte;
}

}  // namespace

std::uint64_t cpu_micros_of(const rusage& usage) {
  return micros_of(usage.ru_utime) + micros_of(usage.ru_stime);
}

void limit_job(const WorkerJob& job) {
  // The kernel counts whole seconds of the process, this job's and all before it.
  set_soft_limit(RLIMIT_CPU, (cpu_micros() + million - 1) / million + job.cpu_seconds);
  set_soft_limit(RLIMIT_AS, job.memory_bytes);
  // One byte more than allowed, so that a cut-off file is told from one that just fits.
  set_soft_limit(RLIMIT_FSIZE, job.output_bytes + 1);
}

JobCost::JobCost() : cpu_before_(cpu_micros()), peak_is_fresh_(reset_peak()) {}

void JobCost::fill(WorkerAnswer& answer) const {
  answer.cpu_micros = cpu_micros() - cpu_before_;
  answer.resident_bytes = status_bytes("VmRSS");
  answer.memory_bytes = peak_is_fresh_ ? status_bytes("VmHWM") : 0;
  if (answer.memory_bytes != 0) return;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  answer.memory_bytes = static_cast<std::uint64_t>(usage.ru_maxrss) * kibibyte;
}

}  // namespace pixmesh

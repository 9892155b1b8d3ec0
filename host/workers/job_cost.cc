#include "host/workers/job_cost.h"

#include <sys/resource.h>

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

void set_limit(int resource, std::uint64_t value, LimitHold hold) {
  rlimit limit{};
  if (getrlimit(static_cast<__rlimit_resource>(resource), &limit) != 0) return;
  limit.rlim_cur = value < limit.rlim_max ? value : limit.rlim_max;
  if (hold == LimitHold::for_good) limit.rlim_max = limit.rlim_cur;
  setrlimit(static_cast<__rlimit_resource>(resource), &limit);
}

}  // namespace

std::uint64_t cpu_micros_of(const rusage& usage) {
  return micros_of(usage.ru_utime) + micros_of(usage.ru_stime);
}

void limit_job(const WorkerJob& job, LimitHold hold) {
  // The kernel counts whole seconds of the process, this job's and all before it. At a limit that
  // is also the hard one it would kill without the signal that tells why.
  set_limit(RLIMIT_CPU, (cpu_micros() + million - 1) / million + job.cpu_seconds,
            LimitHold::for_this_job);
  set_limit(RLIMIT_AS, job.memory_bytes, hold);
  // One byte more than allowed, so that a cut-off file is told from one that just fits.
  set_limit(RLIMIT_FSIZE, job.output_bytes + 1, hold);
}

JobCost::JobCost() : cpu_before_(cpu_micros()) {}

void JobCost::fill(WorkerAnswer& answer) const {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  answer.cpu_micros = cpu_micros_of(usage) - cpu_before_;
  answer.memory_bytes = static_cast<std::uint64_t>(usage.ru_maxrss) * kibibyte;
}

}  // namespace pixmesh

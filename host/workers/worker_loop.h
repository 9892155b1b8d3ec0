#pragma once

#include <functional>

#include "host/workers/worker_job.h"

namespace pixmesh {

enum class JobIsolation {
  shared,  // one process does all jobs
  forked,  // each job has a process, forked from this one, which never saw an image
};

/// Does one job. Its words about a failure go to stderr. @returns an exit status below 128.
using DoJob = std::function<int(const WorkerJob& job, int input, int output)>;

/// A worker's life: greets the node at the other end of the socket on stdin, then does the jobs
/// that come, one after the other and each within its limits, until the node closes its end. With
/// `forked` this process has one thread. @returns the exit code of the process.
[[nodiscard]] int serve_jobs(JobIsolation isolation, const DoJob& do_job);

}  // namespace pixmesh

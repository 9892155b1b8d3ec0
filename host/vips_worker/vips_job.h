#pragma once

#include "host/workers/worker_job.h"

namespace pixmesh {

/// What libvips does once per process, before any job. @returns whether it works.
/// @param program  argv[0]
[[nodiscard]] bool open_vips(const char* program);

/// Does one job: what `vips` or `vipsthumbnail` would do with the same words, except that the
/// image is read from and written to descriptors. What is wrong goes to stderr.
/// @returns 0, 1 for a failure, worker_exit_not_known for an operation of another form.
[[nodiscard]] int run_vips_job(const WorkerJob& job, int input, int output);

}  // namespace pixmesh

#include "host/workers/worker_job.h"

#include <doctest/doctest.h>

using namespace pixmesh;

namespace {

WorkerJob sample_job() {
  WorkerJob job;
  job.operation = "resize";
  job.arguments = {"0.5", ""};
  job.options = {{"kernel", "cubic"}, {"gap", "2"}};
  job.save_options = "[Q=85]";
  job.output_extension = "jpg";
  job.fast_shrink_on_load = true;
  job.cpu_seconds = 120;
  job.memory_bytes = 1ULL << 40;
  job.output_bytes = 7;
  return job;
}

}  // namespace

TEST_CASE("host_tools: a job arrives at a worker as it was sent") {
  const auto bytes = job_bytes_of(sample_job());
  REQUIRE(bytes.has_value());
  CHECK(job_of(*bytes) == sample_job());
}

TEST_CASE("host_tools: bytes that are cut off, longer or of absurd sizes are no job") {
  const std::string bytes = job_bytes_of(sample_job()).value();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CHECK_FALSE(job_of(bytes.substr(0, size)).has_value());
  }
  CHECK_FALSE(job_of(bytes + "x").has_value());
  CHECK_FALSE(job_of(std::string(80, '\xff')).has_value());
  WorkerJob large = sample_job();
  large.save_options.assign(worker_job_bytes_max, 'x');
  CHECK_FALSE(job_bytes_of(large).has_value());
}

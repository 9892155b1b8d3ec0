#pragma once

#include <poll.h>

#include <cstdint>
#include <filesystem>
#include <list>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "host/tools/native_worker.h"

namespace pixmesh {

struct NativeWorkersOptions {
  std::string program;  // pixmesh-vips-worker; empty: there are no workers
  bool fork_per_job = false;
  std::string launcher;                           // the path of pixmesh-launch
  std::optional<Sandbox> sandbox{};               // none: workers run without one
  std::optional<MemoryGroups> memory_groups{};    // none: each process of theirs is bounded alone
  std::filesystem::path scratch;                  // for folders named run-worker-N
  std::uint32_t ready = 1;                        // workers kept, busy ones counted
  std::uint32_t jobs_max = 1'000;                 // then a worker makes place for a new one
  std::uint64_t resident_bytes_max = 128U << 20;  // that a worker keeps after a job: likewise
  std::uint64_t memory_bytes_max = worker_memory_bytes_max;
  std::uint64_t output_bytes_max = worker_output_bytes_max;
  Duration start_pause = 30s;  // after one that ended before it was ready
};

/// The workers of a node: `ready` of them are started before they are needed.
///
/// A run is a worker's when its recipe says so and its command line is one that a worker reads. It
/// goes to a worker that is ready, or to one that is being started; else a further one is started.
/// One that ended, kept too much memory or did `jobs_max` jobs is followed by a new one. A worker
/// that ends with a job is that job's end, as with a tool; but one that ends before it was ready
/// gives its job back, and so does one that does not know the operation. Whoever gets it back lets
/// the command line do it, but for what no command line can do (`ToolRun::fast_shrink_on_load`).
/// Used by one thread.
class NativeWorkers {
 public:
  explicit NativeWorkers(NativeWorkersOptions options);

  /// Gives it to a worker. @returns false: no worker does it.
  [[nodiscard]] bool take(const ToolRun& tool, const NativeFiles& files, Instant now);
  /// Kills the worker that has the run. @returns whether there is one.
  bool stop(RunId run, ToolEnd why);
  [[nodiscard]] bool has(RunId run) const;
  /// All of them make place for new ones; who has a job, after that.
  void renew(Instant now);

  /// Adds the descriptors to be polled; `serve` gets them back in the same order.
  void watch(std::vector<pollfd>& watched) const;
  /// Nothing was taken or stopped between `watch` and this.
  [[nodiscard]] std::vector<NativeOutcome> serve(std::span<const pollfd> watched, Instant now);
  /// When a run's time is over.
  [[nodiscard]] std::optional<Instant> next_deadline() const;

 private:
  using Workers = std::list<NativeWorker>;

  [[nodiscard]] NativeWorker* start_one(Instant now);
  [[nodiscard]] NativeWorker* choose(Instant now);
  void keep_ready(Instant now);
  [[nodiscard]] bool is_worn(const NativeWorker& worker) const;
  [[nodiscard]] std::optional<NativeOutcome> serve_one(NativeWorker& worker,
                                                       std::span<const pollfd> watched,
                                                       Instant now);

  NativeWorkersOptions options_;
  Workers workers_;
  std::uint64_t started_ = 0;
  Instant next_start_{};  // not before
};

}  // namespace pixmesh

#include "host/tools/native_workers.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "host/system/clocks.h"
#include "processing/vips_command.h"

namespace pixmesh {
namespace {

constexpr std::size_t descriptors_each = 3;

/// Workers live long, and nodes of one machine may run as one user: so that the kernel does not
/// count their tasks together the node's process is part of the number. Of 900 runs one has the
/// same user as a worker; the two then share the limit of tasks, nothing else.
std::uint64_t number_of(std::uint64_t started) {
  constexpr std::uint64_t above_runs = 20'000'000, nodes = 20'000, workers = 1'000;
  return above_runs + static_cast<std::uint64_t>(getpid()) % nodes * workers + started % workers;
}

std::optional<WorkerJob> worker_job_of(const ToolRun& tool) {
  const bool streams = tool.input_on_stdin || tool.output_on_stdout;
  if (tool.engine != ToolEngine::vips || streams || tool.vips_modules) return std::nullopt;
  Result<VipsCommand> command = parse_vips_command(tool.argv);
  if (!command) return std::nullopt;
  WorkerJob job;
  job.operation = command->operation;
  job.arguments = command->arguments;
  job.options = command->options;
  job.save_options = command->save_options;
  job.output_extension = tool.output_extension;
  job.fast_shrink_on_load = tool.fast_shrink_on_load;
  return job;
}

}  // namespace

NativeWorkers::NativeWorkers(NativeWorkersOptions options) : options_(std::move(options)) {
  keep_ready(monotonic_now());
}

NativeWorker* NativeWorkers::start_one(Instant now) {
  if (options_.program.empty() || now < next_start_) return nullptr;
  ++started_;
  NativeWorkerStart how;
  how.program = options_.program;
  how.fork_per_job = options_.fork_per_job;
  how.launcher = options_.launcher;
  how.sandbox = options_.sandbox;
  how.number = number_of(started_);
  how.folder = options_.scratch / ("run-worker-" + std::to_string(started_));
  how.memory_bytes_max = options_.memory_bytes_max;
  how.output_bytes_max = options_.output_bytes_max;
  std::optional<MemoryGroup> bound;
  if (options_.memory_groups) {
    auto made = options_.memory_groups->take(options_.memory_bytes_max + SandboxView{}.temp_bytes);
    if (made) bound.emplace(std::move(made).value());
  }
  Result<NativeWorker> started = NativeWorker::start(how, std::move(bound));
  if (!started) {
    next_start_ = now + options_.start_pause;
    return nullptr;
  }
  return &workers_.emplace_back(std::move(started).value());
}

void NativeWorkers::keep_ready(Instant now) {
  while (workers_.size() < options_.ready) {
    if (start_one(now) == nullptr) return;
  }
}

NativeWorker* NativeWorkers::choose(Instant now) {
  NativeWorker* starting = nullptr;
  for (NativeWorker& worker : workers_) {
    if (!worker.free()) continue;
    if (worker.ready()) return &worker;
    starting = &worker;
  }
  return starting != nullptr ? starting : start_one(now);
}

bool NativeWorkers::take(const ToolRun& tool, const NativeFiles& files, Instant now) {
  const bool within = tool.limits.memory_bytes <= options_.memory_bytes_max &&
                      tool.limits.output_bytes <= options_.output_bytes_max;
  if (options_.program.empty() || !within) return false;
  const std::optional<WorkerJob> job = worker_job_of(tool);
  if (!job) return false;
  NativeWorker* worker = choose(now);
  return worker != nullptr && worker->give(tool, *job, files, now).has_value();
}

bool NativeWorkers::stop(RunId run, ToolEnd why) {
  const auto found = std::ranges::find(workers_, std::optional(run), &NativeWorker::run);
  if (found == workers_.end()) return false;
  found->stop(why);
  return true;
}

bool NativeWorkers::has(RunId run) const {
  return std::ranges::find(workers_, std::optional(run), &NativeWorker::run) != workers_.end();
}

void NativeWorkers::renew(Instant now) {
  workers_.remove_if([](const NativeWorker& worker) { return worker.free(); });
  for (NativeWorker& worker : workers_) worker.retire();
  keep_ready(now);
}

void NativeWorkers::watch(std::vector<pollfd>& watched) const {
  for (const NativeWorker& worker : workers_) {
    watched.push_back({worker.ended(), POLLIN, 0});
    watched.push_back({worker.answers(), POLLIN, 0});
    watched.push_back({worker.errors(), POLLIN, 0});
  }
}

std::optional<Instant> NativeWorkers::next_deadline() const {
  std::optional<Instant> next;
  for (const NativeWorker& worker : workers_) {
    const std::optional<Instant> deadline = worker.wall_deadline();
    if (deadline) next = next ? std::min(*next, *deadline) : deadline;
  }
  return next;
}

bool NativeWorkers::is_worn(const NativeWorker& worker) const {
  const bool surplus = workers_.size() > options_.ready;
  return worker.free() && worker.ready() &&
         (worker.retired() || worker.jobs_done() >= options_.jobs_max ||
          worker.resident_bytes() > options_.resident_bytes_max ||
          (surplus && worker.jobs_done() > 0));
}

std::optional<NativeOutcome> NativeWorkers::serve_one(NativeWorker& worker,
                                                      std::span<const pollfd> watched,
                                                      Instant now) {
  if (watched[2].revents != 0) worker.read_errors();
  const auto deadline = worker.wall_deadline();
  if (deadline && now >= *deadline) worker.stop(ToolEnd::wall_limit);
  return watched[1].revents != 0 ? worker.on_answer(now) : std::nullopt;
}

std::vector<NativeOutcome> NativeWorkers::serve(std::span<const pollfd> watched, Instant now) {
  std::vector<NativeOutcome> outcomes;
  for (auto next = workers_.begin(); next != workers_.end();) {
    const auto current = next++;
    const bool ended = watched[0].revents != 0;
    auto outcome =
        ended ? current->on_ended(now) : serve_one(*current, watched.first(descriptors_each), now);
    watched = watched.subspan(descriptors_each);
    if (outcome) outcomes.push_back(std::move(*outcome));
    if (ended && !current->ready() && !current->killed()) next_start_ = now + options_.start_pause;
    if (ended || is_worn(*current)) workers_.erase(current);
  }
  keep_ready(now);
  return outcomes;
}

}  // namespace pixmesh

#include "host/tools/process_executor.h"

#include <poll.h>

#include <algorithm>
#include <map>
#include <set>
#include <span>
#include <system_error>
#include <utility>

#include "host/system/clocks.h"
#include "host/system/signals.h"
#include "host/tools/launch_command.h"
#include "host/tools/magick_policy.h"
#include "host/tools/tool_folder.h"
#include "host/tools/tool_process.h"

namespace pixmesh {
namespace {

Result<ToolPlace> place_of(const ProcessExecutorOptions& options) {
  const std::optional<std::string> launcher = find_launcher();
  if (!launcher) {
    return Error{ErrorCode::failed,
                 "the program pixmesh-launch, which starts tools, is not beside this one"};
  }
  ToolPlace place;
  place.tool_path = options.tool_path;
  place.launcher = *launcher;
  place.magick_policy = options.scratch / "policy";
  place.sandbox = options.sandbox;
  place.memory_groups = options.memory_groups;
  if (const auto written = write_magick_policy(place.magick_policy); !written) {
    return written.error();
  }
  return place;
}

}  // namespace

/// What the one thread knows. Descriptors to poll lie in the order: wake, then each run's end and
/// stderr, then those of the shells and of the native workers; nothing changes between filling and
/// reading them.
class ProcessExecutor::Supervisor {
 public:
  Supervisor(ProcessExecutorOptions options, ToolPlace place, EventSink& events)
      : options_(std::move(options)),
        place_(std::move(place)),
        events_(events),
        native_(options_.native),
        shells_(place_, options_.scratch,
                [this](std::uint32_t disk) { return disk_folder(disk); }) {}
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;
  ~Supervisor();

  void obey(const ToolRun& tool);
  void obey(const Cancel& order);
  void obey(const Discard& order);
  void obey(const RenewWorkers&) { native_.renew(monotonic_now()); }
  void obey(const ShellOrder& order) { shells_.obey(order); }
  void obey(const Stop&) { stopping_ = true; }

  void wait(int wake);
  [[nodiscard]] bool stopping() const { return stopping_; }

 private:
  [[nodiscard]] std::filesystem::path disk_folder(std::uint32_t disk) const;
  [[nodiscard]] Result<ToolProcess> start(const ToolRun& tool);
  void begin(const ToolRun& tool);
  void report_not_started(RunId run, const Error& why);
  [[nodiscard]] int wait_milliseconds(Instant now) const;
  void serve(const std::vector<pollfd>& watched, Instant now);
  void report(ToolReport report);

  ProcessExecutorOptions options_;
  ToolPlace place_;
  EventSink& events_;
  NativeWorkers native_;
  ShellProcesses shells_;
  std::map<RunId, ToolProcess> running_;
  std::set<RunId> unwanted_;  // runs whose folder goes as soon as they end
  bool stopping_ = false;
};

ProcessExecutor::Supervisor::~Supervisor() {
  for (auto& [run, process] : running_) process.stop(ToolEnd::cancelled);
  for (auto& [run, process] : running_) (void)process.finish(monotonic_now());
  running_.clear();
  clear_tool_folders(options_.scratch);
  std::error_code ignored;
  std::filesystem::remove_all(place_.magick_policy, ignored);
}

std::filesystem::path ProcessExecutor::Supervisor::disk_folder(std::uint32_t disk) const {
  invariant(options_.folder_of || disk < options_.disks.size(),
            "a run's disk is one of this node's");
  return options_.folder_of ? options_.folder_of(disk) : options_.disks[disk];
}

Result<ToolProcess> ProcessExecutor::Supervisor::start(const ToolRun& tool) {
  invariant(!tool.argv.empty(), "a run has a program");
  Result<ToolFolder> folder = make_tool_folder(options_.scratch, disk_folder(tool.disk), tool);
  if (!folder) return folder.error();
  const Result<std::string> program = program_of(place_, tool);
  if (!program) return program.error();
  return ToolProcess::start(place_, tool, program.value(), std::move(folder).value(),
                            monotonic_now());
}

void ProcessExecutor::Supervisor::obey(const ToolRun& tool) {
  invariant(!running_.contains(tool.run), "a run id is used once");
  const Result<NativeFiles> files = native_files_of(options_.scratch, disk_folder(tool.disk), tool);
  if (!files) return report_not_started(tool.run, files.error());
  if (!native_.take(tool, files.value(), monotonic_now())) begin(tool);
}

// No worker does it.
void ProcessExecutor::Supervisor::begin(const ToolRun& tool) {
  if (tool.fast_shrink_on_load) {
    return report_not_started(
        tool.run, {ErrorCode::failed, "no native worker can do it here, and nothing else could"});
  }
  Result<ToolProcess> started = start(tool);
  if (!started) return report_not_started(tool.run, started.error());
  running_.emplace(tool.run, std::move(started).value());
}

void ProcessExecutor::Supervisor::report_not_started(RunId run, const Error& why) {
  ToolReport failed;
  failed.run = run;
  failed.end = ToolEnd::not_started;
  failed.error_text = why.detail;
  report(std::move(failed));
}

void ProcessExecutor::Supervisor::obey(const Cancel& order) {
  if (native_.stop(order.run, ToolEnd::cancelled)) return;
  const auto found = running_.find(order.run);
  if (found != running_.end()) found->second.stop(ToolEnd::cancelled);
}

void ProcessExecutor::Supervisor::obey(const Discard& order) {
  if (!running_.contains(order.run) && !native_.has(order.run)) {
    return remove_tool_folder(options_.scratch, order.run);
  }
  unwanted_.insert(order.run);
  obey(Cancel{order.run});
}

int ProcessExecutor::Supervisor::wait_milliseconds(Instant now) const {
  if (shells_.has_orders()) return 0;
  std::optional<Instant> next = native_.next_deadline();
  for (const auto& [run, process] : running_) {
    const auto deadline = process.wall_deadline();
    if (deadline) next = next ? std::min(*next, *deadline) : deadline;
  }
  if (!next) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - now).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

void ProcessExecutor::Supervisor::wait(int wake) {
  std::vector<pollfd> watched{{wake, POLLIN, 0}};
  for (const auto& [run, process] : running_) {
    watched.push_back({process.ended(), POLLIN, 0});
    watched.push_back({process.errors(), POLLIN, 0});  // poll passes over -1
  }
  shells_.watch(watched);
  native_.watch(watched);
  (void)poll(watched.data(), watched.size(), wait_milliseconds(monotonic_now()));
  serve(watched, monotonic_now());
}

void ProcessExecutor::Supervisor::serve(const std::vector<pollfd>& watched, Instant now) {
  std::size_t at = 1;
  for (auto next = running_.begin(); next != running_.end();) {
    const auto current = next++;
    ToolProcess& process = current->second;
    const bool ended = watched[at].revents != 0;
    if (watched[at + 1].revents != 0) process.read_errors();
    at += 2;
    const auto deadline = process.wall_deadline();
    if (!ended && deadline && now >= *deadline) process.stop(ToolEnd::wall_limit);
    if (!ended) continue;
    ToolReport finished = process.finish(now);
    running_.erase(current);
    report(std::move(finished));
  }
  const auto of_shells = std::span(watched).subspan(at);
  const auto of_workers = of_shells.subspan(shells_.watched_count());
  for (ShellNews& news : shells_.serve(of_shells)) events_.post(std::move(news));
  for (NativeOutcome& outcome : native_.serve(of_workers, now)) {
    if (auto* report_made = std::get_if<ToolReport>(&outcome)) {
      report(std::move(*report_made));
    } else if (auto* back = std::get_if<GivenBack>(&outcome)) {
      begin(back->tool);
    }
  }
}

void ProcessExecutor::Supervisor::report(ToolReport report) {
  if (unwanted_.erase(report.run) > 0) {
    remove_tool_folder(options_.scratch, report.run);
    report.output_path.clear();
    report.output_size = 0;
  }
  events_.post(ToolEnded{std::move(report)});
}

Result<std::unique_ptr<ProcessExecutor>> ProcessExecutor::open(ProcessExecutorOptions options,
                                                               EventSink& events) {
  options.scratch = std::filesystem::absolute(options.scratch).lexically_normal();
  if (!is_safe_tool_path(options.scratch)) {
    return Error{ErrorCode::usage, "image tools would misread the folder name '" +
                                       options.scratch.string() +
                                       "'; use letters, digits and . _ + - @ only"};
  }
  std::error_code error;
  std::filesystem::create_directories(options.scratch, error);
  if (error) {
    return Error{ErrorCode::failed,
                 "cannot make " + options.scratch.string() + ": " + error.message()};
  }
  clear_tool_folders(options.scratch);
  Result<ToolPlace> place = place_of(options);
  if (!place) return place.error();
  options.native.scratch = options.scratch;
  options.native.launcher = place->launcher;
  options.native.sandbox = place->sandbox;
  options.native.memory_groups = place->memory_groups;
  return std::unique_ptr<ProcessExecutor>(
      new ProcessExecutor(std::move(options), std::move(place).value(), events));
}

ProcessExecutor::ProcessExecutor(ProcessExecutorOptions options, ToolPlace place, EventSink& events)
    : thread_([this, &events, taken = std::move(options), kept = std::move(place)]() mutable {
        supervise(std::move(taken), std::move(kept), events);
      }) {}

ProcessExecutor::~ProcessExecutor() {
  give(Stop{});
  thread_.join();
}

void ProcessExecutor::run(const ToolRun& tool) { give(tool); }
void ProcessExecutor::cancel(RunId run) { give(Cancel{run}); }
void ProcessExecutor::renew_workers() { give(RenewWorkers{}); }

void ProcessExecutor::discard(RunId run) { give(Discard{run}); }

void ProcessExecutor::open_shell(const ShellStart& start) { give(ShellOrder(start)); }
void ProcessExecutor::feed_shell(RunId shell, std::string piece) {
  give(ShellOrder(FeedShell{shell, std::move(piece)}));
}
void ProcessExecutor::end_shell_input(RunId shell) { give(ShellOrder(EndShellInput{shell})); }
void ProcessExecutor::allow_shell(RunId shell, std::uint64_t pieces) {
  give(ShellOrder(AllowShell{shell, pieces}));
}
void ProcessExecutor::resize_shell(RunId shell, std::uint32_t rows, std::uint32_t columns) {
  give(ShellOrder(ResizeShell{shell, rows, columns}));
}
void ProcessExecutor::close_shell(RunId shell) { give(ShellOrder(CloseShell{shell})); }

void ProcessExecutor::give(Order order) {
  {
    const std::scoped_lock lock(mutex_);
    orders_.push_back(std::move(order));
  }
  wake_.wake();
}

std::deque<ProcessExecutor::Order> ProcessExecutor::take_orders() {
  wake_.clear();
  const std::scoped_lock lock(mutex_);
  return std::exchange(orders_, {});
}

void ProcessExecutor::supervise(ProcessExecutorOptions options, ToolPlace place,
                                EventSink& events) {
  block_signals();  // a shell that does not read its input any more is a failed write
  Supervisor supervisor(std::move(options), std::move(place), events);
  while (!supervisor.stopping()) {
    for (const Order& order : take_orders()) {
      std::visit([&supervisor](const auto& one) { supervisor.obey(one); }, order);
    }
    if (!supervisor.stopping()) supervisor.wait(wake_.fd());
  }
}

}  // namespace pixmesh

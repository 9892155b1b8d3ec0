#pragma once

#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "base/events.h"
#include "base/executor.h"
#include "base/result.h"
#include "base/shell_host.h"
#include "host/system/program_path.h"
#include "host/system/wake_fd.h"
#include "host/tools/memory_groups.h"
#include "host/tools/native_workers.h"
#include "host/tools/sandbox.h"
#include "host/tools/shell_processes.h"
#include "host/tools/tool_place.h"

namespace pixmesh {

struct ProcessExecutorOptions {
  std::vector<std::filesystem::path> disks;  // the disks' folders, in the order of ToolRun::disk
  /// The folder of any disk, where they become more; none: `disks` has all. Called on any thread.
  std::function<std::filesystem::path(std::uint32_t disk)> folder_of{};
  // For the runs' folders; made if it is not there, and emptied of earlier runs. Best on the disks'
  // own device: then a run's input is a hard link and stays even if the image is removed meanwhile.
  std::filesystem::path scratch;
  std::string tool_path = std::string(standard_tool_path);
  std::optional<Sandbox> sandbox{};  // none: tools run without one
  // Of workers and shells; none: each of their processes is bounded alone.
  std::optional<MemoryGroups> memory_groups{};
  NativeWorkersOptions native{};  // scratch, sandbox and memory groups are those from above
};

/// Runs tools as processes, each in a folder, a process group and limits of its own.
///
/// One thread starts, watches and ends all of them:
///
///   run ──► folder, start ──► polls its end, its stderr, its wall limit ──► ToolEnded
///                                      ▲ cancel                                discard ──► gone
///
/// Shells (shell_process.h) are watched by the same thread.
///
/// How many run at one time is the caller's business (processing/lanes). Every run is answered by
/// exactly one ToolEnded, unless the executor is destroyed before. A run's folder stays until
/// `discard`, whatever its end. Calls from any thread.
class ProcessExecutor final : public Executor, public ShellHost {
 public:
  /// Errors: usage — a path that image tools would misread (see is_safe_tool_path); failed,
  /// no_space — the scratch folder cannot be made, or pixmesh-launch is missing.
  /// @param events  outlives the executor.
  [[nodiscard]] static Result<std::unique_ptr<ProcessExecutor>> open(ProcessExecutorOptions options,
                                                                     EventSink& events);
  /// Kills every run, waits for its end and removes its folder.
  ~ProcessExecutor() override;

  void run(const ToolRun& tool) override;
  void cancel(RunId run) override;
  void discard(RunId run) override;
  /// Native workers make place for new ones, each after the job that it has: what they have loaded
  /// may have been replaced.
  void renew_workers();

  void open_shell(const ShellStart& start) override;
  void feed_shell(RunId shell, std::string piece) override;
  void end_shell_input(RunId shell) override;
  void allow_shell(RunId shell, std::uint64_t pieces) override;
  void resize_shell(RunId shell, std::uint32_t rows, std::uint32_t columns) override;
  void close_shell(RunId shell) override;

 private:
  struct Cancel {
    RunId run;
  };
  struct Discard {
    RunId run;
  };
  struct RenewWorkers {};
  struct Stop {};
  using Order = std::variant<ToolRun, Cancel, Discard, RenewWorkers, ShellOrder, Stop>;
  class Supervisor;

  ProcessExecutor(ProcessExecutorOptions options, ToolPlace place, EventSink& events);
  void give(Order order);
  [[nodiscard]] std::deque<Order> take_orders();
  void supervise(ProcessExecutorOptions options, ToolPlace place, EventSink& events);

  WakeFd wake_;
  std::mutex mutex_;
  std::deque<Order> orders_;  // guarded by mutex_
  std::thread thread_;        // last: it uses the rest
};

}  // namespace pixmesh

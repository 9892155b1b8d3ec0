#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <variant>

#include "base/executor.h"
#include "base/result.h"
#include "base/time.h"
#include "host/system/file_handle.h"
#include "host/tools/error_pipe.h"
#include "host/tools/memory_groups.h"
#include "host/tools/process_group.h"
#include "host/tools/process_memory.h"
#include "host/tools/sandbox.h"
#include "host/tools/tool_folder.h"
#include "host/workers/worker_job.h"

namespace pixmesh {

/// A run that no worker did, and of which nothing is left.
struct GivenBack {
  ToolRun tool;
};
using NativeOutcome = std::variant<ToolReport, GivenBack>;

struct NativeWorkerStart {
  std::string program;               // absolute
  bool fork_per_job = false;         // each job in a process forked from one that saw no image
  std::string launcher;              // pixmesh-launch
  std::optional<Sandbox> sandbox{};  // none: it runs without one
  std::uint64_t number = 0;          // different for each worker of a node
  std::filesystem::path folder;      // of its own, made and removed here; there libvips puts aside
                                     // what it must, unless a sandbox gives it a /tmp
  // Hard limits that no job's are above, for a worker that an image has taken over.
  std::uint64_t memory_bytes_max = 0;
  std::uint64_t output_bytes_max = 0;
};

/// One process of pixmesh-vips-worker, which does one job at a time.
///
///   start ─► greets ─► idle ─► give(job, open input, open output) ─► answers ─► idle
///
/// It is a process group like a tool's, and a job is ended like a tool: by killing the group. In a
/// sandbox it sees programs, libraries and a /tmp of its own, and no file but those that come open
/// with its jobs. Used by one thread, which polls the three descriptors and calls back here.
class NativeWorker {
 public:
  /// Starts it; it is not ready yet.
  /// @param bound  around all its processes; none: each is bounded alone.
  /// Errors: failed, no_space.
  [[nodiscard]] static Result<NativeWorker> start(const NativeWorkerStart& how,
                                                  std::optional<MemoryGroup> bound = {});
  NativeWorker(NativeWorker&& other) noexcept;
  NativeWorker& operator=(NativeWorker&&) = delete;
  /// Kills it.
  ~NativeWorker();

  [[nodiscard]] int ended() const { return group_.descriptor(); }
  [[nodiscard]] int answers() const { return socket_.descriptor(); }
  [[nodiscard]] int errors() const { return errors_.reading(); }  // -1 once it is closed

  [[nodiscard]] bool ready() const { return ready_; }
  [[nodiscard]] bool free() const { return !job_ && !killed_; }
  /// From here; its end is still to come.
  [[nodiscard]] bool killed() const { return killed_; }
  [[nodiscard]] std::optional<RunId> run() const;
  /// Of its job, unless that was stopped: then its end is all that comes.
  [[nodiscard]] std::optional<Instant> wall_deadline() const;
  /// It gets no job after the one that it has.
  void retire() { retired_ = true; }
  [[nodiscard]] bool retired() const { return retired_; }
  [[nodiscard]] std::uint32_t jobs_done() const { return jobs_done_; }
  [[nodiscard]] std::uint64_t resident_bytes() const { return resident_bytes_; }

  /// Gives it a job; it is free. Before it is ready the job waits in its socket.
  /// Errors: failed — it is gone, or a file cannot be opened; the run is not its.
  [[nodiscard]] Result<Done> give(const ToolRun& tool, WorkerJob job, const NativeFiles& files,
                                  Instant now);

  /// Kills the group for the sake of its job; `why` is the report's end, as in ToolProcess.
  void stop(ToolEnd why);

  void read_errors() { errors_.read(); }
  /// When `answers` is readable. @returns the end of its job, if that is what came.
  [[nodiscard]] std::optional<NativeOutcome> on_answer(Instant now);
  /// When `ended` is readable, once; only the destructor may follow. @returns as on_answer.
  [[nodiscard]] std::optional<NativeOutcome> on_ended(Instant now);

 private:
  struct Job {
    ToolRun tool;
    std::filesystem::path output;
    Instant started;
    std::optional<ToolEnd> stopped;
    std::uint64_t kills_before = 0;  // as `kills` told when it began
  };

  NativeWorker(std::optional<MemoryGroup> bound, ProcessGroup group, FileHandle socket,
               ErrorPipe errors, FileHandle launch_report, const NativeWorkerStart& how);
  void kill();
  [[nodiscard]] std::uint64_t kills() const { return bound_ ? bound_->kills() : 0; }
  void on_greeting(int process);
  [[nodiscard]] NativeOutcome give_back();
  [[nodiscard]] ToolReport report(int wait_status, Duration cpu, std::uint64_t memory_bytes,
                                  Instant now);

  std::optional<MemoryGroup> bound_;  // goes after its processes
  ProcessGroup group_;
  FileHandle socket_;
  ErrorPipe errors_;
  FileHandle launch_report_;
  std::filesystem::path folder_;  // empty once moved away
  bool forks_ = false;
  ProcessMemory memory_;  // of the process that does the jobs; of none if it forks for them
  bool ready_ = false;
  bool killed_ = false;
  bool retired_ = false;
  std::optional<Job> job_;
  std::uint32_t jobs_done_ = 0;
  Duration cpu_done_{};
  std::uint64_t resident_bytes_ = 0;
};

}  // namespace pixmesh

#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/executor.h"
#include "base/result.h"
#include "base/time.h"
#include "host/system/file_handle.h"
#include "host/tools/error_pipe.h"
#include "host/tools/launch_report.h"
#include "host/tools/process_group.h"
#include "host/tools/tool_folder.h"
#include "host/tools/tool_place.h"

namespace pixmesh {

/// One run of a tool from its start to its report. Used by one thread, which polls `ended` and
/// `errors` and calls back here.
class ToolProcess {
 public:
  /// Starts it in its folder.
  /// @param program  what program_of tells.
  /// Errors: failed, not_found, no_space: it does not run, in words for the report.
  [[nodiscard]] static Result<ToolProcess> start(ToolPlace& place, const ToolRun& tool,
                                                 const std::string& program, ToolFolder folder,
                                                 Instant now);

  [[nodiscard]] RunId run() const { return run_; }
  [[nodiscard]] int ended() const { return group_.descriptor(); }
  [[nodiscard]] int errors() const { return errors_.reading(); }  // -1 once it is closed
  /// None once it was stopped: its end is all that comes.
  [[nodiscard]] std::optional<Instant> wall_deadline() const {
    return stopped_ ? std::nullopt : std::optional(started_ + limits_.wall);
  }

  /// Takes what stands in the pipe of its stderr, keeping the last error_bytes_max bytes.
  void read_errors() { errors_.read(); }

  /// Kills the group; `why` is the report's end unless it had ended by itself before (a cancelled
  /// run is always reported as cancelled).
  void stop(ToolEnd why);

  /// Call it when `ended` is readable, or after `stop`; then it may wait for the kernel's kill.
  /// What a run took is known unless it was killed from here.
  [[nodiscard]] ToolReport finish(Instant now);

 private:
  ToolProcess(const ToolRun& tool, std::string program, ToolFolder folder,
              std::optional<MemoryGroup> memory, ProcessGroup group, ErrorPipe errors,
              FileHandle report, Instant started);
  [[nodiscard]] ToolReport not_started(const std::optional<LaunchReport>& told);

  RunId run_;
  ToolLimits limits_;
  std::string program_;
  ToolFolder folder_;
  std::optional<MemoryGroup> memory_;  // goes after its processes
  ProcessGroup group_;
  ErrorPipe errors_;
  FileHandle report_;
  Instant started_;
  std::optional<ToolEnd> stopped_;
};

/// What a run's outward signs say about its end.
struct ToolSigns {
  int wait_status = 0;
  std::optional<ToolEnd> stopped;  // why we killed it, if we did
  Duration cpu{};
  std::optional<std::uint64_t> output_size;
  std::string_view error_text;
  bool ran_out_of_memory = false;  // its control group says that the kernel killed one of it
};

/// A program that meets its memory limit sees only a failed allocation, so `memory_limit` is told
/// from its last words; `cpu_limit` and `output_limit` from the signal or from the figures.
[[nodiscard]] ToolEnd tool_end_of(const ToolSigns& signs, const ToolLimits& limits);

}  // namespace pixmesh

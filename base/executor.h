#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/time.h"

namespace pixmesh {

/// What a tool may use. Whatever goes over is killed with its whole process group.
struct ToolLimits {
  Duration wall = 60s;
  Duration cpu = 120s;                      // user + system, per process
  std::uint64_t memory_bytes = 2ULL << 30;  // address space, per process
  std::uint64_t output_bytes = 256ULL << 20;
  friend bool operator==(const ToolLimits&, const ToolLimits&) = default;
};

// What a libvips worker gives a run at most; one that may take more is left to its command.
inline constexpr std::uint64_t worker_memory_bytes_max = 8ULL << 30;
inline constexpr std::uint64_t worker_output_bytes_max = 1ULL << 30;

/// Who does the work of a command line.
enum class ToolEngine : std::uint8_t {
  command,  // the program that it names
  vips,     // a libvips worker of the node, where there is one; the same pixels as the program's
};

/// One start of a command-line tool on a stored file. `{in}` and `{out}` in argv are whole
/// arguments or parts of one (`{out}[Q=85]`); the executor puts its own absolute paths there.
struct ToolRun {
  RunId run;
  std::vector<std::string> argv;
  std::string input_path;       // relative to the disk's folder; opened read-only
  std::string input_extension;  // the name the tool sees ends in it: "jpg"
  std::string output_extension;
  bool input_on_stdin = false;    // then `{in}` does not occur
  bool output_on_stdout = false;  // then `{out}` does not occur
  bool vips_modules = false;      // libvips may load its plug-ins
  std::uint32_t disk = 0;         // index of the disk that holds the input
  ToolLimits limits;
  ToolEngine engine = ToolEngine::command;
  bool fast_shrink_on_load = false;  // as of a recipe: no command can do it
};

enum class ToolEnd : std::uint8_t {
  finished,     // exit status 0 and an output within its limit
  exit_status,  // another exit status; see `detail`
  killed,       // a signal that was not ours
  wall_limit,
  cpu_limit,
  memory_limit,  // as far as it can be told
  output_limit,
  no_output,    // exit status 0 but nothing was written
  not_started,  // the program does not exist or cannot run here
  cancelled,
};

/// Comes back as the event `ToolEnded`.
struct ToolReport {
  RunId run;
  ToolEnd end = ToolEnd::finished;
  int exit_status = 0;      // or the signal, for `killed`
  std::string error_text;   // the last error_bytes_max bytes of its stderr
  std::string output_path;  // absolute; kept until `discard(run)`
  std::uint64_t output_size = 0;
  Duration wall{};
  Duration cpu{};
  std::uint64_t memory_bytes = 0;  // at most so much was resident; 0: not known
};

/// Runs command-line tools. Calls return at once.
class Executor {
 public:
  virtual ~Executor() = default;
  virtual void run(const ToolRun& tool) = 0;
  /// Kills the run's process group; its report says `cancelled`. Unknown runs are ignored.
  virtual void cancel(RunId run) = 0;
  /// Removes the run's folder with its output.
  virtual void discard(RunId run) = 0;
};

}  // namespace pixmesh

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/executor.h"
#include "base/ids.h"

namespace pixmesh {

inline constexpr std::uint32_t shell_piece_bytes_max = 16U << 10;  // of input or output at a time
inline constexpr std::uint64_t shell_numbers = std::uint64_t{1} << 63;  // set in their RunId
inline constexpr std::uint64_t shell_pieces_max = 16;  // under way in one direction: 256 KiB

/// How a shell's terminal is at first.
struct ShellTerminal {
  std::uint32_t rows = 24;
  std::uint32_t columns = 80;
  std::string name;  // what programs find as TERM
};

/// One shell beside a stored file, in the sandbox of tools.
struct ShellStart {
  RunId shell;
  std::vector<std::string> words;         // what it runs; none: a shell that reads its input
  std::optional<ShellTerminal> terminal;  // none: pipes
  std::string input_path;                 // relative to the disk's folder; shown read-only
  std::string input_extension;
  std::uint32_t disk = 0;
  ToolLimits limits;  // the wall clock is watched by who starts it
};

struct ShellSaid {  // one piece of what it printed
  std::string bytes;
  bool is_error = false;  // stderr, where there is no terminal
};
struct ShellTook {};  // one piece of its input is written, or nobody reads it any more
/// It has ended, and nothing more comes from it.
struct ShellOver {
  ToolEnd end = ToolEnd::finished;
  int exit_status = 0;     // or the signal, for `killed`
  std::string error_text;  // why it did not start
};
/// Comes as an event.
struct ShellNews {
  RunId shell;
  std::variant<ShellSaid, ShellTook, ShellOver> what;
};

/// Runs shells. Calls return at once; every start is answered by exactly one ShellOver, unless the
/// host is destroyed before. Unknown shells are ignored.
class ShellHost {
 public:
  virtual ~ShellHost() = default;
  virtual void open_shell(const ShellStart& start) = 0;
  virtual void feed_shell(RunId shell, std::string piece) = 0;
  /// Nothing more comes; a terminal stays open.
  virtual void end_shell_input(RunId shell) = 0;
  /// @param pieces  that it may print, in all since its start; at first shell_pieces_max.
  virtual void allow_shell(RunId shell, std::uint64_t pieces) = 0;
  virtual void resize_shell(RunId shell, std::uint32_t rows, std::uint32_t columns) = 0;
  /// Kills it; what it printed and nobody has seen is dropped.
  virtual void close_shell(RunId shell) = 0;
};

}  // namespace pixmesh

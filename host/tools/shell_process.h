#pragma once

#include <poll.h>

#include <deque>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/shell_host.h"
#include "host/system/file_handle.h"
#include "host/tools/process_group.h"
#include "host/tools/tool_folder.h"
#include "host/tools/tool_place.h"

namespace pixmesh {

/// One shell from its start to its end, behind a terminal or behind three pipes. Used by one
/// thread, which polls what `watch` names and calls `serve` after every wait.
///
/// What it runs is a script that the node writes into the shell's folder and shows read-only: of
/// the words that somebody typed none reaches a command line outside of the sandbox.
///
/// Invariant: no more pieces are read than were allowed. What nobody takes stays in the kernel, and
/// the program waits.
class ShellProcess {
 public:
  static constexpr std::size_t watched_count = 4;  // end, input, output, errors

  /// Starts it in its folder. Errors: failed, no_space — it does not run.
  [[nodiscard]] static Result<ShellProcess> start(ToolPlace& place, const ShellStart& start,
                                                  ToolFolder folder);

  /// Adds watched_count descriptors; -1 for what is not to be waited for.
  void watch(std::vector<pollfd>& watched) const;
  /// Does what has become possible. @returns what is to be told; when it is over, the last one is a
  /// ShellOver.
  [[nodiscard]] std::vector<ShellNews> serve(std::span<const pollfd> watched);

  void feed(std::string piece) { pieces_.push_back(std::move(piece)); }
  void end_input() { input_ends_ = true; }
  void allow(std::uint64_t pieces) { allowed_ = std::max(allowed_, pieces); }
  void resize(std::uint32_t rows, std::uint32_t columns) const;
  /// Kills it. Nothing but its ShellOver is told from now on.
  void stop();

 private:
  ShellProcess(RunId shell, std::optional<MemoryGroup> memory, ProcessGroup group)
      : shell_(shell), memory_(std::move(memory)), group_(std::move(group)) {}

  [[nodiscard]] const FileHandle& written_to() const { return terminal_ ? output_ : input_; }
  [[nodiscard]] bool may_read() const { return said_ < allowed_; }
  void write(std::vector<ShellNews>& news);
  void read(FileHandle& from, bool is_error, std::vector<ShellNews>& news);
  void settle_input(std::vector<ShellNews>& news);
  [[nodiscard]] ShellOver outcome() const;

  RunId shell_;
  std::optional<MemoryGroup> memory_;  // goes after its processes
  ProcessGroup group_;
  bool terminal_ = false;  // then output_ is our end of it, and the next two are not there
  FileHandle output_;
  FileHandle input_;
  FileHandle errors_;
  FileHandle report_;
  std::deque<std::string> pieces_;  // of input, not written yet
  bool input_ends_ = false;
  std::uint64_t allowed_ = shell_pieces_max;
  std::uint64_t said_ = 0;
  bool stopped_ = false;
  std::optional<int> ended_;  // the leader's wait status
};

/// What the script is that such a shell runs. Every word stands in quotes.
[[nodiscard]] std::string shell_script(const ShellStart& start);

}  // namespace pixmesh

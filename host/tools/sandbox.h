#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace pixmesh {

/// A file or folder of this machine, and the absolute path at which a tool finds it.
struct SandboxBind {
  std::string outside;
  std::string inside;
};

/// What one program sees besides the system's own programs, and what it may use.
struct SandboxView {
  std::vector<SandboxBind> readable;
  std::vector<SandboxBind> writable;       // every user may write to them, by their mode
  std::uint64_t temp_bytes = 64ULL << 20;  // of /tmp, which is memory
  std::uint32_t tasks = 32;                // processes and threads at a time
  std::uint64_t number = 0;                // of the run; different ones count their tasks apart,
                                           // and shells apart from all that are none
  bool terminal = false;                   // stdin is a terminal, and becomes its own: /dev/tty
};

struct SandboxOptions {
  std::vector<std::string> folders;  // more that every tool may read, at their own paths
};

/// The walls around a tool: bubblewrap, and `pixmesh-launch` inside it as process 1.
///
///   bwrap ── new mounts, pids, network, ipc, host name, cgroup names ──► pixmesh-launch ──► tool
///
/// The tool sees: /usr with /bin, /lib and their like; what dynamic linking, fonts and Debian's
/// alternatives need of /etc; /dev/null and random bytes; a /tmp of its own, with a bound; and what
/// its SandboxView names. No /proc, no network, nobody else's process, nothing else to write to.
///
/// A node of an ordinary user makes a user namespace. One that runs as root makes none, but gives
/// each tool a user id of its own, which owns nothing, in the node's group: root itself would be
/// above the limit of tasks. Either way the tool has no capability and can gain none.
///
/// Who starts the command puts it into a session of its own (ProcessGroup does). Immutable; any
/// thread may use it.
class Sandbox {
 public:
  /// Looks what is here, and runs a program in the sandbox to see that it works: some 20 ms.
  /// Errors: failed — with the words for an operator: what to install or to say instead.
  [[nodiscard]] static Result<Sandbox> open(const SandboxOptions& options);

  /// The command line that runs the program so. Its argv[0] is bwrap's path; it expects the pipe of
  /// the report at launch_report_descriptor (launch_report.h).
  /// @param program  absolute; `shows` it.
  [[nodiscard]] std::vector<std::string> sandboxed(const SandboxView& view,
                                                   const std::string& program,
                                                   const std::vector<std::string>& argv) const;

  /// Errors: failed — a tool could not see this program, and what to say so that it can.
  [[nodiscard]] Result<Done> shows(const std::string& program) const;

  /// Whether tools run as other users than the node: then what they are to read must be open to the
  /// node's group, and what they write to all.
  [[nodiscard]] bool changes_user() const { return changes_user_; }

 private:
  Sandbox() = default;
  [[nodiscard]] Result<Done> try_out() const;

  std::string bwrap_;
  std::string launcher_;
  bool changes_user_ = false;
  std::uint32_t first_user_ = 0;  // chosen by chance: the kernel counts tasks over all nodes here
  std::vector<std::string> folders_;
  std::vector<std::string> fixed_words_;  // between bwrap's path and what the view asks for
};

}  // namespace pixmesh

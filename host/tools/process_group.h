#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/executor.h"
#include "base/result.h"
#include "host/system/file_handle.h"

namespace pixmesh {

/// How to start a program. The descriptors stay the caller's; the program sees no others.
struct ProcessStart {
  std::string program;                   // absolute path
  std::vector<std::string> argv;         // argv[0] included
  std::vector<std::string> environment;  // all of it, as "NAME=value"
  std::string folder;                    // where it runs
  int standard_input = -1;
  int standard_output = -1;
  int standard_error = -1;
  int report = -1;  // becomes launch_report_descriptor; -1: there is none
  // A control group, by one of two ways, as MemoryGroup::take_in tells; -1: none.
  int joins = -1;     // its file to which the program's process writes "0" before it starts
  int born_in = -1;   // its folder: version 2 only, where can_clone_into_groups (clone_child.h)
  ToolLimits limits;  // cpu, memory and output become rlimits; the caller watches the wall clock
};

/// A program and everything it started, as one session and process group.
///
/// The program runs at nice +10, without core dumps, without new privileges (no set-uid programs),
/// with umask 077, default signals and at most 256 descriptors. The kernel kills its leader when
/// the thread that started it ends, so a killed node leaves no tool at work; start it from a thread
/// that lives as long as its tools. Where memory runs out the kernel takes it before any other. A
/// descendant that makes a session of its own leaves the group: only a sandbox (sandbox.h) holds
/// it.
///
/// The start is clone(CLONE_VM | CLONE_VFORK), as posix_spawn(3) does it, since fork(2) copies page
/// tables: 8 ms from a process of 256 MB, 33 ms from one of 1 GB.
class ProcessGroup {
 public:
  /// Returns once the program runs. Errors: failed, naming the step and the system's words.
  [[nodiscard]] static Result<ProcessGroup> start(const ProcessStart& how);

  ProcessGroup(ProcessGroup&& other) noexcept;
  ProcessGroup& operator=(ProcessGroup&&) = delete;
  /// Kills and reaps what was not reaped.
  ~ProcessGroup();

  /// Becomes readable (poll) when the leader has ended.
  [[nodiscard]] int descriptor() const { return leader_descriptor_.descriptor(); }

  /// SIGKILL to the whole group. Harmless when it has ended already.
  void kill() const;

  /// Kills what is left of the group and waits for the leader. Call it once, when `descriptor` is
  /// readable or after `kill`; else it waits for the program's own end.
  /// @returns the leader's wait status, as of wait(2).
  int reap();

 private:
  ProcessGroup(int leader, FileHandle leader_descriptor);

  int leader_;  // process id; 0 once reaped
  FileHandle leader_descriptor_;
};

}  // namespace pixmesh

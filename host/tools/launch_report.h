#pragma once

#include <cstdint>
#include <optional>

namespace pixmesh {

/// What `pixmesh-launch` writes to its report descriptor when the tool has ended: one write of
/// plain bytes between two programs of one build on one machine.
struct LaunchReport {
  static constexpr std::uint32_t right_mark = 0x70786c31;  // "pxl1"
  enum Step : std::uint32_t { started, privileges, limit, filter, exec, fork, terminal };

  std::uint32_t mark = right_mark;
  std::uint32_t failed_step = started;  // `started`: the program ran
  std::int32_t error = 0;               // errno of the step that failed
  std::int32_t wait_status = 0;         // of the tool, as of wait(2)
  std::uint64_t cpu_microseconds = 0;   // user + system, of the tool and all that it started
  std::uint64_t memory_kibibytes = 0;   // the most that the largest of these had resident
};

/// How `pixmesh-launch` is called: these words, then the program's path and its whole argv.
///
///     pixmesh-launch REPORT TASKS USER FILTER TERMINAL /usr/bin/vips vips copy …
///
/// REPORT    descriptor of a pipe; the tool does not see it
/// TASKS     processes and threads that the tool may have, itself among them; 0: no limit
/// USER      the user id that the tool gets; 0: the launcher's own
/// FILTER    1: system calls that no image tool needs fail
/// TERMINAL  1: its stdin is a terminal, which becomes that of a session of its own
inline constexpr int launch_words = 6;

/// The descriptor that tools are started with for it.
inline constexpr int launch_report_descriptor = 3;

/// Takes the report out of a pipe that does not block; none if there is none.
[[nodiscard]] std::optional<LaunchReport> read_launch_report(int pipe);

/// The step's name for people: "exec".
[[nodiscard]] const char* launch_step_name(std::uint32_t step);

}  // namespace pixmesh

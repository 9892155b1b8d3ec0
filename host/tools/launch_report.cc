#include "host/tools/launch_report.h"

#include <unistd.h>

#include <array>
#include <cerrno>

namespace pixmesh {

std::optional<LaunchReport> read_launch_report(int pipe) {
  LaunchReport report;
  ssize_t count = 0;
  do {
    count = ::read(pipe, &report, sizeof report);
  } while (count < 0 && errno == EINTR);
  if (count != sizeof report || report.mark != LaunchReport::right_mark) return std::nullopt;
  return report;
}

const char* launch_step_name(std::uint32_t step) {
  constexpr std::array<const char*, 7> names{"start", "setresuid", "setrlimit", "seccomp",
                                             "exec",  "fork",      "terminal"};
  return step < names.size() ? names[step] : "start";
}

}  // namespace pixmesh

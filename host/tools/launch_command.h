#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pixmesh {

/// What `pixmesh-launch` does to a tool before it starts it.
struct LaunchOptions {
  std::uint32_t tasks = 0;  // processes and threads at most; 0: no limit
  std::uint32_t user = 0;   // the tool's user id; 0: the launcher's own
  bool filter = false;      // system calls that no image tool needs fail
  bool terminal = false;    // its stdin is a terminal, which becomes that of its session
};

/// `launcher` and all that makes it start this program; the report goes to
/// launch_report_descriptor.
/// @param program  absolute, as the launcher sees it.
[[nodiscard]] std::vector<std::string> launch_command(const std::string& launcher,
                                                      const LaunchOptions& options,
                                                      const std::string& program,
                                                      const std::vector<std::string>& argv);

/// Where `pixmesh-launch` lies: beside the running program. None if it is not there.
[[nodiscard]] std::optional<std::string> find_launcher();

}  // namespace pixmesh

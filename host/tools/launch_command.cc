#include "host/tools/launch_command.h"

#include <filesystem>

#include "host/system/program_path.h"
#include "host/tools/launch_report.h"

namespace pixmesh {

std::vector<std::string> launch_command(const std::string& launcher, const LaunchOptions& options,
                                        const std::string& program,
                                        const std::vector<std::string>& argv) {
  std::vector<std::string> words{launcher,
                                 std::to_string(launch_report_descriptor),
                                 std::to_string(options.tasks),
                                 std::to_string(options.user),
                                 options.filter ? "1" : "0",
                                 options.terminal ? "1" : "0",
                                 program};
  words.insert(words.end(), argv.begin(), argv.end());
  return words;
}

std::optional<std::string> find_launcher() {
  std::error_code unknown;
  const std::filesystem::path own = std::filesystem::read_symlink("/proc/self/exe", unknown);
  if (unknown) return std::nullopt;
  return find_program((own.parent_path() / "pixmesh-launch").string());
}

}  // namespace pixmesh

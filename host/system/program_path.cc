#include "host/system/program_path.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace pixmesh {
namespace {

bool is_program(const std::string& path) {
  struct stat facts {};
  return stat(path.c_str(), &facts) == 0 && S_ISREG(facts.st_mode) &&
         access(path.c_str(), X_OK) == 0;
}

}  // namespace

std::optional<std::string> find_program(std::string_view program, std::string_view path) {
  if (program.starts_with('/')) {
    std::string absolute(program);
    return is_program(absolute) ? std::optional(absolute) : std::nullopt;
  }
  if (program.empty() || program.find('/') != std::string_view::npos) return std::nullopt;
  while (!path.empty()) {
    const std::string_view folder = path.substr(0, path.find(':'));
    path.remove_prefix(std::min(path.size(), folder.size() + 1));
    std::string candidate = std::string(folder) + "/" + std::string(program);
    if (folder.starts_with('/') && is_program(candidate)) return candidate;
  }
  return std::nullopt;
}

std::optional<std::string> program_beside_this(std::string_view program) {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return std::nullopt;
  return find_program(program, self.parent_path().string());
}

}  // namespace pixmesh

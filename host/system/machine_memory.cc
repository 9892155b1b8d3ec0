#include "host/system/machine_memory.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

namespace pixmesh {
namespace {

namespace fs = std::filesystem;
constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max();

/// "max", or no such file, is no limit.
std::uint64_t limit_in(const fs::path& file) {
  std::ifstream in(file);
  std::uint64_t bytes = 0;
  return in >> bytes ? bytes : unlimited;
}

std::uint64_t total_of(const fs::path& meminfo) {
  std::ifstream in(meminfo);
  std::string key, unit;
  std::uint64_t kibibytes = 0;
  while (in >> key >> kibibytes) {
    if (key == "MemTotal:") return kibibytes << 10;
    std::getline(in, unit);
  }
  return unlimited;
}

/// The lowest limit of a group and of those around it.
std::uint64_t lowest_above(const fs::path& tree, fs::path group, const char* file) {
  std::uint64_t lowest = limit_in(tree / file);
  for (; group.has_relative_path(); group = group.parent_path()) {
    lowest = std::min(lowest, limit_in(tree / group.relative_path() / file));
  }
  return lowest;
}

}  // namespace

std::uint64_t machine_memory(const fs::path& root) {
  std::uint64_t lowest = total_of(root / "proc/meminfo");
  std::ifstream groups(root / "proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const fs::path group = line.substr(second + 1);
    const fs::path tree = root / "sys/fs/cgroup";
    if (controllers.empty()) lowest = std::min(lowest, lowest_above(tree, group, "memory.max"));
    if (controllers == "memory") {
      lowest = std::min(lowest, lowest_above(tree / "memory", group, "memory.limit_in_bytes"));
    }
  }
  return lowest == unlimited ? 0 : lowest;
}

}  // namespace pixmesh

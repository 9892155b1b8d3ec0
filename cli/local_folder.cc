#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "cli/local_mesh.h"
#include "processing/closest.h"

namespace pixmesh {
namespace {

namespace fs = std::filesystem;

constexpr const char* marker_name = ".pixmesh-up";

Error folder_failure(const fs::path& path, const std::string& why) {
  return {ErrorCode::failed, shown(path.string()) + ": " + why};
}

std::string folder_name(std::uint32_t number) { return "node-" + std::to_string(number); }

/// Nothing but "node-" and digits is ever removed, whatever the marker says.
bool is_node_folder(std::string_view name) {
  const std::string_view prefix = "node-";
  return name.starts_with(prefix) && name.size() > prefix.size() && name.size() < 16 &&
         std::ranges::all_of(name.substr(prefix.size()),
                             [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

Result<LocalFolder> LocalFolder::open(const fs::path& root) {
  std::error_code failed;
  fs::create_directories(root, failed);
  if (failed) return folder_failure(root, failed.message());
  const fs::path path = root / marker_name;
  OwnedFd marker(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (marker.fd() < 0) return folder_failure(path, std::strerror(errno));
  if (::flock(marker.fd(), LOCK_EX | LOCK_NB) != 0) {
    return Error{ErrorCode::overloaded, "another 'pixmesh up' runs in '" + shown(root.string()) +
                                            "'; stop it, or name another folder with --data DIR"};
  }
  return LocalFolder(fs::absolute(root), std::move(marker));
}

std::vector<std::string> LocalFolder::own_folders() const {
  std::vector<std::string> names;
  std::ifstream file(root_ / marker_name);
  for (std::string line; std::getline(file, line);) {
    if (is_node_folder(line)) names.push_back(line);
  }
  return names;
}

Result<Done> LocalFolder::note(const std::string& text, bool append) {
  if (!append && ::ftruncate(marker_.fd(), 0) != 0) {
    return folder_failure(root_ / marker_name, std::strerror(errno));
  }
  (void)::lseek(marker_.fd(), 0, SEEK_END);
  if (::write(marker_.fd(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return folder_failure(root_ / marker_name, "cannot be written");
  }
  return Done{};
}

Result<std::size_t> LocalFolder::clean() {
  const std::vector<std::string> names = own_folders();
  for (const std::string& name : names) {
    std::error_code failed;
    fs::remove_all(root_ / name, failed);
    if (failed) return folder_failure(root_ / name, failed.message());
    fs::remove(root_ / (name + ".log"), failed);
  }
  if (const Result<Done> done = note("", false); !done) return done.error();
  return names.size();
}

Result<Done> LocalFolder::make_nodes(std::uint32_t count) {
  for (std::uint32_t number = 1; number <= count; ++number) {
    const fs::path folder = node_folder(number);
    std::error_code failed;
    const bool made = fs::create_directory(folder, failed);
    if (failed) return folder_failure(folder, failed.message());
    if (!made) continue;
    if (Result<Done> done = note(folder_name(number) + "\n", true); !done) return done;
  }
  return Done{};
}

fs::path LocalFolder::node_folder(std::uint32_t number) const {
  return root_ / folder_name(number);
}

fs::path LocalFolder::log_file(std::uint32_t number) const {
  return root_ / (folder_name(number) + ".log");
}

bool LocalFolder::has_state(std::uint32_t number) const {
  std::error_code unknown;
  const fs::path state = node_folder(number) / "state";
  return fs::is_directory(state, unknown) && !fs::is_empty(state, unknown);
}

std::string last_lines(const fs::path& file, std::size_t count) {
  std::ifstream stream(file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) {
    lines.push_back(line);
    if (lines.size() > count) lines.erase(lines.begin());
  }
  std::string text;
  for (const std::string& line : lines) text += "  " + line + "\n";
  return text;
}

}  // namespace pixmesh

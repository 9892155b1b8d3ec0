#include "host/tools/memory_groups.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace pixmesh {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view name_start = "pixmesh-run-";  // then the node's process, and a number

/// Control files take one write and are never made.
Result<Done> write_control(const fs::path& file, std::string_view text) {
  const auto opened = FileHandle::open(file, O_WRONLY);
  if (!opened) return opened.error();
  const ssize_t written = ::write(opened->descriptor(), text.data(), text.size());
  if (written < 0) return system_error(errno, "write", file);
  return Done{};
}

/// The count behind a word in a file of lines "word count"; 0 if it is not there.
std::uint64_t count_in(const fs::path& file, std::string_view wanted) {
  std::ifstream in(file);
  std::string word;
  std::uint64_t count = 0;
  while (in >> word >> count) {
    if (word == wanted) return count;
  }
  return 0;
}

bool has_word(const fs::path& file, std::string_view wanted) {
  std::ifstream in(file);
  for (std::string word; in >> word;) {
    if (word == wanted) return true;
  }
  return false;
}

bool is_removed(const fs::path& group) { return ::rmdir(group.c_str()) == 0 || errno == ENOENT; }

/// The group of this process in a hierarchy, by /proc/self/cgroup: of `memory` in version 1, of
/// nothing in version 2.
std::optional<fs::path> own_group(const fs::path& root, std::string_view controller) {
  std::ifstream groups(root / "proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    if (line.substr(first + 1, second - first - 1) != controller) continue;
    return fs::path(line.substr(second + 1)).relative_path();
  }
  return std::nullopt;
}

Error none(const std::string& why) {
  return {ErrorCode::failed, "no control groups for the memory of workers and shells: " + why};
}

/// Lets groups below `parent` have a bound for their memory.
Result<Done> share_out_memory(const fs::path& parent, MemoryGroups::Move move) {
  if (has_word(parent / "cgroup.subtree_control", "memory")) return Done{};
  if (!has_word(parent / "cgroup.controllers", "memory")) {
    return none("memory is not delegated to " + parent.string());
  }
  if (move == MemoryGroups::Move::never) return Done{};
  const fs::path own = parent / "pixmesh-node";
  std::error_code error;
  fs::create_directory(own, error);
  if (error) return none(own.string() + ": " + error.message());
  if (const auto moved = write_control(own / "cgroup.procs", "0"); !moved) {
    return none(moved.error().detail);
  }
  const auto shared = write_control(parent / "cgroup.subtree_control", "+memory");
  if (shared) return shared;
  return none(shared.error().detail +
              "; a node needs a group of its own, as a systemd service with Delegate=yes has");
}

/// Of nodes that were killed. Groups with a process in them stay.
void remove_leftovers(const fs::path& parent) {
  std::error_code error;
  for (fs::directory_iterator entry(parent, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with(name_start)) continue;
    pid_t node = 0;
    std::from_chars(name.data() + name_start.size(), name.data() + name.size(), node);
    if (node > 0 && ::kill(node, 0) < 0 && errno == ESRCH) (void)is_removed(entry->path());
  }
}

}  // namespace

MemoryGroup::~MemoryGroup() {
  if (tree_ == nullptr || is_removed(folder_)) return;
  tree_->leaving.push_back(folder_);  // the kernel is not done with its processes yet
}

std::uint64_t MemoryGroup::kills() const {
  return count_in(folder_ / (tree_->unified ? "memory.events" : "memory.oom_control"), "oom_kill");
}

Result<MemoryGroups> MemoryGroups::open(Move move, const fs::path& root) {
  auto tree = std::make_shared<MemoryGroupTree>();
  const fs::path mounted = root / "sys/fs/cgroup";
  if (const auto first = own_group(root, "memory")) {
    tree->parent = mounted / "memory" / *first;
  } else if (const auto second = own_group(root, "")) {
    tree->unified = true;
    tree->parent = mounted / *second;
    // What moved down at an earlier start of the same process is looked for where it was.
    if (tree->parent.filename() == "pixmesh-node") tree->parent = tree->parent.parent_path();
    if (const auto shared = share_out_memory(tree->parent, move); !shared) return shared.error();
  } else {
    return none("this system has no control groups");
  }
  remove_leftovers(tree->parent);
  MemoryGroups groups(std::move(tree));
  const auto tried = groups.make(1ULL << 30);
  if (!tried) return none(tried.error().detail);
  return groups;
}

Result<MemoryGroup> MemoryGroups::make(std::uint64_t memory_bytes) {
  std::erase_if(tree_->leaving, is_removed);
  const std::string start = std::string(name_start) + std::to_string(::getpid()) + "-";
  fs::path folder;
  int failed = 0;
  do {  // one that could not be removed has its number still
    folder = tree_->parent / (start + std::to_string(++tree_->made));
    failed = ::mkdir(folder.c_str(), 0755) == 0 ? 0 : errno;
  } while (failed == EEXIST);
  if (failed != 0) return system_error(failed, "mkdir", folder);
  auto processes = FileHandle::open(folder / "cgroup.procs", O_WRONLY);
  MemoryGroup group(tree_, folder, processes ? std::move(processes).value() : FileHandle());
  if (!processes) return processes.error();
  const std::string bytes = std::to_string(memory_bytes);
  const auto bounded =
      write_control(folder / (tree_->unified ? "memory.max" : "memory.limit_in_bytes"), bytes);
  if (!bounded) return bounded.error();
  // Where the kernel counts swap apart, there is none for runs; where it knows how, all go at once.
  if (tree_->unified) {
    (void)write_control(folder / "memory.swap.max", "0");
    (void)write_control(folder / "memory.oom.group", "1");
  } else {
    (void)write_control(folder / "memory.memsw.limit_in_bytes", bytes);
  }
  return group;
}

}  // namespace pixmesh

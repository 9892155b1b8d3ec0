#include "host/tools/memory_groups.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <fstream>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "host/tools/clone_child.h"

namespace pixmesh {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view name_start = "pixmesh-run-";  // then the node's process, and a number
constexpr std::size_t idle_max = 64;  // more than run at once; bounds differ seldom

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

/// The file by which one joins a group, and by which it tells who is in it. That of version 1 is of
/// threads.
const char* members_of(const MemoryGroupTree& tree) {
  return tree.unified ? "cgroup.procs" : "tasks";
}

bool is_empty(const MemoryGroupTree& tree, const fs::path& group) {
  std::ifstream members(group / members_of(tree));
  return members.is_open() && members.peek() == std::ifstream::traits_type::eof();
}

Result<FileHandle> open_entry(const MemoryGroupTree& tree, const fs::path& group) {
  if (tree.births) return FileHandle::open(group, O_RDONLY | O_DIRECTORY);
  return FileHandle::open(group / members_of(tree), O_WRONLY);
}

Result<fs::path> make_folder(MemoryGroupTree& tree) {
  const std::string start = std::string(name_start) + std::to_string(::getpid()) + "-";
  for (;;) {  // one that could not be removed has its number still
    fs::path folder = tree.parent / (start + std::to_string(++tree.made));
    if (::mkdir(folder.c_str(), 0755) == 0) return folder;
    if (errno != EEXIST) return system_error(errno, "mkdir", folder);
  }
}

Result<Done> set_bound(const MemoryGroupTree& tree, const fs::path& group, std::uint64_t bytes) {
  const std::string text = std::to_string(bytes);
  const auto bounded =
      write_control(group / (tree.unified ? "memory.max" : "memory.limit_in_bytes"), text);
  if (!bounded) return bounded;
  // Where the kernel counts swap apart, there is none for runs. That all are killed at once is not
  // asked of it: the launcher would go too, which tells what the run took.
  if (tree.unified) {
    (void)write_control(group / "memory.swap.max", "0");
  } else {
    (void)write_control(group / "memory.memsw.limit_in_bytes", text);
  }
  return Done{};
}

Result<GroupFolder> make_group(MemoryGroupTree& tree, std::uint64_t memory_bytes) {
  Result<fs::path> folder = make_folder(tree);
  if (!folder) return folder.error();
  Result<FileHandle> entry = open_entry(tree, folder.value());
  const Result<Done> bounded =
      entry ? set_bound(tree, folder.value(), memory_bytes) : Result<Done>(entry.error());
  if (bounded) {
    return GroupFolder{std::move(folder).value(), memory_bytes, std::move(entry).value()};
  }
  (void)is_removed(folder.value());
  return bounded.error();
}

Error none(const std::string& why) {
  return {ErrorCode::failed, "no control groups for the memory of tools: " + why};
}

/// Lets groups below `parent` have a bound for their memory.
Result<Done> share_out_memory(const fs::path& parent, MemoryGroups::Move move) {
  if (has_word(parent / "cgroup.subtree_control", "memory")) return Done{};
  if (!has_word(parent / "cgroup.controllers", "memory")) {
    return none("memory is not delegated to " + parent.string());
  }
  if (move == MemoryGroups::Move::never) {
    return none("memory is delegated to " + parent.string() +
                ", but not shared out there; a node that has it to itself does that at its start");
  }
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

// A process that was killed keeps its group busy for a while after it is seen there no more, and
// the kernel tells nobody when that is over (version 1).
MemoryGroupTree::~MemoryGroupTree() {
  constexpr int tries_max = 50;
  for (const GroupFolder& group : idle) leaving.push_back(group.path);
  for (int tries = 0; tries < tries_max; ++tries) {
    std::erase_if(leaving, is_removed);
    if (leaving.empty()) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

MemoryGroup::MemoryGroup(std::shared_ptr<MemoryGroupTree> tree, GroupFolder group)
    : tree_(std::move(tree)), group_(std::move(group)), kills_before_(kills_ever()) {}

MemoryGroup::~MemoryGroup() {
  if (tree_ == nullptr) return;
  tree_->idle.push_back(std::move(group_));
  if (tree_->idle.size() <= idle_max) return;
  tree_->leaving.push_back(tree_->idle.front().path);
  tree_->idle.erase(tree_->idle.begin());
}

void MemoryGroup::take_in(ProcessStart& how) const {
  (tree_->births ? how.born_in : how.joins) = group_.entry.descriptor();
}

std::uint64_t MemoryGroup::kills() const { return kills_ever() - kills_before_; }

std::uint64_t MemoryGroup::kills_ever() const {
  return count_in(group_.path / (tree_->unified ? "memory.events" : "memory.oom_control"),
                  "oom_kill");
}

Result<MemoryGroups> MemoryGroups::open(Move move, const fs::path& root) {
  auto tree = std::make_shared<MemoryGroupTree>();
  const fs::path mounted = root / "sys/fs/cgroup";
  if (const auto first = own_group(root, "memory")) {
    tree->parent = mounted / "memory" / *first;
  } else if (const auto second = own_group(root, "")) {
    tree->unified = true;
    tree->births = can_clone_into_groups();
    tree->parent = mounted / *second;
    // What moved down at an earlier start of the same process is looked for where it was.
    if (tree->parent.filename() == "pixmesh-node") tree->parent = tree->parent.parent_path();
    if (const auto shared = share_out_memory(tree->parent, move); !shared) return shared.error();
  } else {
    return none("this system has no control groups");
  }
  remove_leftovers(tree->parent);
  const auto tried = make_group(*tree, 1ULL << 30);
  if (!tried) return none(tried.error().detail);
  tree->leaving.push_back(tried->path);
  return MemoryGroups(std::move(tree));
}

Result<MemoryGroup> MemoryGroups::take(std::uint64_t memory_bytes) {
  std::erase_if(tree_->leaving, is_removed);
  const auto found = std::ranges::find_if(tree_->idle, [&](const GroupFolder& group) {
    return group.memory_bytes == memory_bytes && is_empty(*tree_, group.path);
  });
  if (found != tree_->idle.end()) {
    GroupFolder group = std::move(*found);
    tree_->idle.erase(found);
    return MemoryGroup(tree_, std::move(group));
  }
  Result<GroupFolder> made = make_group(*tree_, memory_bytes);
  if (!made) return made.error();
  return MemoryGroup(tree_, std::move(made).value());
}

}  // namespace pixmesh

#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "base/result.h"
#include "host/system/file_handle.h"
#include "host/tools/process_group.h"

namespace pixmesh {

/// One control group on the machine.
struct GroupFolder {
  std::filesystem::path path;
  std::uint64_t memory_bytes = 0;  // its bound
  FileHandle entry;  // the folder if processes are born in it, else the file by which one joins
};

/// The folder in which control groups are made, those that wait for their next user, and those that
/// could not be removed yet.
struct MemoryGroupTree {
  MemoryGroupTree() = default;
  MemoryGroupTree(const MemoryGroupTree&) = delete;
  MemoryGroupTree& operator=(const MemoryGroupTree&) = delete;
  ~MemoryGroupTree();  // removes all that can be within half a second

  std::filesystem::path parent;
  bool unified = false;  // version 2 of control groups
  bool births = false;   // processes can be born in a group of version 2
  std::uint64_t made = 0;
  std::vector<GroupFolder> idle;
  std::vector<std::filesystem::path> leaving;
};

/// A control group around a run of a tool, a native worker or a shell: the memory of all its
/// processes together has a bound, where RLIMIT_AS bounds each of them. Above it the kernel
/// reclaims what it can and then kills the one that has the most.
///
/// Destroy it after its processes have ended: then another run gets it. What was made for one run
/// and removed would live on in the kernel for as long as a page of a file does that the run was
/// the first to read or to write: 16 kB for each run on two processors, more on more.
class MemoryGroup {
 public:
  MemoryGroup(MemoryGroup&& other) noexcept = default;
  MemoryGroup& operator=(MemoryGroup&&) = delete;
  ~MemoryGroup();

  /// What starts so is in the group, with what it starts later. The group must outlive the start.
  void take_in(ProcessStart& how) const;
  [[nodiscard]] const std::filesystem::path& folder() const { return group_.path; }
  /// How many of its processes the kernel has killed since together they needed more, for this
  /// user of it.
  [[nodiscard]] std::uint64_t kills() const;

 private:
  friend class MemoryGroups;
  MemoryGroup(std::shared_ptr<MemoryGroupTree> tree, GroupFolder group);
  [[nodiscard]] std::uint64_t kills_ever() const;

  std::shared_ptr<MemoryGroupTree> tree_;  // none: moved from
  GroupFolder group_;
  std::uint64_t kills_before_ = 0;
};

/// Makes control groups, below the group that this process is in. Version 2 needs a group
/// that is delegated to the node (systemd's `Delegate=yes`) and holds nobody else; version 1 a
/// memory controller that it may write to. Used by one thread.
///
/// To make a group takes 0.2 ms and to enter it 0.02 ms, as long as no grace period of the kernel
/// (7 to 30 ms, during which no process can start or end) is in it. There is none where a
/// single thread moves itself, as version 1 has it (since Linux 5.5), and where a process is born
/// in its group (version 2, since 5.7). There is one where a whole process moves.
class MemoryGroups {
 public:
  enum class Move : std::uint8_t { never, allowed };

  /// Makes one and removes it, to see that it works, and removes what killed nodes left.
  /// @param move  version 2 lets only groups without processes share out memory. If allowed, this
  ///              process moves into a group `pixmesh-node` below its own for that.
  /// @param root  of the file system; tests have another.
  /// Errors: failed — why there are none, in words for an operator.
  [[nodiscard]] static Result<MemoryGroups> open(Move move,
                                                 const std::filesystem::path& root = "/");

  /// One that waits with just this bound and has no process in it any more, or else a new one.
  /// @param memory_bytes  page cache that its files take counts too, but is given back.
  /// Errors: failed, no_space.
  [[nodiscard]] Result<MemoryGroup> take(std::uint64_t memory_bytes);

  /// Whether it is so quick to enter one that each run of a tool can have its own.
  [[nodiscard]] bool quick() const { return !tree_->unified || tree_->births; }

 private:
  explicit MemoryGroups(std::shared_ptr<MemoryGroupTree> tree) : tree_(std::move(tree)) {}

  std::shared_ptr<MemoryGroupTree> tree_;
};

}  // namespace pixmesh

#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "base/result.h"
#include "host/system/file_handle.h"

namespace pixmesh {

/// The folder in which control groups are made, and those that could not be removed yet.
struct MemoryGroupTree {
  std::filesystem::path parent;
  bool unified = false;  // version 2 of control groups
  std::uint64_t made = 0;
  std::vector<std::filesystem::path> leaving;
};

/// A control group around a native worker or a shell: the memory of all its processes together has
/// a bound, where RLIMIT_AS bounds each of them. Above it the kernel reclaims what it can and then
/// kills; in version 2 all of the group at once.
///
/// Destroy it after its processes have ended.
class MemoryGroup {
 public:
  MemoryGroup(MemoryGroup&& other) noexcept = default;
  MemoryGroup& operator=(MemoryGroup&&) = delete;
  ~MemoryGroup();

  /// A process that writes "0" to this descriptor is in the group, with what it starts later.
  [[nodiscard]] int joining() const { return processes_.descriptor(); }
  /// How many of its processes the kernel has killed since together they needed more.
  [[nodiscard]] std::uint64_t kills() const;

 private:
  friend class MemoryGroups;
  MemoryGroup(std::shared_ptr<MemoryGroupTree> tree, std::filesystem::path folder,
              FileHandle processes)
      : tree_(std::move(tree)), folder_(std::move(folder)), processes_(std::move(processes)) {}

  std::shared_ptr<MemoryGroupTree> tree_;  // none: moved from
  std::filesystem::path folder_;
  FileHandle processes_;
};

/// Makes control groups, below the group that this process is in. Version 2 needs a group
/// that is delegated to the node (systemd's `Delegate=yes`) and holds nobody else; version 1 a
/// memory controller that it may write to. Used by one thread.
///
/// To make a group and to remove it costs some 0.5 ms, but to join it a grace period of the kernel,
/// 15 to 30 ms. So only what lives long is in one: a command-line tool would take a tenth longer.
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

  /// @param memory_bytes  page cache that its files take counts too, but is given back.
  /// Errors: failed, no_space.
  [[nodiscard]] Result<MemoryGroup> make(std::uint64_t memory_bytes);

 private:
  explicit MemoryGroups(std::shared_ptr<MemoryGroupTree> tree) : tree_(std::move(tree)) {}

  std::shared_ptr<MemoryGroupTree> tree_;
};

}  // namespace pixmesh

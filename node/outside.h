#pragma once

#include <vector>

#include "base/background.h"
#include "base/disk.h"
#include "base/executor.h"
#include "base/journal_store.h"
#include "base/log.h"
#include "base/result_store.h"
#include "base/shell_host.h"
#include "base/transport.h"
#include "node/options.h"

namespace pixmesh {

struct NewDisk {
  Disk* disk = nullptr;
  DiskDescription description;
};

/// Where disks are put into a running node, and taken out.
class DiskBay {
 public:
  virtual ~DiskBay() = default;
  /// Whether the folder of this disk still holds the disk that was opened there. Slow.
  [[nodiscard]] virtual bool holds(std::uint32_t disk) = 0;
  /// Closes what was taken out, then opens an empty folder as disk number `disk`. Slow.
  /// @param capacity  bytes; 0: the size of its file system
  [[nodiscard]] virtual Result<NewDisk> open(std::uint32_t disk, const std::string& folder,
                                             std::uint64_t capacity) = 0;
  /// @returns what answers in the place of this disk from now on: that it has failed.
  [[nodiscard]] virtual Disk& take_out(std::uint32_t disk) = 0;
};

/// Everything a node can do to the world. The daemon puts the operating system behind it, the
/// simulator its virtual one; both outlive the node.
struct Outside {
  Transport& transport;
  std::vector<Disk*> disks;  // image disks, by index
  Disk& state;               // identity, settings, hints; answered with index state_disk
  Executor& executor;
  Background& background;
  Log& log;
  DiskBay* bay = nullptr;  // none: the disks stay as they are. Slow calls are for the background
  ResultStore* results = nullptr;   // none: no result is kept
  ShellHost* shells = nullptr;      // none: no shell is opened
  JournalStore* journal = nullptr;  // none: what is known of requests lies in memory only
};

inline constexpr std::uint32_t state_disk = 0xffff;

}  // namespace pixmesh

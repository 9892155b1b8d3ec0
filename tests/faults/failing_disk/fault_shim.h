#pragma once

#include <atomic>
#include <cstdint>

namespace pixmesh {

/// Which calls of a process fail. It lies in a file that the process named by FAULT_SHIM_CONTROL
/// maps, so that a test switches it while the process runs.
struct FaultOrder {
  enum Kind : std::uint32_t {
    none,
    sync_fails,    // fsync and fdatasync: EIO
    write_fails,   // write and pwrite: EIO
    rename_fails,  // EIO
    no_space,      // writes: ENOSPC, after `bytes` more
    short_writes,  // writes take half of what they are given
    read_fails,    // pread: EIO
  };
  std::atomic<std::uint32_t> kind{none};
  std::atomic<std::uint32_t> skipped{0};  // so many calls more go well
  std::atomic<std::uint32_t> times{0};    // so many fail then
  std::atomic<std::int64_t> bytes{0};
  std::atomic<std::uint64_t> hits{0};  // how many calls did fail, or were short
  char path[512] = {};                 // only for files whose path has this in it
};

}  // namespace pixmesh

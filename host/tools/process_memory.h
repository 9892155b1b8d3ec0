#pragma once

#include <cstdint>

#include "host/system/file_handle.h"

namespace pixmesh {

/// The memory of another process, looked at from outside: one in a sandbox has no /proc of its own,
/// and need not be believed. Holds on to that process: a later one of its number is not mistaken
/// for it. Where /proc lets nobody look, all is 0.
class ProcessMemory {
 public:
  ProcessMemory() = default;
  explicit ProcessMemory(int process);

  /// From here the peak counts anew (proc(5), clear_refs).
  void begin_peak();
  /// The most that was resident since `begin_peak`; 0: not known.
  [[nodiscard]] std::uint64_t peak() const;
  /// What is resident now; 0: not known.
  [[nodiscard]] std::uint64_t resident() const;

 private:
  [[nodiscard]] std::uint64_t status_bytes(const char* name) const;

  FileHandle status_;
  FileHandle clear_refs_;
  bool peak_is_fresh_ = false;
};

}  // namespace pixmesh

#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/rng.h"
#include "file_recorder.h"

namespace pixmesh::crash_test {

/// How much of what was not yet synced survives a crash.
enum class Survival : std::uint8_t { nothing, everything, chance };

/// The files that a machine may find after losing power.
///
/// What POSIX promises and no more: a write lasts once its file was synced, an entry once its
/// folder was. Until then, of a file's writes any subset may be there, each torn at 512 bytes; of a
/// folder's changes any prefix, each folder for itself (file systems keep one journal and are
/// kinder than that). A rename is atomic: the old entry goes only when the new one is there. A
/// folder whose own entry is lost takes everything in it along. Compare ALICE (Pillai et al., OSDI
/// 2014).
class CrashModel {
 public:
  /// The folder was empty before the first of `changes`.
  explicit CrashModel(std::vector<FileChange> changes);

  [[nodiscard]] std::size_t size() const { return changes_.size(); }
  [[nodiscard]] const std::vector<FileChange>& changes() const { return changes_; }

  /// The changes up to `count`, a line each.
  [[nodiscard]] std::string story_until(std::size_t count) const;

  /// Writes into the empty `folder` what is left if power fails after the first `count` changes.
  void lay_out(std::size_t count, Survival survival, Rng& chance,
               const std::filesystem::path& folder) const;

 private:
  struct Entry {
    std::uint32_t file = 0;  // 0: a folder
  };
  using Entries = std::map<std::string, Entry>;

  [[nodiscard]] Entries entries_after(std::size_t count, Survival survival, Rng& chance) const;
  [[nodiscard]] Bytes bytes_of(std::uint32_t file, std::size_t count, Survival survival,
                               Rng& chance) const;

  std::vector<FileChange> changes_;
  std::vector<std::size_t> durable_at_;  // by change: the change that made it durable, or none
  std::map<std::uint32_t, std::vector<std::size_t>> writes_;  // by file
};

}  // namespace pixmesh::crash_test

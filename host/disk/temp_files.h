#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>

#include "base/digest.h"
#include "base/disk.h"
#include "host/disk/disk_folder.h"

namespace pixmesh {

/// The files being written by one writer thread, from CreateTemp to PublishTemp or DropTemp.
/// A temp whose write or sync failed answers that error until it is dropped. Used by one thread.
class TempFiles {
 public:
  explicit TempFiles(const DiskFolder& folder) : folder_(folder) {}

  [[nodiscard]] Result<Done> create(const CreateTemp& asked);
  /// Writes at the end and starts the write-back, so that the sync at the end finds little to do.
  [[nodiscard]] Result<Done> append(TempId temp, ByteView bytes);
  /// Makes the bytes durable and closes the file: no more can be appended.
  [[nodiscard]] Result<Synced> sync(TempId temp);
  [[nodiscard]] Result<Done> drop(TempId temp);  // unknown temps are fine
  /// Lets go of a synced temp, for the storage thread to rename. @returns its path.
  [[nodiscard]] Result<std::filesystem::path> hand_over(TempId temp);

 private:
  struct Temp {
    FileHandle file;
    std::filesystem::path path;
    std::uint64_t size = 0;
    std::uint64_t reserved = 0;
    std::optional<Hasher> hasher;
    std::optional<Synced> synced;
    std::optional<Error> error;
  };
  [[nodiscard]] Result<Temp*> find(TempId temp);
  [[nodiscard]] static Result<Done> reserve(Temp& temp, std::uint64_t bytes);
  [[nodiscard]] Result<Synced> finish(Temp& temp) const;

  const DiskFolder& folder_;
  std::map<TempId, Temp> temps_;
};

}  // namespace pixmesh

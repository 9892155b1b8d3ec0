#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"
#include "host/system/file_handle.h"

namespace pixmesh {

using DiskId = Id<struct DiskTag, std::array<std::uint8_t, 16>>;  // chance, made at first open

/// A framed file in tmp/, written and not yet synced.
struct FramedTemp {
  std::filesystem::path path;
  FileHandle file;
};

/// The folder of one disk, and every change to the files in it:
///
///   pixmesh.disk                       format version and disk id, as text
///   lock                               held by the process that uses the folder
///   blobs/ab/cd/<rest of digest>.jpg   bytes, named by their BLAKE2b-256
///   records/00a3/<name digest>.rec     one framed record per name of partition 0x00a3
///   tmp/        files being written; emptied at start
///   scratch/    folders of running tools; emptied at start
///   trash/      what nobody names any more, kept for a while: <unix seconds>-<number>-<name>
///   index/      LMDB
///
/// After a failed fsync the kernel has dropped the pages and says so only once, so the disk counts
/// as lost: `has_failed` stays true. Methods that are not const belong to the one storage thread.
class DiskFolder {
 public:
  /// Makes what is missing and takes the lock.
  /// @returns `denied` when another process holds the lock, `malformed` for a folder of another
  /// format, else what the system says.
  [[nodiscard]] static Result<std::unique_ptr<DiskFolder>> open(const std::filesystem::path& root,
                                                                SyncFile sync);

  [[nodiscard]] const std::filesystem::path& root() const { return root_; }
  [[nodiscard]] DiskId id() const { return id_; }
  [[nodiscard]] bool is_new() const { return is_new_; }  // made by this `open`

  /// The absolute path of a path below the folder; `usage` if it is absolute, empty or has "..".
  [[nodiscard]] Result<std::filesystem::path> absolute(std::string_view relative) const;
  [[nodiscard]] std::filesystem::path temp_path(TempId temp) const;

  [[nodiscard]] Result<Done> sync(const FileHandle& file, const std::filesystem::path& path) const;
  [[nodiscard]] const SyncFile& sync_file() const { return sync_; }
  /// For good. The first reason is told to whoever `on_failure` names.
  void mark_failed(const Error& reason) const;
  [[nodiscard]] bool has_failed() const { return failed_; }
  /// Called once, on whichever thread found out. Set it before there are threads.
  void on_failure(std::function<void(const Error&)> told) { told_of_failure_ = std::move(told); }

  struct Space {
    std::uint64_t free_bytes = 0;  // for us, without what is kept for root
    std::uint64_t total_bytes = 0;
    bool full = false;  // there is still no room for the image that was refused last
  };
  [[nodiscard]] Space space() const;
  /// `no_space` if less than a twentieth of the disk would be left beside `bytes` more: the index,
  /// lists and deletions need room when images have none any more.
  [[nodiscard]] Result<Done> check_room_for(std::uint64_t bytes) const;

  /// Makes the folders above `relative`; `sync_folders` makes them durable.
  [[nodiscard]] Result<Done> make_folders_of(std::string_view relative);
  /// Renames a file of tmp/ to its place. A file there is replaced: it has the same digest.
  [[nodiscard]] Result<Done> publish(const std::filesystem::path& temp, std::string_view relative);
  /// Frames and writes a file in tmp/ and starts its write-back; sync and `publish` it next.
  [[nodiscard]] Result<FramedTemp> start_framed_temp(ByteView payload);
  /// The same, and synced.
  [[nodiscard]] Result<std::filesystem::path> write_framed_temp(ByteView payload);
  /// Syncs the folders that hold these paths, without those in `synced`, which it adds to; and
  /// every folder in which one was made since the last call.
  [[nodiscard]] Result<Done> sync_folders(const std::vector<std::string>& relatives,
                                          std::set<std::filesystem::path>& synced);
  /// Removes a file; it is fine if it is not there.
  [[nodiscard]] Result<Done> remove(std::string_view relative);
  [[nodiscard]] Result<Done> move_to_trash(std::string_view relative);
  /// Deletes what has been in the trash for `age` or longer. @returns the number of entries.
  std::size_t empty_trash(Duration age);
  /// Deletes everything in tmp/ and scratch/. @returns the number of entries of tmp/.
  std::size_t empty_tmp();

 private:
  [[nodiscard]] static bool has_room_for(std::uint64_t bytes, const Space& space);
  explicit DiskFolder(std::filesystem::path root, SyncFile sync)
      : root_(std::move(root)), sync_(std::move(sync)) {}
  [[nodiscard]] Result<Done> take_lock();
  [[nodiscard]] Result<Done> read_or_make_id();
  [[nodiscard]] Result<Done> make_id(const std::filesystem::path& path);
  [[nodiscard]] Result<Done> sync_folder(const std::filesystem::path& folder) const;

  std::filesystem::path root_;
  SyncFile sync_;
  FileHandle lock_;
  DiskId id_;
  bool is_new_ = false;
  mutable std::atomic<bool> failed_{false};
  std::function<void(const Error&)> told_of_failure_;
  mutable std::atomic<std::uint64_t> refused_bytes_{0};
  std::set<std::filesystem::path> unsynced_;  // folders in which a folder was made
  std::uint64_t last_number_ = 0;             // of a temp file or a piece of trash
};

/// Takes `folder`/lock for this process until the handle is closed.
/// @returns `denied` if another process, or another owner in this one, holds it and does not give
/// it up within two seconds.
[[nodiscard]] Result<FileHandle> lock_folder(const std::filesystem::path& folder);

/// `records/00a3/….rec`, and the way back: none for any other file name.
[[nodiscard]] std::string record_file_path(PartitionId partition, const NameDigest& name_digest);
[[nodiscard]] std::optional<PartitionId> parse_partition_folder(std::string_view name);
[[nodiscard]] std::optional<NameDigest> parse_record_file(std::string_view name);
/// The partition of a `records/…` path.
[[nodiscard]] std::optional<PartitionId> partition_of_path(std::string_view relative);

}  // namespace pixmesh

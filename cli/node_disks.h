#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "host/disk/lmdb_disk.h"
#include "node/outside.h"

namespace pixmesh {

/// The disks of a node's process, by number: those it started with, and those that came later.
/// A disk that was taken out keeps its number, and answers that it has failed.
class NodeDisks : public DiskBay {
 public:
  using Failed = std::function<void(const std::string& folder, const Error& reason)>;
  /// @param failed  told once of each disk that fails, on any thread
  NodeDisks(PlaceRecord place, Failed failed, ChunkStore& chunks, EventSink& events);
  ~NodeDisks() override;

  /// At start: opens the next one, makes its folder if need be, and puts right what a crash left.
  /// @param capacity  bytes; 0: the size of its file system
  [[nodiscard]] Result<LmdbDisk*> open_next(const std::string& folder, std::uint64_t capacity);
  [[nodiscard]] const std::vector<DiskDescription>& descriptions() const { return descriptions_; }
  [[nodiscard]] std::vector<Disk*> all() const;
  /// Absolute. From any thread.
  [[nodiscard]] std::filesystem::path folder_of(std::uint32_t disk) const;
  void close();

  [[nodiscard]] bool holds(std::uint32_t disk) override;
  [[nodiscard]] Result<NewDisk> open(std::uint32_t disk, const std::string& folder,
                                     std::uint64_t capacity) override;
  [[nodiscard]] Disk& take_out(std::uint32_t disk) override;

 private:
  class Gone;
  [[nodiscard]] Result<Done> check_is_empty(const std::string& folder) const;

  PlaceRecord place_;
  Failed failed_;
  ChunkStore& chunks_;
  EventSink& events_;
  mutable std::mutex mutex_;  // the loop thread and the background thread use what follows
  std::vector<std::unique_ptr<LmdbDisk>> disks_;  // null: taken out
  std::vector<std::unique_ptr<Gone>> gone_;
  std::vector<std::unique_ptr<LmdbDisk>> to_close_;
  std::vector<DiskDescription> descriptions_;
};

/// A disk that an operator put into the running node: where it is found at a start.
struct AddedDisk {
  std::array<std::uint8_t, 16> id{};
  std::string folder;
  std::uint64_t capacity = 0;  // 0: the size of its file system
};
/// In order of id.
[[nodiscard]] std::vector<AddedDisk> added_disks_in(const TableRows& facts);
/// @returns Done if the folder holds this disk, else what to do.
[[nodiscard]] Result<Done> check_holds(const AddedDisk& disk);
/// The row of the state folder that says so.
[[nodiscard]] std::string fact_of_added(const AddedDisk& disk);

}  // namespace pixmesh

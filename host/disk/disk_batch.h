#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/disk.h"
#include "base/time.h"
#include "host/disk/disk_folder.h"
#include "host/disk/lmdb_index.h"

namespace pixmesh {

/// An operation on its way to the storage thread.
struct StorageTask {
  OperationId ticket;
  DiskOperation operation;
  std::filesystem::path temp;  // of PublishTemp: the synced file
};

/// Who is told what became of a task. Called on the storage thread.
using AnswerTask = std::function<void(OperationId ticket, Result<DiskAnswer> answer)>;

struct DiskBatchOptions {
  Duration publish_keep = 10min;  // a blob that no record names yet is left alone so long
  Duration trash_keep = 1h;
};

/// Those of `tasks` that are of this kind, in order.
template <typename Operation, typename Step>
void each_of(const std::vector<StorageTask>& tasks, Step step) {
  for (const StorageTask& task : tasks) {
    if (const auto* operation = std::get_if<Operation>(&task.operation)) step(task, *operation);
  }
}

/// The work of a disk's storage thread: everything that waits is done together, in phases, so that
/// one sync serves all of it.
///
///   publish -> write files -> sync folders -> one transaction -> drops -> answers -> trash
///
///   disk_batch.cc        the order of it, files and folders
///   disk_batch_index.cc  transactions, and record files that are to say what the index says
///
/// A partition is marked dirty, durably, before the first change to its record files, so that a
/// start after a crash knows where to look. A record file whose commit is refused or fails is set
/// back to what the index holds. A blob goes to the trash when its last record is replaced or
/// dropped, but never sooner than `publish_keep` after it was published: an upload of the same
/// bytes may be on its way to its commit.
///
/// Invariant: outside `run`, each acknowledged record is in the index and in its record file.
/// Used by one thread.
class DiskBatch {
 public:
  DiskBatch(DiskFolder& folder, LmdbIndex& index, Admit admit, PlaceRecord place,
            DiskBatchOptions options, AnswerTask answer);

  void run(std::vector<StorageTask> tasks, Instant now);
  /// The trash, and blobs that were published and never named. Call it now and then.
  void tidy(Instant now);
  /// Takes back the dirty marks of partitions without unfinished writes. Call it last.
  void close();

 private:
  using Answers = std::vector<std::pair<OperationId, Result<DiskAnswer>>>;
  struct Blob {
    Digest digest;
    std::string path;
  };
  struct WrittenFile {
    OperationId ticket;
    std::string path;
    std::uint64_t checksum;
    Result<FramedTemp> temp;
  };
  struct Drop {
    OperationId ticket;
    const DropRecord* asked;
  };
  struct Uncommitted {
    PartitionId partition;
    std::uint64_t checksum = 0;  // of the record in the file
    std::uint32_t commits_to_come = 0;
  };

  void tell(OperationId ticket, Result<DiskAnswer> answer);
  void tell(OperationId ticket, Result<Done> done);

  [[nodiscard]] Result<Done> mark_dirty(const std::vector<StorageTask>& tasks);
  void refuse(const std::vector<StorageTask>& tasks, const Error& error);
  void give_answers();
  void publish(const std::vector<StorageTask>& tasks, Instant now);
  void write_files(const std::vector<StorageTask>& tasks);
  void finish_files(std::vector<WrittenFile>& files);
  [[nodiscard]] Result<Done> finish_file(const WrittenFile& file);
  void sync_folders(const std::vector<StorageTask>& tasks);
  [[nodiscard]] Result<Done> sync_folders_of(const std::vector<std::string>& paths,
                                             std::set<std::filesystem::path>& synced);
  void commit(const std::vector<StorageTask>& tasks);
  [[nodiscard]] Result<DiskAnswer> commit_one(IndexWrite& write, const CommitRecord& asked,
                                              std::vector<Blob>& left);
  void settle_record_files(const std::vector<StorageTask>& tasks);
  void abandon(const std::vector<StorageTask>& tasks);
  void settle_record_file(PartitionId partition, const NameDigest& name);
  void set_back_record_file(const std::string& path, ByteView stored);
  void drop(const std::vector<StorageTask>& tasks);
  [[nodiscard]] Result<Done> remove_record_file(const DropRecord& asked);
  void drop_from_index(const std::vector<Drop>& drops);
  void keep_unreferenced(IndexWrite& write, std::vector<Blob>& blobs) const;
  [[nodiscard]] Result<Done> write_index(const std::function<void(IndexWrite&)>& body);
  [[nodiscard]] Result<DiskAnswer> put_values(IndexWrite& write, const PutValues& asked) const;
  void trash(const std::vector<Blob>& blobs);

  DiskFolder& folder_;
  LmdbIndex& index_;
  Admit admit_;
  PlaceRecord place_;
  DiskBatchOptions options_;
  AnswerTask answer_;

  Answers answers_;  // of the batch at hand
  std::vector<Blob> unnamed_;
  std::set<PartitionId> dirty_;
  std::map<std::string, Uncommitted> uncommitted_;  // record files whose commit is to come
  std::map<std::string, Instant> published_;        // blobs, and when
  std::set<std::string> renamed_;  // of them, those whose folder was not synced since
  bool space_is_short_ = false;
};

/// The digest that a `blobs/ab/cd/<rest>.<extension>` path is named by.
[[nodiscard]] bool parse_blob_path(std::string_view path, Digest& digest);

}  // namespace pixmesh

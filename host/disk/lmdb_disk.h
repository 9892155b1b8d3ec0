#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/disk.h"
#include "base/events.h"
#include "host/disk/disk_batch.h"
#include "host/disk/disk_folder.h"
#include "host/disk/disk_recovery.h"
#include "host/disk/lmdb_index.h"
#include "host/disk/temp_files.h"
#include "host/disk/worker_queue.h"
#include "host/system/chunk_store.h"

namespace pixmesh {

struct LmdbDiskOptions {
  std::filesystem::path folder;
  std::uint32_t index = 0;             // told with each DiskAnswered
  std::size_t map_bytes = 256U << 20;  // of the index to begin with; it grows by itself
  std::size_t writer_threads = 2;      // of temp files; >= 1
  std::size_t reader_threads = 2;      // >= 1
  Duration publish_keep = 10min;       // unnamed blobs are left alone so long
  Duration trash_keep = 1h;
  std::chrono::milliseconds tidy_every{10'000};
  Admit admit;                     // called on the storage thread
  PlaceRecord place;               // called on the storage thread
  SyncFile sync = default_sync();  // tests put a dying device here
  std::function<void(const Error&)>
      on_failure{};  // once, from any thread, when the disk has failed

  [[nodiscard]] static SyncFile default_sync();  // fsync
};

/// A disk in a folder: plain files and an LMDB index (see DiskFolder, LmdbIndex).
///
///   submit -> writers (temp files, each pinned to one thread) -> answers
///          -> storage thread (renames, record files, index, trash; see DiskBatch) -> answers
///          -> readers (everything that changes nothing) -> answers
///          -> verifier (whole blobs, when nobody else needs disk or processor) -> answers
///
/// A record that was found since the last write is answered by `submit` itself.
/// `submit` may be called from any thread and never waits for the disk. Other answers are posted
/// from other threads, all as DiskAnswered events. Once the disk has failed every answer is
/// `failed`. Answers of operations: Done, but Synced for SyncTemp, CommitOutcome for CommitRecord,
/// StoredRecord for FindRecord, RecordPage for the lists, RangeRead, BytesRead, TableRows and
/// DiskSummary. CommitRecord is `not_found` if its blob is not there, DropRecord `stale` if the
/// record is no longer the expected one, ReadRange `corrupt` if the file ends before the range
/// does. A page of records ends after 1 MiB even if its limit is not reached.
class LmdbDisk : public Disk {
 public:
  /// Takes the folder, puts right what a crash left behind, and starts the threads.
  /// @returns `denied` if another process uses the folder; else see open_and_recover.
  [[nodiscard]] static Result<std::unique_ptr<LmdbDisk>> open(LmdbDiskOptions options,
                                                              ChunkStore& chunks,
                                                              EventSink& events);
  /// Does all that was submitted, then closes the index cleanly.
  ~LmdbDisk() override;

  void submit(OperationId ticket, DiskOperation operation) override;

  [[nodiscard]] const RecoveryReport& recovery() const { return recovery_; }
  [[nodiscard]] DiskId disk_id() const { return folder_->id(); }
  // For start-up: they read at once, in the calling thread.
  [[nodiscard]] Result<TableRows> load(Table table) const { return index_->load(table); }
  [[nodiscard]] std::vector<PartitionSummary> summaries() const { return index_->summaries(); }

 private:
  struct WriterTask {
    OperationId ticket;
    DiskOperation operation;
    ChunkStore::Chunk chunk;
  };
  struct ReaderTask {
    OperationId ticket;
    DiskOperation operation;
  };
  struct Writer {
    explicit Writer(const DiskFolder& folder) : temps(folder) {}
    TempFiles temps;
    std::unique_ptr<WorkerQueue<WriterTask>> queue;
  };
  class Reader;

  LmdbDisk(LmdbDiskOptions options, ChunkStore& chunks, EventSink& events);
  void start_threads();
  [[nodiscard]] std::optional<StoredRecord> found_again(const DiskOperation& operation) const;
  void answer(OperationId ticket, Result<DiskAnswer> answer);
  void write_temp(TempFiles& temps, WriterTask task);
  void run_batch(std::vector<StorageTask> tasks);
  void read(const ReaderTask& task);

  LmdbDiskOptions options_;
  ChunkStore& chunks_;
  EventSink& events_;
  std::unique_ptr<DiskFolder> folder_;
  std::unique_ptr<LmdbIndex> index_;
  RecoveryReport recovery_;
  std::unique_ptr<DiskBatch> batch_;  // the storage thread's
  Instant tidied_{};                  // the storage thread's
  std::atomic<bool> space_is_short_{false};
  std::unique_ptr<WorkerQueue<StorageTask>> storage_;
  std::unique_ptr<WorkerQueue<ReaderTask>> readers_;
  std::unique_ptr<WorkerQueue<ReaderTask>> verifier_;
  std::vector<std::unique_ptr<Writer>> writers_;
};

}  // namespace pixmesh

#pragma once

#include <map>
#include <set>

#include "base/disk.h"
#include "base/events.h"
#include "base/rng.h"
#include "simulations/world/chunk_pool.h"
#include "simulations/world/virtual_clock.h"

namespace pixmesh {

/// A disk in memory that keeps what the real one keeps and forgets what the real one may forget.
///
///   temp files       gone after a crash
///   renamed files    there at once, but durable only after SyncFolders
///   index, tables    durable with the operation that changes them
///
/// `trouble` makes it slow, full or faulty; errors have the codes of the real one.
///
/// Operations on one temp file keep their order, so do all that change the index; reads overtake.
/// Broken promises of the write order (a record committed before its bytes are durable) are kept in
/// `faults()`.
class VirtualDisk : public Disk {
 public:
  /// What is wrong with the disk at present. Counts fall by one each time they strike.
  struct Trouble {
    Duration slower{};                    // added to every operation
    bool full = false;                    // whatever needs space fails with no_space
    std::uint32_t failing_writes = 0;     // files and transactions that end with EIO
    std::uint32_t short_writes = 0;       // that find room for half of their bytes
    std::uint32_t failing_syncs = 0;      // fsyncs that end with EIO
    std::uint32_t failing_reads = 0;      // ranges that cannot be read
    std::uint32_t misdirected_reads = 0;  // ranges of images, with bytes of elsewhere
  };
  struct Options {
    std::uint32_t index = 0;
    Admit admit;
    PlaceRecord place;
  };
  using Answered = std::function<void(DiskAnswered)>;
  using Key = std::pair<PartitionId, NameDigest>;
  /// Called before a record changes or goes: `dropping` when its holder gives the copy up.
  using Changing = std::function<void(const Key&, const std::string& name, bool dropping)>;
  VirtualDisk(VirtualClock& clock, Rng rng, Options options)
      : clock_(clock), rng_(rng), options_(std::move(options)) {}

  /// A process begins to use the disk; what an earlier one left open is swept away.
  void open(ChunkPool& chunks, Answered answered);
  /// The process is gone, and with it what was not durable.
  void crash();

  void submit(OperationId ticket, DiskOperation operation) override;

  Trouble trouble;
  void watch(Changing changing) { changing_ = std::move(changing); }
  /// Calls `then` in place of the answer to the `steps`-th change of a file or table from now, when
  /// half of that change may have happened. Once; `then` is to crash the process. 0: never.
  void interrupt_after(std::uint32_t steps, std::function<void()> then);
  [[nodiscard]] bool has_failed() const { return failed_; }
  /// Its node may go by what is not here yet.
  [[nodiscard]] bool is_behind() const { return failed_ || trouble.full || trouble.slower > 0s; }
  /// It has failed, or is about to.
  [[nodiscard]] bool may_fail() const {
    return failed_ || trouble.failing_writes > 0 || trouble.failing_syncs > 0;
  }
  // What a test looks at, and damages.
  struct Record {
    std::string name;
    Digest digest;
    std::uint64_t size = 0;
    Bytes bytes;
  };
  using Files = std::map<std::string, SharedBytes>;
  /// What is durable. Nothing of it: a new disk.
  struct Contents {
    Files files;
    std::map<Key, Record> records;
    std::map<Table, std::map<Bytes, Bytes>> tables;
    Files rotten;  // which of the files `damage` left as they are
  };
  [[nodiscard]] Contents contents() const;
  /// Has these from now on, and nothing else.
  void restore(Contents contents);
  /// As after a failed fsync: nothing more is done until a process opens it again.
  void fail() { failed_ = true; }
  void write_row(const TableRow& row) { put_rows({row}); }
  [[nodiscard]] const std::map<Key, Record>& records() const { return records_; }
  /// The last deletion of each name that was dropped here, as it was stored.
  [[nodiscard]] const std::map<Key, Bytes>& dropped_tombstones() const {
    return dropped_tombstones_;
  }
  /// Valid until the table changes.
  [[nodiscard]] const TableRows& table(Table table) const;
  /// Rows of it whose key starts with `prefix`.
  [[nodiscard]] TableRows rows_with(Table table, const Bytes& prefix) const;
  [[nodiscard]] std::optional<Bytes> row(Table table, const Bytes& key) const;
  /// Grows whenever a row of the table `facts` may have changed.
  [[nodiscard]] std::uint64_t fact_changes() const { return fact_changes_; }
  [[nodiscard]] DiskSummary summary() const;
  [[nodiscard]] std::size_t temp_count() const { return temps_.size(); }
  [[nodiscard]] bool is_damaged(const Digest& digest) const;     // marked so
  [[nodiscard]] bool names(const std::string& blob_path) const;  // by any record
  /// Whether it is marked as damaged here.
  [[nodiscard]] bool is_marked(const std::string& blob_path) const;
  [[nodiscard]] const std::vector<std::string>& faults() const { return faults_; }
  [[nodiscard]] SharedBytes file(const std::string& path) const;
  /// Whether a file would be there, as it is, after a power cut.
  [[nodiscard]] bool is_durable(const std::string& path) const;
  /// When a blob got its name in this life of the process; long ago if in an earlier one.
  [[nodiscard]] Instant published_at(const std::string& path) const;
  void write_file(const std::string& path, Bytes bytes);
  void remove_file(const std::string& path);
  void damage(const std::string& path);
  /// 4 KiB of it come to be zeros: page `number`, counted round.
  void zero_page(const std::string& path, std::uint64_t number);
  [[nodiscard]] std::vector<std::string> blob_paths() const;
  /// Blobs of records that were damaged and have not been replaced since.
  [[nodiscard]] std::vector<std::string> rotten() const;

 private:
  struct Temp {
    Bytes bytes;
    bool hash = false;
    bool synced = false;
    std::optional<Error> error{};  // of a write: it is good for nothing any more
  };

  void finish(OperationId ticket, const DiskOperation& operation, const SharedBytes& chunk);
  [[nodiscard]] std::optional<Error> trouble_with(const DiskOperation& operation);
  [[nodiscard]] Instant time_of(const DiskOperation& operation);
  [[nodiscard]] Result<DiskAnswer> perform(const DiskOperation& operation,
                                           const SharedBytes& chunk);
  [[nodiscard]] Result<DiskAnswer> append(const AppendChunk& asked, const SharedBytes& chunk);
  [[nodiscard]] Result<DiskAnswer> sync(const SyncTemp& asked);
  [[nodiscard]] Result<DiskAnswer> publish(const PublishTemp& asked);
  [[nodiscard]] Result<DiskAnswer> sync_folders(const SyncFolders& asked);
  [[nodiscard]] Result<DiskAnswer> commit(const CommitRecord& asked);
  [[nodiscard]] Result<DiskAnswer> list(const ListPartition& asked) const;
  [[nodiscard]] Result<DiskAnswer> list(const ListNames& asked) const;
  [[nodiscard]] Result<SharedBytes> read(const ReadRange& asked);
  [[nodiscard]] Result<DiskAnswer> check(const CheckChunks& asked);
  [[nodiscard]] Result<DiskAnswer> inspect(const InspectImage& asked);
  [[nodiscard]] Result<DiskAnswer> verify(const VerifyBlob& asked);
  [[nodiscard]] bool is_named(const Digest& digest) const;
  [[nodiscard]] Result<DiskAnswer> drop(const DropRecord& asked);
  void put_rows(const std::vector<TableRow>& rows);
  void collect_unnamed(const std::string& path, const Digest& digest);
  void settle_record_file(PartitionId partition, const NameDigest& name);
  void tidy();
  void spoil(const std::string& path, Bytes bytes);
  [[nodiscard]] Result<Temp*> find(TempId temp);
  void check_durable(const CommitRecord& asked, const RecordPlace& place);

  VirtualClock& clock_;
  Rng rng_;
  Options options_;
  ChunkPool* chunks_ = nullptr;
  Answered answered_;
  std::uint64_t life_ = 0;
  Instant storage_at_{};
  std::map<TempId, Instant> temp_at_;
  std::map<TempId, Temp> temps_;
  Files files_;
  Files durable_;
  std::map<std::string, Instant> published_;
  std::set<std::string> renamed_;  // published, and their folder not synced since
  std::map<std::string, std::uint32_t> uncommitted_;  // record files: commits that are to come
  bool failed_ = false;  // after a failed fsync or transaction, until the process starts anew
  Instant tidied_{};
  std::set<std::string> unsynced_;  // published without a sync: torn by a crash
  Changing changing_;
  std::uint32_t steps_left_ = 0;  // until the interruption; 0: none is planned
  std::function<void()> interruption_;
  std::map<Key, Record> records_;
  std::map<Key, Bytes> dropped_tombstones_;
  std::map<std::string, Key> by_name_;
  std::map<Table, std::map<Bytes, Bytes>> tables_;
  std::uint64_t fact_changes_ = 1;
  mutable std::map<Table, TableRows> shown_;  // copies of some of `tables_`, as they are now
  std::vector<std::string> faults_;
  Files rotten_;  // as `damage` left them last
};

}  // namespace pixmesh

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include "base/disk.h"
#include "host/disk/found_records.h"
#include "host/disk/lmdb_environment.h"

namespace pixmesh {

/// One record on its way into the index. The views must outlive the call.
struct IndexRecord {
  PartitionId partition;
  NameDigest name_digest;
  std::string_view name;  // 1 … name_bytes_max bytes, no NUL
  Digest digest;          // all zero for a tombstone
  std::uint64_t size = 0;
  ByteView record;
};

/// What an index may change inside one write transaction. Calls may throw LmdbFailure.
class IndexWrite {
 public:
  IndexWrite(const LmdbEnvironment& environment, LmdbTransaction& transaction)
      : environment_(environment), transaction_(transaction) {}

  [[nodiscard]] Bytes record(PartitionId partition, const NameDigest& name_digest) const;
  [[nodiscard]] Bytes value(Table table, ByteView key) const;  // empty: there is none
  [[nodiscard]] bool is_referenced(const Digest& digest) const;
  [[nodiscard]] bool is_damaged(const Digest& digest) const;

  void put(const IndexRecord& record);  // in place of the record of the same name, if any
  void erase(PartitionId partition, const NameDigest& name_digest);
  void put_row(const TableRow& row);  // one of `damaged` only if a record names its digest
  void mark_dirty(PartitionId partition);
  void clear_dirty(PartitionId partition);
  void mark_ready();

  /// By partition, what to add (in wrapping arithmetic) once this is committed.
  [[nodiscard]] const std::map<PartitionId, PartitionSummary>& changes() const { return changes_; }

 private:
  void add_shares_of(const Digest& digest, bool damaged, std::uint64_t times);

  const LmdbEnvironment& environment_;
  LmdbTransaction& transaction_;
  std::map<PartitionId, PartitionSummary> changes_;
};

/// The index of one disk, or the tables of the state folder: nine LMDB tables changed together.
///
///   records  partition u32 BE, name digest -> size u64, name length u16, name, digest, record
///   names    first 448 bytes of name, 0, name digest -> partition u32 BE
///   digests  digest, partition, name digest -> (empty)
///   damaged  digest -> (anything); its records count otherwise in the summaries
///   facts, lists, hints, requests: as their askers like
///   meta     format, and the partitions that may be unlike their record files
///
/// Without the 0 names do not sort: "ab" and its digest could come behind "aba" and its own.
/// Integers in values are little-endian. One thread writes, any reads. Errors of every call:
/// `no_space`, `corrupt`, `failed`.
class LmdbIndex {
 public:
  [[nodiscard]] static Result<std::unique_ptr<LmdbIndex>> open(const std::filesystem::path& folder,
                                                               std::size_t map_bytes);

  /// Runs `body` in one durable transaction; it may run twice (see LmdbEnvironment::write).
  [[nodiscard]] Result<Done> write(const std::function<void(IndexWrite&)>& body);

  [[nodiscard]] Result<StoredRecord> find(const FindRecord& asked) const;
  /// What `find` would say, if it was asked the same since the last write; waits for no disk.
  [[nodiscard]] std::optional<StoredRecord> find_again(const FindRecord& asked) const;
  /// The record that names the first digest in [first, last]; empty: none does.
  [[nodiscard]] Result<Bytes> find_named(const Digest& first, const Digest& last) const;
  [[nodiscard]] Result<RecordPage> list_partition(const ListPartition& asked) const;
  [[nodiscard]] Result<RecordPage> list_names(const ListNames& asked) const;
  [[nodiscard]] Result<TableRows> load(Table table, ByteView prefix = {}) const;

  /// False until `mark_ready`: a new index, or one whose rebuilding was cut off.
  [[nodiscard]] Result<bool> is_ready() const;
  [[nodiscard]] Result<std::set<PartitionId>> dirty_partitions() const;
  [[nodiscard]] Result<std::vector<NameDigest>> names_of(PartitionId partition) const;  // sorted
  [[nodiscard]] Result<bool> is_referenced(const Digest& digest) const;
  /// Digests that start with this byte and are named by any record; sorted, each once.
  [[nodiscard]] Result<std::vector<Digest>> digests_with(std::uint8_t first_byte) const;

  /// Reads every record once: 1 s for about a million. Call it before `summaries`.
  [[nodiscard]] Result<Done> load_summaries();
  [[nodiscard]] std::vector<PartitionSummary> summaries() const;
  [[nodiscard]] std::size_t map_bytes() const { return environment_->map_bytes(); }

 private:
  explicit LmdbIndex(std::unique_ptr<LmdbEnvironment> environment)
      : environment_(std::move(environment)) {}

  std::unique_ptr<LmdbEnvironment> environment_;
  mutable FoundRecords found_{4U << 20};
  mutable std::mutex summaries_mutex_;
  std::map<PartitionId, PartitionSummary> summaries_;
};

/// Whether all `rows` have keys of their table: 1 … 511 bytes; of `damaged`, a digest.
[[nodiscard]] bool has_index_keys(const std::vector<TableRow>& rows);

}  // namespace pixmesh

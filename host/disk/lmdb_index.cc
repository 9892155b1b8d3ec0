#include "host/disk/lmdb_index.h"

#include <algorithm>
#include <utility>

#include "base/digest.h"
#include "base/invariant.h"
#include "base/limits.h"
#include "host/disk/lmdb_layout.h"

namespace pixmesh {
namespace {

constexpr std::string_view format_key = "format";
constexpr std::string_view dirty_prefix = "dirty ";

MDB_dbi table_of(const LmdbEnvironment& environment, Table table) {
  switch (table) {
    case Table::facts:
      return table_of(environment, IndexTable::facts);
    case Table::lists:
      return table_of(environment, IndexTable::lists);
    case Table::hints:
      return table_of(environment, IndexTable::hints);
    case Table::requests:
      return table_of(environment, IndexTable::requests);
    case Table::damaged:
      return table_of(environment, IndexTable::damaged);
    case Table::collected:
      return table_of(environment, IndexTable::collected);
  }
  invariant(false, "a table is one of five");
  return 0;
}

Bytes dirty_key(PartitionId partition) {
  const ByteView head = bytes_of(dirty_prefix);
  Bytes key(head.begin(), head.end());
  const Bytes tail = partition_key(partition);
  key.insert(key.end(), tail.begin(), tail.end());
  return key;
}

bool starts_with(ByteView bytes, ByteView prefix) {
  return bytes.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), bytes.begin());
}

PartitionSummary share_of(const IndexEntry& entry, bool damaged) {
  PartitionSummary share;
  share.fingerprint = chunk_checksum(entry.record);
  if (damaged) share.fingerprint = ~share.fingerprint;
  share.record_count = 1;
  share.image_count = entry.digest == Digest{} ? 0 : 1;
  share.damaged_count = damaged ? 1 : 0;
  share.bytes = entry.size;
  return share;
}

/// Sums wrap, so that taking away is adding the negative.
void add(PartitionSummary& sum, const PartitionSummary& share, std::uint64_t times) {
  sum.fingerprint += times * share.fingerprint;
  sum.record_count += times * share.record_count;
  sum.image_count += times * share.image_count;
  sum.damaged_count += times * share.damaged_count;
  sum.bytes += times * share.bytes;
}

constexpr std::uint64_t taken_away = ~std::uint64_t{0};

}  // namespace

Bytes IndexWrite::record(PartitionId partition, const NameDigest& name_digest) const {
  const auto value = transaction_.find(table_of(environment_, IndexTable::records),
                                       record_key(partition, name_digest));
  if (!value) return {};
  const ByteView record = decode_entry(*value).record;
  return {record.begin(), record.end()};
}

Bytes IndexWrite::value(Table table, ByteView key) const {
  const auto value = transaction_.find(table_of(environment_, table), key);
  return value ? Bytes(value->begin(), value->end()) : Bytes{};
}

bool IndexWrite::is_damaged(const Digest& digest) const {
  return transaction_.find(table_of(environment_, IndexTable::damaged), digest.raw).has_value();
}

bool IndexWrite::is_referenced(const Digest& digest) const {
  LmdbCursor cursor(transaction_, table_of(environment_, IndexTable::digests));
  return cursor.seek(digest.raw) && starts_with(cursor.key(), digest.raw);
}

void IndexWrite::put(const IndexRecord& record) {
  erase(record.partition, record.name_digest);
  const IndexEntry entry{record.size, record.name, record.digest, record.record};
  transaction_.put(table_of(environment_, IndexTable::records),
                   record_key(record.partition, record.name_digest), encode_entry(entry));
  transaction_.put(table_of(environment_, IndexTable::names),
                   name_key(record.name, record.name_digest), partition_key(record.partition));
  if (record.digest != Digest{}) {
    transaction_.put(table_of(environment_, IndexTable::digests),
                     digest_key(record.digest, record.partition, record.name_digest), {});
  }
  add(changes_[record.partition], share_of(entry, is_damaged(entry.digest)), 1);
}

void IndexWrite::erase(PartitionId partition, const NameDigest& name_digest) {
  const MDB_dbi records = table_of(environment_, IndexTable::records);
  const Bytes key = record_key(partition, name_digest);
  const auto value = transaction_.find(records, key);
  if (!value) return;
  const IndexEntry entry = decode_entry(*value);
  const Bytes by_name = name_key(entry.name, name_digest);
  const Bytes by_digest = digest_key(entry.digest, partition, name_digest);
  add(changes_[partition], share_of(entry, is_damaged(entry.digest)), taken_away);
  transaction_.erase(records, key);
  transaction_.erase(table_of(environment_, IndexTable::names), by_name);
  transaction_.erase(table_of(environment_, IndexTable::digests), by_digest);
}

void IndexWrite::put_row(const TableRow& row) {
  const MDB_dbi table = table_of(environment_, row.table);
  if (row.table == Table::damaged) {
    const Digest digest = digest_in(row.key);
    if (row.value && !is_referenced(digest)) return;
    const bool before = is_damaged(digest);
    if (before != row.value.has_value()) {
      add_shares_of(digest, before, taken_away);
      add_shares_of(digest, !before, 1);
    }
  }
  if (row.table == Table::collected && row.value) {
    const auto before = transaction_.find(table, row.key);
    if (before && !std::ranges::lexicographical_compare(*before, *row.value)) return;
  }
  if (row.value) {
    transaction_.put(table, row.key, *row.value);
  } else {
    transaction_.erase(table, row.key);
  }
}

/// Of every record that names these bytes.
void IndexWrite::add_shares_of(const Digest& digest, bool damaged, std::uint64_t times) {
  LmdbCursor cursor(transaction_, table_of(environment_, IndexTable::digests));
  for (bool more = cursor.seek(digest.raw); more && starts_with(cursor.key(), digest.raw);
       more = cursor.next()) {
    const ByteView key = cursor.key().subspan(digest.raw.size());
    const auto value = transaction_.find(table_of(environment_, IndexTable::records), key);
    if (value) add(changes_[partition_in(key)], share_of(decode_entry(*value), damaged), times);
  }
}

void IndexWrite::mark_dirty(PartitionId partition) {
  transaction_.put(table_of(environment_, IndexTable::meta), dirty_key(partition), {});
}

void IndexWrite::clear_dirty(PartitionId partition) {
  transaction_.erase(table_of(environment_, IndexTable::meta), dirty_key(partition));
}

void IndexWrite::mark_ready() {
  transaction_.put(table_of(environment_, IndexTable::meta), bytes_of(format_key),
                   CanonicalBytes().u32(format_version).bytes());
}

Result<std::unique_ptr<LmdbIndex>> LmdbIndex::open(const std::filesystem::path& folder,
                                                   std::size_t map_bytes) {
  auto environment = LmdbEnvironment::open(folder, map_bytes, index_table_names());
  if (!environment) return environment.error();
  return std::unique_ptr<LmdbIndex>(new LmdbIndex(std::move(environment).value()));
}

Result<Done> LmdbIndex::write(const std::function<void(IndexWrite&)>& body) {
  std::map<PartitionId, PartitionSummary> changes;
  found_.begin_write();
  Result<Done> done = environment_->write([&](LmdbTransaction& transaction) {
    IndexWrite write(*environment_, transaction);
    body(write);
    changes = write.changes();
  });
  found_.end_write();
  if (!done) return done;
  const std::lock_guard lock(summaries_mutex_);
  for (const auto& [partition, change] : changes) {
    PartitionSummary& sum = summaries_[partition];
    sum.partition = partition;
    add(sum, change, 1);
    if (sum.record_count == 0) summaries_.erase(partition);
  }
  return done;
}

Result<bool> LmdbIndex::is_ready() const {
  Bytes format;
  const Result<Done> done = environment_->read([&](const LmdbTransaction& transaction) {
    const auto value =
        transaction.find(table_of(*environment_, IndexTable::meta), bytes_of(format_key));
    if (value) format.assign(value->begin(), value->end());
  });
  if (!done) return done.error();
  if (format.empty()) return false;
  if (format != CanonicalBytes().u32(format_version).bytes()) {
    return Error{ErrorCode::malformed,
                 "the index has a format that this pixmesh does not know; use a newer pixmesh"};
  }
  return true;
}

Result<std::set<PartitionId>> LmdbIndex::dirty_partitions() const {
  std::set<PartitionId> partitions;
  const ByteView prefix = bytes_of(dirty_prefix);
  const Result<Done> done = environment_->read([&](const LmdbTransaction& transaction) {
    LmdbCursor cursor(transaction, table_of(*environment_, IndexTable::meta));
    for (bool more = cursor.seek(prefix); more && starts_with(cursor.key(), prefix);
         more = cursor.next()) {
      partitions.insert(partition_in(cursor.key().subspan(prefix.size())));
    }
  });
  if (!done) return done.error();
  return partitions;
}

Result<Done> LmdbIndex::load_summaries() {
  std::map<PartitionId, PartitionSummary> sums;
  Result<Done> done = environment_->read([&](const LmdbTransaction& transaction) {
    LmdbCursor cursor(transaction, table_of(*environment_, IndexTable::records));
    const MDB_dbi damaged = table_of(*environment_, IndexTable::damaged);
    for (bool more = cursor.seek({}); more; more = cursor.next()) {
      PartitionSummary& sum = sums[partition_in(cursor.key())];
      sum.partition = partition_in(cursor.key());
      const IndexEntry entry = decode_entry(cursor.value());
      add(sum, share_of(entry, transaction.find(damaged, entry.digest.raw).has_value()), 1);
    }
  });
  if (!done) return done;
  const std::lock_guard lock(summaries_mutex_);
  summaries_ = std::move(sums);
  return done;
}

std::vector<PartitionSummary> LmdbIndex::summaries() const {
  const std::lock_guard lock(summaries_mutex_);
  std::vector<PartitionSummary> all;
  all.reserve(summaries_.size());
  for (const auto& [partition, sum] : summaries_) all.push_back(sum);
  return all;
}

Result<TableRows> LmdbIndex::load(Table table, ByteView prefix) const {
  TableRows rows;
  const Result<Done> done = environment_->read([&](const LmdbTransaction& transaction) {
    LmdbCursor cursor(transaction, table_of(*environment_, table));
    for (bool more = cursor.seek(prefix); more && starts_with(cursor.key(), prefix);
         more = cursor.next()) {
      const ByteView key = cursor.key();
      const ByteView value = cursor.value();
      rows.rows.emplace_back(Bytes(key.begin(), key.end()), Bytes(value.begin(), value.end()));
    }
  });
  if (!done) return done.error();
  return rows;
}

bool has_index_keys(const std::vector<TableRow>& rows) {
  return std::all_of(rows.begin(), rows.end(), [](const TableRow& row) {
    if (row.table == Table::damaged) return row.key.size() == sizeof(Digest::raw);
    return !row.key.empty() && row.key.size() <= 511;
  });
}

}  // namespace pixmesh

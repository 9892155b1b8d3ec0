// The walks of LmdbIndex: pages of records by partition and by name.
#include <algorithm>
#include <string>
#include <utility>

#include "base/limits.h"
#include "host/disk/lmdb_index.h"
#include "host/disk/lmdb_layout.h"

namespace pixmesh {
namespace {

/// Names that share their first 448 bytes, held in memory at once while they are sorted.
constexpr std::size_t shared_names_max = 4'096;
/// A page ends here even below its limit: records of very large images have 8 bytes a chunk.
constexpr std::size_t page_bytes_max = 1U << 20;

/// Fills a page until its limit in records or bytes is reached.
class PageBuilder {
 public:
  explicit PageBuilder(std::uint32_t limit)
      : limit_(std::clamp<std::size_t>(limit, 1, page_entries_max)) {}

  /// False: the page is full, and there is more.
  bool add(ByteView record) {
    if (page_.records.size() >= limit_ || bytes_ >= page_bytes_max) {
      page_.complete = false;
      return false;
    }
    bytes_ += record.size();
    page_.records.emplace_back(record.begin(), record.end());
    return true;
  }
  [[nodiscard]] std::size_t limit() const { return limit_; }
  [[nodiscard]] RecordPage take() { return std::move(page_); }

 private:
  std::size_t limit_;
  std::size_t bytes_ = 0;
  RecordPage page_;
};

bool asks_for_record_alone(const FindRecord& asked) {
  return asked.request.empty() && !asked.digest;
}

/// A name that matches, and where its record is.
struct Match {
  std::string name;
  Bytes record_key;
  bool operator<(const Match& other) const { return name < other.name; }
};

/// One walk over the names table for one ListNames.
class NameWalk {
 public:
  NameWalk(const LmdbTransaction& transaction, MDB_dbi records, MDB_dbi names,
           const ListNames& asked)
      : transaction_(transaction),
        records_(records),
        cursor_(transaction, names),
        asked_(asked),
        key_prefix_(asked.prefix.substr(0, name_key_bytes_max)),
        page_(asked.limit) {}

  RecordPage run() {
    const std::string from = std::max(key_prefix_, asked_.after.substr(0, name_key_bytes_max));
    bool more = cursor_.seek(bytes_of(from));
    while (more && key_name().starts_with(key_prefix_)) {
      if (key_name().size() < name_key_bytes_max) {
        if (!add_short_name()) break;
        more = cursor_.next();
      } else if (!add_shared_names(more)) {
        break;
      }
    }
    return page_.take();
  }

 private:
  [[nodiscard]] std::string_view key_name() const {
    if (cursor_.key().size() <= name_key_tail) throw LmdbFailure{MDB_CORRUPTED, "read a name"};
    return text_of(cursor_.key().first(cursor_.key().size() - name_key_tail));
  }

  [[nodiscard]] Bytes current_record_key() const {
    const ByteView partition = cursor_.value();
    const ByteView digest = cursor_.key().last(name_key_tail - 1);
    Bytes key(partition.begin(), partition.end());
    key.insert(key.end(), digest.begin(), digest.end());
    return key;
  }

  [[nodiscard]] IndexEntry entry_of(const Bytes& record_key) const {
    const auto value = transaction_.find(records_, record_key);
    if (!value) throw LmdbFailure{MDB_CORRUPTED, "find the record of a name"};
    return decode_entry(*value);
  }

  [[nodiscard]] bool is_asked(std::string_view name) const {
    return name > asked_.after && name.starts_with(asked_.prefix);
  }

  bool add_short_name() {
    return !is_asked(key_name()) || page_.add(entry_of(current_record_key()).record);
  }

  /// Takes all names that share the 448 bytes under the cursor, which moves behind them.
  bool add_shared_names(bool& more) {
    const std::string shared(key_name());
    std::vector<Match> matches;
    for (; more && key_name() == shared; more = cursor_.next()) {
      Bytes key = current_record_key();
      std::string name(entry_of(key).name);
      if (!is_asked(name)) continue;
      matches.push_back({std::move(name), std::move(key)});
      if (matches.size() >= shared_names_max) keep_first(matches);
    }
    keep_first(matches);
    return std::all_of(matches.begin(), matches.end(), [this](const Match& match) {
      return page_.add(entry_of(match.record_key).record);
    });
  }

  /// More than one behind the page's limit are never looked at.
  void keep_first(std::vector<Match>& matches) const {
    std::sort(matches.begin(), matches.end());
    if (matches.size() > page_.limit() + 1) matches.resize(page_.limit() + 1);
  }

  const LmdbTransaction& transaction_;
  MDB_dbi records_;
  LmdbCursor cursor_;
  const ListNames& asked_;
  std::string key_prefix_;
  PageBuilder page_;
};

static_assert(page_entries_max + 1 < shared_names_max);

}  // namespace

Result<Bytes> LmdbIndex::find_named(const Digest& first, const Digest& last) const {
  Bytes record;
  const Result<Done> done = environment_->read([&](const LmdbTransaction& transaction) {
    LmdbCursor cursor(transaction, table_of(*environment_, IndexTable::digests));
    if (!cursor.seek(first.raw) || digest_in(cursor.key()) > last) return;
    const auto value = transaction.find(table_of(*environment_, IndexTable::records),
                                        cursor.key().subspan(first.raw.size()));
    if (!value) throw LmdbFailure{MDB_CORRUPTED, "find what names a digest"};
    const ByteView found = decode_entry(*value).record;
    record.assign(found.begin(), found.end());
  });
  if (!done) return done.error();
  return record;
}

Result<StoredRecord> LmdbIndex::find(const FindRecord& asked) const {
  StoredRecord found;
  const auto age = found_.age();
  const Result<Done> done = environment_->read([&](const LmdbTransaction& transaction) {
    const auto value = transaction.find(table_of(*environment_, IndexTable::records),
                                        record_key(asked.partition, asked.name_digest));
    if (value) {
      const ByteView record = decode_entry(*value).record;
      found.record.assign(record.begin(), record.end());
    }
    if (asked.digest) {
      const MDB_dbi damaged = table_of(*environment_, IndexTable::damaged);
      found.damaged = transaction.find(damaged, asked.digest->raw).has_value();
    }
    if (asked.request.empty()) return;
    const auto row = transaction.find(table_of(*environment_, IndexTable::requests), asked.request);
    if (row) found.request_value.assign(row->begin(), row->end());
  });
  if (!done) return done.error();
  if (age && asks_for_record_alone(asked)) {
    found_.add(asked.partition, asked.name_digest, found.record, *age);
  }
  return found;
}

std::optional<StoredRecord> LmdbIndex::find_again(const FindRecord& asked) const {
  if (!asks_for_record_alone(asked)) return std::nullopt;
  auto record = found_.find(asked.partition, asked.name_digest);
  if (!record) return std::nullopt;
  return StoredRecord{std::move(*record), {}, false};
}

Result<RecordPage> LmdbIndex::list_partition(const ListPartition& asked) const {
  PageBuilder page(asked.limit);
  const Bytes from =
      asked.after ? record_key(asked.partition, *asked.after) : partition_key(asked.partition);
  const Result<Done> done = environment_->read([&](const LmdbTransaction& transaction) {
    LmdbCursor cursor(transaction, table_of(*environment_, IndexTable::records));
    for (bool more = cursor.seek(from); more && partition_in(cursor.key()) == asked.partition;
         more = cursor.next()) {
      if (asked.after && name_digest_in(cursor.key()) == *asked.after) continue;
      if (!page.add(decode_entry(cursor.value()).record)) break;
    }
  });
  if (!done) return done.error();
  return page.take();
}

Result<RecordPage> LmdbIndex::list_names(const ListNames& asked) const {
  RecordPage page;
  const Result<Done> done = environment_->read([&](const LmdbTransaction& transaction) {
    page = NameWalk(transaction, table_of(*environment_, IndexTable::records),
                    table_of(*environment_, IndexTable::names), asked)
               .run();
  });
  if (!done) return done.error();
  return page;
}

Result<std::vector<NameDigest>> LmdbIndex::names_of(PartitionId partition) const {
  std::vector<NameDigest> names;
  const Result<Done> done = environment_->read([&](const LmdbTransaction& transaction) {
    LmdbCursor cursor(transaction, table_of(*environment_, IndexTable::records));
    for (bool more = cursor.seek(partition_key(partition));
         more && partition_in(cursor.key()) == partition; more = cursor.next()) {
      names.push_back(name_digest_in(cursor.key()));
    }
  });
  if (!done) return done.error();
  return names;
}

Result<bool> LmdbIndex::is_referenced(const Digest& digest) const {
  bool found = false;
  const Result<Done> done = environment_->read([&](const LmdbTransaction& transaction) {
    LmdbCursor cursor(transaction, table_of(*environment_, IndexTable::digests));
    found = cursor.seek(digest.raw) && cursor.key().size() > digest.raw.size() &&
            std::equal(digest.raw.begin(), digest.raw.end(), cursor.key().begin());
  });
  if (!done) return done.error();
  return found;
}

Result<std::vector<Digest>> LmdbIndex::digests_with(std::uint8_t first_byte) const {
  std::vector<Digest> digests;
  const Result<Done> done = environment_->read([&](const LmdbTransaction& transaction) {
    LmdbCursor cursor(transaction, table_of(*environment_, IndexTable::digests));
    for (bool more = cursor.seek(ByteView(&first_byte, 1)); more && cursor.key()[0] == first_byte;
         more = cursor.next()) {
      Digest digest;
      if (cursor.key().size() < digest.raw.size()) throw LmdbFailure{MDB_CORRUPTED, "read"};
      std::copy_n(cursor.key().begin(), digest.raw.size(), digest.raw.begin());
      if (digests.empty() || digests.back() != digest) digests.push_back(digest);
    }
  });
  if (!done) return done.error();
  return digests;
}

}  // namespace pixmesh

#include "simulations/world/virtual_disk.h"

#include <algorithm>
#include <utility>

#include "base/digest.h"
#include "replication/record.h"

// What each operation does to the files, records and tables of a virtual disk.
namespace pixmesh {
namespace {

constexpr Duration keep_published = 60s;  // a fresh blob may still get its record

std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

Bytes lists_key(PartitionId partition) {
  return {static_cast<std::uint8_t>(partition.raw >> 24),
          static_cast<std::uint8_t>(partition.raw >> 16),
          static_cast<std::uint8_t>(partition.raw >> 8), static_cast<std::uint8_t>(partition.raw)};
}

MediaFacts media_of(const Bytes& bytes) {
  const std::string_view text =
      text_of(ByteView(bytes).first(std::min<std::size_t>(3, bytes.size())));
  return text == "PNG" ? MediaFacts{"png", 640, 480} : MediaFacts{};
}

}  // namespace

Result<DiskAnswer> VirtualDisk::perform(const DiskOperation& operation, const SharedBytes& chunk) {
  return std::visit(
      [&]<typename T>(const T& asked) -> Result<DiskAnswer> {
        if constexpr (std::is_same_v<T, CreateTemp>) {
          temps_[asked.temp] = {{}, asked.hash};
          return DiskAnswer(Done{});
        } else if constexpr (std::is_same_v<T, AppendChunk>) {
          return append(asked, chunk);
        } else if constexpr (std::is_same_v<T, SyncTemp>) {
          return sync(asked);
        } else if constexpr (std::is_same_v<T, DropTemp>) {
          temps_.erase(asked.temp);
          return DiskAnswer(Done{});
        } else if constexpr (std::is_same_v<T, PublishTemp>) {
          return publish(asked);
        } else if constexpr (std::is_same_v<T, WriteFile>) {
          files_[asked.path] = std::make_shared<const Bytes>(asked.bytes);
          ++uncommitted_[asked.path];
          return DiskAnswer(Done{});
        } else if constexpr (std::is_same_v<T, SyncFolders>) {
          return sync_folders(asked);
        } else if constexpr (std::is_same_v<T, CommitRecord>) {
          return commit(asked);
        } else if constexpr (std::is_same_v<T, AbandonRecord>) {
          settle_record_file(asked.partition, asked.name_digest);
          return DiskAnswer(Done{});
        } else if constexpr (std::is_same_v<T, FindRecord>) {
          StoredRecord stored;
          const auto found = records_.find({asked.partition, asked.name_digest});
          if (found != records_.end()) stored.record = found->second.bytes;
          const auto& requests = tables_[Table::requests];
          const auto row = requests.find(asked.request);
          if (row != requests.end()) stored.request_value = row->second;
          if (asked.digest) stored.damaged = is_damaged(*asked.digest);
          return DiskAnswer(std::move(stored));
        } else if constexpr (std::is_same_v<T, ListPartition> || std::is_same_v<T, ListNames>) {
          return list(asked);
        } else if constexpr (std::is_same_v<T, ReadRange>) {
          return Error{ErrorCode::failed, "ranges are read elsewhere"};
        } else if constexpr (std::is_same_v<T, ReadBytes>) {
          auto part = read(asked.range);
          if (!part) return part.error();
          return DiskAnswer(BytesRead{*part.value()});
        } else if constexpr (std::is_same_v<T, CheckChunks>) {
          return check(asked);
        } else if constexpr (std::is_same_v<T, InspectImage>) {
          return inspect(asked);
        } else if constexpr (std::is_same_v<T, VerifyBlob>) {
          return verify(asked);
        } else if constexpr (std::is_same_v<T, DropRecord>) {
          return drop(asked);
        } else if constexpr (std::is_same_v<T, PutValues>) {
          put_rows(asked.rows);
          return DiskAnswer(Done{});
        } else if constexpr (std::is_same_v<T, LoadTable>) {
          return DiskAnswer(rows_with(asked.table, asked.prefix));
        } else {
          return DiskAnswer(summary());
        }
      },
      operation);
}

Result<VirtualDisk::Temp*> VirtualDisk::find(TempId temp) {
  const auto found = temps_.find(temp);
  if (found == temps_.end()) return Error{ErrorCode::not_found, "no such temp file"};
  if (found->second.error) return *found->second.error;
  return &found->second;
}

Result<DiskAnswer> VirtualDisk::append(const AppendChunk& asked, const SharedBytes& chunk) {
  const auto found = find(asked.temp);
  if (!found) return found.error();
  Temp& temp = *found.value();
  const bool falls_short = trouble.short_writes > 0;
  const auto count = static_cast<std::ptrdiff_t>(falls_short ? chunk->size() / 2 : chunk->size());
  temp.bytes.insert(temp.bytes.end(), chunk->begin(), chunk->begin() + count);
  if (!falls_short) return DiskAnswer(Done{});
  --trouble.short_writes;
  temp.error = Error{ErrorCode::no_space, "half of it was written"};
  return *temp.error;
}

Result<DiskAnswer> VirtualDisk::sync(const SyncTemp& asked) {
  const auto found = find(asked.temp);
  if (!found) return found.error();
  Temp& file = *found.value();
  file.synced = true;
  return DiskAnswer(Synced{file.bytes.size(), file.hash ? digest_of(file.bytes) : Digest{},
                           file.hash ? media_of(file.bytes) : MediaFacts{}});
}

Result<DiskAnswer> VirtualDisk::publish(const PublishTemp& asked) {
  if (const auto whole = find(asked.temp); !whole) return whole.error();
  auto temp = temps_.extract(asked.temp);
  temp_at_.erase(asked.temp);
  if (!temp.mapped().synced) {
    faults_.push_back("a file was renamed before it was synced");
    if (!files_.contains(asked.path)) unsynced_.insert(asked.path);
  }
  auto bytes = std::make_shared<const Bytes>(std::move(temp.mapped().bytes));
  SharedBytes& file = files_[asked.path];
  if (!file || *file != *bytes) file = std::move(bytes);
  published_[asked.path] = clock_.now();
  renamed_.insert(asked.path);
  return DiskAnswer(Done{});
}

Result<DiskAnswer> VirtualDisk::sync_folders(const SyncFolders& asked) {
  std::set<std::string> folders;
  for (const std::string& path : asked.paths) folders.insert(folder_of(path));
  for (const std::string& folder : folders) {
    const std::string inside = folder + "/";
    for (auto file = files_.lower_bound(inside); file != files_.end(); ++file) {
      if (file->first.compare(0, inside.size(), inside) != 0) break;
      if (folder_of(file->first) != folder) continue;
      durable_[file->first] = file->second;
      renamed_.erase(file->first);
    }
  }
  return DiskAnswer(Done{});
}

void VirtualDisk::check_durable(const CommitRecord& asked, const RecordPlace& place) {
  // Other bytes may be on their way over some that rotted since they were looked at.
  const auto rotten = rotten_.find(place.blob_path);
  const auto durable = durable_.find(place.blob_path);
  const bool rotted =
      rotten != rotten_.end() && durable != durable_.end() && durable->second == rotten->second;
  const bool needs_blob = !place.blob_path.empty() && !asked.bytes_lost;
  if (needs_blob && !rotted && !is_durable(place.blob_path)) {
    faults_.push_back("a record was committed before its bytes were durable: " + asked.name);
  }
  const SharedBytes record_file = file(place.record_path);
  // With other writes of this name under way the file may say what those say, until all are done.
  const auto writes = uncommitted_.find(place.record_path);
  const bool alone = writes == uncommitted_.end() || writes->second <= 1;
  const bool is_ours = alone && record_file && *record_file == asked.record;
  if (is_ours ? !is_durable(place.record_path) : !durable_.contains(place.record_path)) {
    faults_.push_back("a record was committed before its file was durable: " + asked.name);
  }
}

Result<DiskAnswer> VirtualDisk::commit(const CommitRecord& asked) {
  const Key key{asked.partition, asked.name_digest};
  const auto before = records_.find(key);
  const Bytes stored = before == records_.end() ? Bytes{} : before->second.bytes;
  const auto& lists = tables_[Table::lists];
  const auto row = lists.find(lists_key(asked.partition));
  const Bytes collected =
      this->row(Table::collected, row_prefix(asked.partition)).value_or(Bytes{});
  Admission admission = options_.admit(
      stored, asked.record, row == lists.end() ? Bytes{} : row->second, asked.fence, collected);
  if (admission.store) {
    const auto place = options_.place(asked.record);
    if (!place) return place.error();
    const bool needs_blob = !place->blob_path.empty() && !asked.bytes_lost;
    if (needs_blob && !files_.contains(place->blob_path)) {
      settle_record_file(asked.partition, asked.name_digest);
      return Error{ErrorCode::not_found, place->blob_path + " is not on this disk"};
    }
    // As the real disk does: it may have gone and have been published anew since it was found.
    if (renamed_.erase(place->blob_path) > 0) durable_[place->blob_path] = file(place->blob_path);
    check_durable(asked, place.value());
    if (!asked.fence.empty() && (row == lists.end() || row->second != asked.fence)) {
      faults_.push_back("a write under other lists than this disk's was admitted: " + asked.name);
    }
    if (changing_) changing_(key, asked.name, false);
    records_[key] = {asked.name, asked.digest, asked.size, asked.record};
    by_name_[asked.name] = key;
    put_rows(asked.also);
    if (asked.bytes_lost) put_rows({damaged_row(asked.digest, Bytes{})});
    const auto old = options_.place(stored);
    if (old) collect_unnamed(old->blob_path, old->digest);
  }
  settle_record_file(asked.partition, asked.name_digest);
  return DiskAnswer(CommitOutcome{admission.code, std::move(admission.current)});
}

// After its commit, whatever came of it, a record file says what the index says, unless the commit
// of another write to it is still to come.
void VirtualDisk::settle_record_file(PartitionId partition, const NameDigest& name) {
  const std::string path = record_path(partition, name);
  const auto written = uncommitted_.find(path);
  if (written == uncommitted_.end() || --written->second > 0) return;
  uncommitted_.erase(written);
  const auto stored = records_.find({partition, name});
  if (stored == records_.end()) {
    files_.erase(path);
    durable_.erase(path);
  } else if (const SharedBytes now = file(path); !now || *now != stored->second.bytes) {
    files_[path] = durable_[path] = std::make_shared<const Bytes>(stored->second.bytes);
  }
}

// Blobs that got a name a while ago and that no record came for.
void VirtualDisk::tidy() {
  tidied_ = clock_.now();
  std::set<std::string> named;
  for (const auto& [key, record] : records_) {
    const auto place = options_.place(record.bytes);
    if (place) named.insert(place->blob_path);
  }
  std::erase_if(published_, [&](const auto& blob) {
    if (clock_.now() < blob.second + keep_published) return false;
    if (!named.contains(blob.first)) {
      files_.erase(blob.first);
      durable_.erase(blob.first);
    }
    return true;
  });
}

bool VirtualDisk::is_named(const Digest& digest) const {
  return std::any_of(records_.begin(), records_.end(),
                     [&](const auto& entry) { return entry.second.digest == digest; });
}

bool VirtualDisk::is_damaged(const Digest& digest) const {
  const auto rows = tables_.find(Table::damaged);
  if (rows == tables_.end() || rows->second.empty()) return false;
  return rows->second.contains(damaged_row(digest, {}).key);
}

void VirtualDisk::collect_unnamed(const std::string& path, const Digest& digest) {
  if (is_named(digest)) return;
  put_rows({damaged_row(digest, std::nullopt)});
  const auto fresh = published_.find(path);
  if (fresh != published_.end() && clock_.now() < fresh->second + keep_published) return;
  files_.erase(path);
  durable_.erase(path);
}

Result<DiskAnswer> VirtualDisk::drop(const DropRecord& asked) {
  const auto found = records_.find({asked.partition, asked.name_digest});
  if (found == records_.end()) return DiskAnswer(Done{});
  if (found->second.bytes != asked.expected || uncommitted_.contains(asked.record_path)) {
    return Error{ErrorCode::stale, "the record to drop has changed"};
  }
  const Digest digest = found->second.digest;
  if (changing_) changing_(found->first, found->second.name, true);
  if (digest == Digest{}) dropped_tombstones_[found->first] = found->second.bytes;
  by_name_.erase(found->second.name);
  records_.erase(found);
  files_.erase(asked.record_path);
  durable_.erase(asked.record_path);
  if (!asked.blob_path.empty()) collect_unnamed(asked.blob_path, digest);
  return DiskAnswer(Done{});
}

void VirtualDisk::put_rows(const std::vector<TableRow>& rows) {
  for (const TableRow& row : rows) {
    shown_.erase(row.table);
    if (row.table == Table::facts) ++fact_changes_;
    if (row.table == Table::damaged && row.value) {
      Digest digest;
      std::copy(row.key.begin(), row.key.end(), digest.raw.begin());
      if (!is_named(digest)) continue;
    }
    if (row.table == Table::collected && row.value && *row.value <= tables_[row.table][row.key]) {
      continue;
    }
    if (row.value) {
      tables_[row.table][row.key] = *row.value;
    } else {
      tables_[row.table].erase(row.key);
    }
  }
}

std::optional<Bytes> VirtualDisk::row(Table table, const Bytes& key) const {
  const auto rows = tables_.find(table);
  if (rows == tables_.end()) return std::nullopt;
  const auto found = rows->second.find(key);
  return found == rows->second.end() ? std::nullopt : std::optional(found->second);
}

const TableRows& VirtualDisk::table(Table table) const {
  const auto [shown, is_new] = shown_.try_emplace(table);
  const auto found = tables_.find(table);
  if (is_new && found != tables_.end()) {
    shown->second.rows.assign(found->second.begin(), found->second.end());
  }
  return shown->second;
}

TableRows VirtualDisk::rows_with(Table table, const Bytes& prefix) const {
  TableRows found;
  const auto rows = tables_.find(table);
  if (rows == tables_.end()) return found;
  for (auto row = rows->second.lower_bound(prefix); row != rows->second.end(); ++row) {
    const Bytes& key = row->first;
    if (key.size() < prefix.size() || !std::equal(prefix.begin(), prefix.end(), key.begin())) break;
    found.rows.emplace_back(*row);
  }
  return found;
}

DiskSummary VirtualDisk::summary() const {
  std::map<PartitionId, PartitionSummary> parts;
  for (const auto& [key, record] : records_) {
    PartitionSummary& part = parts[key.first];
    part.partition = key.first;
    const bool damaged = is_damaged(record.digest);
    const std::uint64_t sum = chunk_checksum(record.bytes);
    part.fingerprint += damaged ? ~sum : sum;
    part.damaged_count += damaged ? 1 : 0;
    ++part.record_count;
    if (record.digest == Digest{}) continue;
    ++part.image_count;
    part.bytes += record.size;
  }
  DiskSummary summary;
  for (const auto& [partition, part] : parts) summary.partitions.push_back(part);
  summary.free_bytes = summary.total_bytes = 1ULL << 40;
  summary.full = trouble.full;
  return summary;
}

}  // namespace pixmesh

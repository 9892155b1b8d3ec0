#include "simulations/world/virtual_disk.h"

#include <algorithm>
#include <utility>

#include "base/digest.h"

namespace pixmesh {
namespace {

constexpr std::size_t sector_bytes = 512;
constexpr Duration keep_published = 60s;  // a fresh blob may still get its record

std::optional<TempId> temp_of(const DiskOperation& operation) {
  return std::visit(
      [](const auto& one) -> std::optional<TempId> {
        if constexpr (requires { one.temp; }) return one.temp;
        return std::nullopt;
      },
      operation);
}

bool only_reads(const DiskOperation& operation) {
  return std::visit(
      []<typename T>(const T&) {
        return std::is_same_v<T, FindRecord> || std::is_same_v<T, ListPartition> ||
               std::is_same_v<T, ListNames> || std::is_same_v<T, ReadRange> ||
               std::is_same_v<T, LoadTable> || std::is_same_v<T, Summarize>;
      },
      operation);
}

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

void VirtualDisk::open(ChunkPool& chunks, Answered answered) {
  chunks_ = &chunks;
  answered_ = std::move(answered);
  std::set<std::string> wanted;
  for (const auto& [key, record] : records_) {
    const auto place = options_.place(record.bytes);
    if (!place) continue;
    wanted.insert(place->blob_path);
    wanted.insert(place->record_path);
    files_[place->record_path] = std::make_shared<const Bytes>(record.bytes);
  }
  std::erase_if(files_, [&](const auto& file) { return !wanted.contains(file.first); });
  durable_ = files_;
}

void VirtualDisk::crash() {
  ++life_;
  temps_.clear();
  temp_at_.clear();
  published_.clear();
  Files kept = durable_;
  for (const auto& [path, bytes] : files_) {  // a rename that was not synced may have made it
    if (!kept.contains(path) && rng_.below(2) == 0) kept[path] = bytes;
    if (kept.contains(path) && rng_.below(2) == 0) kept[path] = bytes;
  }
  for (const std::string& path : unsynced_) {  // its name came, its bytes did not
    const auto torn = kept.find(path);
    if (torn == kept.end()) continue;
    Bytes bytes = *torn->second;
    const std::size_t sectors = bytes.size() / sector_bytes + 1;
    bytes.resize(std::min<std::size_t>(bytes.size(), rng_.below(sectors) * sector_bytes));
    torn->second = std::make_shared<const Bytes>(std::move(bytes));
  }
  unsynced_.clear();
  steps_left_ = 0;
  files_ = std::move(kept);
  durable_ = files_;
}

Instant VirtualDisk::time_of(const DiskOperation& operation) {
  const Instant done =
      clock_.now() + trouble.slower + 100us + std::chrono::microseconds(rng_.below(900));
  if (only_reads(operation)) return done;
  if (const auto temp = temp_of(operation)) {
    Instant& last = temp_at_[*temp];
    last = std::max(last, done);
    if (std::holds_alternative<PublishTemp>(operation)) storage_at_ = std::max(storage_at_, last);
    return last;
  }
  storage_at_ = std::max(storage_at_, done);
  return storage_at_;
}

void VirtualDisk::submit(OperationId ticket, DiskOperation operation) {
  SharedBytes chunk;
  if (const auto* piece = std::get_if<AppendChunk>(&operation)) chunk = chunks_->take(piece->chunk);
  const Instant when = time_of(operation);
  clock_.at(when, [this, ticket, operation = std::move(operation), chunk, life = life_] {
    if (life == life_) finish(ticket, operation, chunk);
  });
}

void VirtualDisk::finish(OperationId ticket, const DiskOperation& operation,
                         const SharedBytes& chunk) {
  const bool interrupted = !only_reads(operation) && steps_left_ > 0 && --steps_left_ == 0;
  if (interrupted && rng_.below(2) == 0) return std::exchange(interruption_, nullptr)();
  const auto* range = std::get_if<ReadRange>(&operation);
  auto answer = std::make_shared<Result<DiskAnswer>>(DiskAnswer(Done{}));
  SharedBytes bytes;
  if (const auto wrong = trouble_with(operation)) {
    *answer = *wrong;
  } else if (range != nullptr) {
    auto part = read(*range);
    if (part) bytes = std::move(part).value();
    if (!bytes) *answer = part.error();
  } else {
    *answer = perform(operation, chunk);
  }
  if (interrupted) return std::exchange(interruption_, nullptr)();
  clock_.after(100us, [this, life = life_, ticket, bytes, answer] {
    if (life != life_) return;
    // The bytes come into memory with the event that tells of them.
    if (bytes) *answer = DiskAnswer(RangeRead{chunks_->add(bytes)});
    answered_({options_.index, ticket, *answer});
  });
}

std::optional<Error> VirtualDisk::trouble_with(const DiskOperation& operation) {
  const auto strikes = [](std::uint32_t& count) { return count > 0 && count-- > 0; };
  return std::visit(
      [&]<typename T>(const T&) -> std::optional<Error> {
        constexpr bool writes = std::is_same_v<T, AppendChunk> || std::is_same_v<T, WriteFile> ||
                                std::is_same_v<T, CommitRecord> || std::is_same_v<T, PutValues>;
        constexpr bool syncs = std::is_same_v<T, SyncTemp> || std::is_same_v<T, SyncFolders>;
        if constexpr (writes) {
          if (trouble.full) return Error{ErrorCode::no_space, "the disk is full"};
          if (strikes(trouble.failing_writes)) return Error{ErrorCode::failed, "EIO on write"};
        }
        if constexpr (syncs) {
          if (strikes(trouble.failing_syncs)) return Error{ErrorCode::failed, "EIO on fsync"};
        }
        if constexpr (std::is_same_v<T, ReadRange>) {
          if (strikes(trouble.failing_reads)) return Error{ErrorCode::failed, "EIO on read"};
        }
        return std::nullopt;
      },
      operation);
}

void VirtualDisk::interrupt_after(std::uint32_t steps, std::function<void()> then) {
  steps_left_ = steps;
  interruption_ = std::move(then);
}

void VirtualDisk::lose() {
  temps_.clear();
  files_.clear();
  durable_.clear();
  published_.clear();
  unsynced_.clear();
  records_.clear();
  by_name_.clear();
  tables_.clear();
}

Result<DiskAnswer> VirtualDisk::perform(const DiskOperation& operation, const SharedBytes& chunk) {
  return std::visit(
      [&]<typename T>(const T& asked) -> Result<DiskAnswer> {
        if constexpr (std::is_same_v<T, CreateTemp>) {
          temps_[asked.temp] = {{}, asked.hash, false};
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
          return DiskAnswer(Done{});
        } else if constexpr (std::is_same_v<T, SyncFolders>) {
          return sync_folders(asked);
        } else if constexpr (std::is_same_v<T, CommitRecord>) {
          return commit(asked);
        } else if constexpr (std::is_same_v<T, FindRecord>) {
          StoredRecord stored;
          const auto found = records_.find({asked.partition, asked.name_digest});
          if (found != records_.end()) stored.record = found->second.bytes;
          const auto& requests = tables_[Table::requests];
          const auto row = requests.find(asked.request);
          if (row != requests.end()) stored.request_value = row->second;
          return DiskAnswer(std::move(stored));
        } else if constexpr (std::is_same_v<T, ListPartition> || std::is_same_v<T, ListNames>) {
          return list(asked);
        } else if constexpr (std::is_same_v<T, ReadRange>) {
          return Error{ErrorCode::failed, "ranges are read elsewhere"};
        } else if constexpr (std::is_same_v<T, DropRecord>) {
          return drop(asked);
        } else if constexpr (std::is_same_v<T, PutValues>) {
          put_rows(asked.rows);
          return DiskAnswer(Done{});
        } else if constexpr (std::is_same_v<T, LoadTable>) {
          return DiskAnswer(table(asked.table));
        } else {
          return DiskAnswer(summary());
        }
      },
      operation);
}

Result<DiskAnswer> VirtualDisk::append(const AppendChunk& asked, const SharedBytes& chunk) {
  const auto temp = temps_.find(asked.temp);
  if (temp == temps_.end()) return Error{ErrorCode::not_found, "no such temp file"};
  temp->second.bytes.insert(temp->second.bytes.end(), chunk->begin(), chunk->end());
  return DiskAnswer(Done{});
}

Result<DiskAnswer> VirtualDisk::sync(const SyncTemp& asked) {
  const auto temp = temps_.find(asked.temp);
  if (temp == temps_.end()) return Error{ErrorCode::not_found, "no such temp file"};
  Temp& file = temp->second;
  file.synced = true;
  return DiskAnswer(Synced{file.bytes.size(), file.hash ? digest_of(file.bytes) : Digest{},
                           file.hash ? media_of(file.bytes) : MediaFacts{}});
}

Result<DiskAnswer> VirtualDisk::publish(const PublishTemp& asked) {
  auto temp = temps_.extract(asked.temp);
  temp_at_.erase(asked.temp);
  if (!temp) return Error{ErrorCode::not_found, "no such temp file"};
  if (!temp.mapped().synced) {
    faults_.push_back("a file was renamed before it was synced");
    if (!files_.contains(asked.path)) unsynced_.insert(asked.path);
  }
  files_.try_emplace(asked.path, std::make_shared<const Bytes>(std::move(temp.mapped().bytes)));
  published_[asked.path] = clock_.now();
  return DiskAnswer(Done{});
}

Result<DiskAnswer> VirtualDisk::sync_folders(const SyncFolders& asked) {
  std::set<std::string> folders;
  for (const std::string& path : asked.paths) folders.insert(folder_of(path));
  for (const auto& [path, bytes] : files_) {
    if (folders.contains(folder_of(path))) durable_[path] = bytes;
  }
  return DiskAnswer(Done{});
}

void VirtualDisk::check_durable(const CommitRecord& asked, const RecordPlace& place) {
  if (!place.blob_path.empty() && !is_durable(place.blob_path)) {
    faults_.push_back("a record was committed before its bytes were durable: " + asked.name);
  }
  if (!is_durable(place.record_path)) {
    faults_.push_back("a record was committed before its file was durable: " + asked.name);
  }
}

Result<DiskAnswer> VirtualDisk::commit(const CommitRecord& asked) {
  const Key key{asked.partition, asked.name_digest};
  const auto before = records_.find(key);
  const Bytes stored = before == records_.end() ? Bytes{} : before->second.bytes;
  const auto& lists = tables_[Table::lists];
  const auto row = lists.find(lists_key(asked.partition));
  Admission admission =
      options_.admit(stored, asked.record, row == lists.end() ? Bytes{} : row->second, asked.fence);
  if (admission.store) {
    const auto place = options_.place(asked.record);
    if (!place) return place.error();
    if (!place->blob_path.empty() && !files_.contains(place->blob_path)) {
      return Error{ErrorCode::not_found, place->blob_path + " is not on this disk"};
    }
    check_durable(asked, place.value());
    if (changing_) changing_(key, asked.name, false);
    records_[key] = {asked.name, asked.digest, asked.size, asked.record};
    by_name_[asked.name] = key;
    put_rows(asked.also);
    const auto old = options_.place(stored);
    if (old) collect_unnamed(old->blob_path, old->digest);
  }
  return DiskAnswer(CommitOutcome{admission.code, std::move(admission.current)});
}

void VirtualDisk::collect_unnamed(const std::string& path, const Digest& digest) {
  const bool named = std::any_of(records_.begin(), records_.end(),
                                 [&](const auto& entry) { return entry.second.digest == digest; });
  const auto fresh = published_.find(path);
  if (named || (fresh != published_.end() && clock_.now() < fresh->second + keep_published)) return;
  files_.erase(path);
  durable_.erase(path);
}

Result<DiskAnswer> VirtualDisk::list(const ListPartition& asked) const {
  RecordPage page;
  auto place = asked.after ? records_.upper_bound({asked.partition, *asked.after})
                           : records_.lower_bound({asked.partition, NameDigest{}});
  for (; place != records_.end() && place->first.first == asked.partition; ++place) {
    if (page.records.size() == asked.limit) {
      page.complete = false;
      break;
    }
    page.records.push_back(place->second.bytes);
  }
  return DiskAnswer(std::move(page));
}

Result<DiskAnswer> VirtualDisk::list(const ListNames& asked) const {
  RecordPage page;
  for (auto place = by_name_.upper_bound(asked.after); place != by_name_.end(); ++place) {
    if (place->first.rfind(asked.prefix, 0) != 0) continue;
    if (page.records.size() == asked.limit) {
      page.complete = false;
      break;
    }
    page.records.push_back(records_.at(place->second).bytes);
  }
  return DiskAnswer(std::move(page));
}

Result<SharedBytes> VirtualDisk::read(const ReadRange& asked) {
  const SharedBytes whole = file(asked.path);
  if (!whole) return Error{ErrorCode::not_found, asked.path + " is not here"};
  if (whole->size() < asked.offset + asked.length) {
    return Error{ErrorCode::corrupt, asked.path + " is too short"};
  }
  const auto begin = whole->begin() + static_cast<long>(asked.offset);
  Bytes part(begin, begin + asked.length);
  if (trouble.misdirected_reads > 0 && !part.empty()) {
    --trouble.misdirected_reads;
    rng_.fill(part);
  }
  if (asked.checksum && *asked.checksum != chunk_checksum(part)) {
    return Error{ErrorCode::corrupt, "a chunk of " + asked.path + " has another checksum"};
  }
  return std::make_shared<const Bytes>(std::move(part));
}

Result<DiskAnswer> VirtualDisk::drop(const DropRecord& asked) {
  const auto found = records_.find({asked.partition, asked.name_digest});
  if (found == records_.end()) return DiskAnswer(Done{});
  const SharedBytes record_file = file(asked.record_path);
  if (found->second.bytes != asked.expected || (record_file && *record_file != asked.expected)) {
    return Error{ErrorCode::stale, "the record to drop has changed"};
  }
  const Digest digest = found->second.digest;
  if (changing_) changing_(found->first, found->second.name, true);
  by_name_.erase(found->second.name);
  records_.erase(found);
  files_.erase(asked.record_path);
  durable_.erase(asked.record_path);
  if (!asked.blob_path.empty()) collect_unnamed(asked.blob_path, digest);
  return DiskAnswer(Done{});
}

void VirtualDisk::put_rows(const std::vector<TableRow>& rows) {
  for (const TableRow& row : rows) {
    if (row.value) {
      tables_[row.table][row.key] = *row.value;
    } else {
      tables_[row.table].erase(row.key);
    }
  }
}

TableRows VirtualDisk::table(Table table) const {
  TableRows rows;
  const auto found = tables_.find(table);
  if (found == tables_.end()) return rows;
  rows.rows.assign(found->second.begin(), found->second.end());
  return rows;
}

DiskSummary VirtualDisk::summary() const {
  std::map<PartitionId, PartitionSummary> parts;
  for (const auto& [key, record] : records_) {
    PartitionSummary& part = parts[key.first];
    part.partition = key.first;
    part.fingerprint += chunk_checksum(record.bytes);
    ++part.record_count;
    if (record.digest == Digest{}) continue;
    ++part.image_count;
    part.bytes += record.size;
  }
  DiskSummary summary;
  for (const auto& [partition, part] : parts) summary.partitions.push_back(part);
  summary.free_bytes = summary.total_bytes = 1ULL << 40;
  return summary;
}

SharedBytes VirtualDisk::file(const std::string& path) const {
  const auto found = files_.find(path);
  return found == files_.end() ? nullptr : found->second;
}

bool VirtualDisk::is_durable(const std::string& path) const {
  const auto found = durable_.find(path);
  return found != durable_.end() && found->second == file(path) && !unsynced_.contains(path);
}

Instant VirtualDisk::published_at(const std::string& path) const {
  const auto found = published_.find(path);
  return found == published_.end() ? Instant{} : found->second;
}

void VirtualDisk::write_file(const std::string& path, Bytes bytes) {
  files_[path] = std::make_shared<const Bytes>(std::move(bytes));
}

void VirtualDisk::remove_file(const std::string& path) { files_.erase(path); }

void VirtualDisk::damage(const std::string& path) {
  const SharedBytes whole = file(path);
  invariant(whole && !whole->empty(), "only a file that is here can be damaged");
  Bytes damaged = *whole;
  damaged[damaged.size() / 2] ^= 0x40;
  files_[path] = durable_[path] = std::make_shared<const Bytes>(std::move(damaged));
}

std::vector<std::string> VirtualDisk::blob_paths() const {
  std::vector<std::string> paths;
  for (const auto& [path, bytes] : files_) {
    if (path.rfind("blobs/", 0) == 0) paths.push_back(path);
  }
  return paths;
}

}  // namespace pixmesh

// The part of DiskBatch that commits to the index and drops from it, and keeps record files to what
// the index says.
#include <algorithm>
#include <system_error>

#include "base/digest.h"
#include "base/limits.h"
#include "host/disk/disk_batch.h"
#include "host/disk/lmdb_layout.h"

namespace pixmesh {
namespace {

namespace fs = std::filesystem;

Result<Done> check_commit(const CommitRecord& asked) {
  const bool fits = !asked.name.empty() && asked.name.size() <= name_bytes_max &&
                    asked.name.find('\0') == std::string::npos && !asked.record.empty() &&
                    asked.partition.raw < 1U << partition_bits_max && has_index_keys(asked.also);
  if (!fits) return Error{ErrorCode::usage, "a record that no index can hold"};
  return Done{};
}

}  // namespace

bool parse_blob_path(std::string_view path, Digest& digest) {
  constexpr std::string_view folder = "blobs/";
  if (!path.starts_with(folder)) return false;
  path.remove_prefix(folder.size());
  if (path.size() < 6 || path[2] != '/' || path[5] != '/') return false;
  std::string hex(path.substr(0, 2));
  hex.append(path.substr(3, 2)).append(path.substr(6, path.find('.') - 6));
  return parse_id(hex, digest);
}

/// An index that cannot be written, or is no index any more, is a lost disk.
Result<Done> DiskBatch::write_index(const std::function<void(IndexWrite&)>& body) {
  Result<Done> done = index_.write(body);
  if (!done && done.error().code != ErrorCode::no_space) folder_.mark_failed(done.error());
  return done;
}

void DiskBatch::commit(const std::vector<StorageTask>& tasks) {
  Answers outcomes;
  std::vector<Blob> left;
  const auto has_work = [](const StorageTask& task) {
    return std::holds_alternative<CommitRecord>(task.operation) ||
           std::holds_alternative<PutValues>(task.operation);
  };
  if (std::none_of(tasks.begin(), tasks.end(), has_work)) return;
  const Result<Done> done = write_index([&](IndexWrite& write) {
    outcomes.clear();
    left.clear();
    for (const StorageTask& task : tasks) {
      if (const auto* asked = std::get_if<CommitRecord>(&task.operation)) {
        outcomes.emplace_back(task.ticket, commit_one(write, *asked, left));
      } else if (const auto* put = std::get_if<PutValues>(&task.operation)) {
        outcomes.emplace_back(task.ticket, put_values(write, *put));
      }
    }
    keep_unreferenced(write, left);
  });
  for (auto& [ticket, outcome] : outcomes) {
    tell(ticket, done ? std::move(outcome) : Result<DiskAnswer>(done.error()));
  }
  if (done) unnamed_.insert(unnamed_.end(), left.begin(), left.end());
  settle_record_files(tasks);
}

void DiskBatch::settle_record_files(const std::vector<StorageTask>& tasks) {
  each_of<CommitRecord>(tasks, [&](const StorageTask&, const CommitRecord& asked) {
    settle_record_file(asked.partition, asked.name_digest);
  });
}

void DiskBatch::abandon(const std::vector<StorageTask>& tasks) {
  each_of<AbandonRecord>(tasks, [&](const StorageTask& task, const AbandonRecord& asked) {
    settle_record_file(asked.partition, asked.name_digest);
    tell(task.ticket, Done{});
  });
}

Result<DiskAnswer> DiskBatch::put_values(IndexWrite& write, const PutValues& asked) const {
  if (!has_index_keys(asked.rows)) return Error{ErrorCode::usage, "a key that no index can hold"};
  for (const TableRow& row : asked.rows) write.put_row(row);
  return DiskAnswer(Done{});
}

Result<DiskAnswer> DiskBatch::commit_one(IndexWrite& write, const CommitRecord& asked,
                                         std::vector<Blob>& left) {
  if (const Result<Done> fits = check_commit(asked); !fits) return fits.error();
  const Bytes stored = write.record(asked.partition, asked.name_digest);
  const Bytes lists = write.value(Table::lists, partition_key(asked.partition));
  const Bytes collected = write.value(Table::collected, partition_key(asked.partition));
  Admission admission = admit_(stored, asked.record, lists, asked.fence, collected);
  if (admission.store) {
    const Result<RecordPlace> place = place_(asked.record);
    if (!place) return place.error();
    std::error_code unknown;
    const bool needs_blob = !place->blob_path.empty() && !asked.bytes_lost;
    if (needs_blob && !fs::exists(folder_.root() / place->blob_path, unknown)) {
      return Error{ErrorCode::not_found, place->blob_path + " is not on this disk"};
    }
    write.put(
        {asked.partition, asked.name_digest, asked.name, asked.digest, asked.size, asked.record});
    for (const TableRow& row : asked.also) write.put_row(row);
    if (asked.bytes_lost) write.put_row(damaged_row(asked.digest, Bytes{}));
    const Result<RecordPlace> before = place_(stored);
    if (before && !before->blob_path.empty()) left.push_back({before->digest, before->blob_path});
  }
  return DiskAnswer(CommitOutcome{admission.code, std::move(admission.current)});
}

void DiskBatch::keep_unreferenced(IndexWrite& write, std::vector<Blob>& blobs) const {
  std::erase_if(blobs, [&](const Blob& blob) { return write.is_referenced(blob.digest); });
  for (const Blob& blob : blobs) write.put_row(damaged_row(blob.digest, std::nullopt));
}

/// After its commit, whatever came of it, a record file says what the index says, unless the
/// commit of another write to it is still to come: that one may be of the very same record.
void DiskBatch::settle_record_file(PartitionId partition, const NameDigest& name) {
  const std::string path = record_file_path(partition, name);
  const auto file = uncommitted_.find(path);
  if (file == uncommitted_.end() || --file->second.commits_to_come > 0) return;
  const Result<StoredRecord> stored = index_.find({partition, name, {}});
  if (!stored) return;
  if (!stored->record.empty() && chunk_checksum(stored->record) == file->second.checksum) {
    uncommitted_.erase(file);
  } else {
    set_back_record_file(path, stored->record);
  }
}

/// Where this fails the file stays listed as uncommitted and its partition dirty: the next start
/// does it, if the record is not dropped before.
void DiskBatch::set_back_record_file(const std::string& path, ByteView stored) {
  Result<Done> done = Done{};
  if (stored.empty()) {
    done = folder_.remove(path);
  } else {
    const Result<fs::path> temp = folder_.write_framed_temp(stored);
    done = temp ? folder_.publish(temp.value(), path) : Result<Done>(temp.error());
  }
  std::set<fs::path> synced;
  if (done) done = folder_.sync_folders({path}, synced);
  if (done) uncommitted_.erase(path);
}

/// The record file goes first: should we stop in between, the record is still whole, not half gone.
void DiskBatch::drop(const std::vector<StorageTask>& tasks) {
  std::vector<Drop> drops;
  std::vector<std::string> paths;
  each_of<DropRecord>(tasks, [&](const StorageTask& task, const DropRecord& asked) {
    const Result<Done> removed = remove_record_file(asked);
    if (!removed) return tell(task.ticket, removed);
    drops.push_back({task.ticket, &asked});
    paths.push_back(asked.record_path);
  });
  if (drops.empty()) return;
  std::set<fs::path> synced;
  const Result<Done> durable = folder_.sync_folders(paths, synced);
  if (durable || durable.error().code == ErrorCode::not_found) return drop_from_index(drops);
  for (const Drop& one : drops) tell(one.ticket, durable);
}

/// @returns `stale` if the record, or its file ahead of a commit, is not what the asker expects.
Result<Done> DiskBatch::remove_record_file(const DropRecord& asked) {
  const Result<StoredRecord> stored = index_.find({asked.partition, asked.name_digest, {}});
  if (!stored) return stored.error();
  const bool is_expected = stored->record.empty() || stored->record == asked.expected;
  const auto ahead = uncommitted_.find(asked.record_path);
  const bool is_ahead = ahead != uncommitted_.end() && ahead->second.commits_to_come > 0;
  if (!is_expected || is_ahead) {
    return Error{ErrorCode::stale, "the record to drop has changed: " + asked.record_path};
  }
  Result<Done> removed = folder_.remove(asked.record_path);
  if (removed) uncommitted_.erase(asked.record_path);
  return removed;
}

void DiskBatch::drop_from_index(const std::vector<Drop>& drops) {
  std::vector<Blob> left;
  const Result<Done> done = write_index([&](IndexWrite& write) {
    left.clear();
    for (const auto& [ticket, asked] : drops) {
      write.erase(asked->partition, asked->name_digest);
      Digest digest;
      if (parse_blob_path(asked->blob_path, digest)) left.push_back({digest, asked->blob_path});
    }
    keep_unreferenced(write, left);
  });
  if (done) unnamed_.insert(unnamed_.end(), left.begin(), left.end());
  for (const auto& [ticket, asked] : drops) {
    tell(ticket, done);
    if (!done) set_back_record_file(asked->record_path, asked->expected);
  }
}

}  // namespace pixmesh

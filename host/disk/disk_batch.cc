#include "host/disk/disk_batch.h"

#include <unistd.h>

#include <algorithm>
#include <system_error>

#include "base/digest.h"
#include "base/limits.h"
#include "host/disk/framed_file.h"
#include "host/disk/lmdb_layout.h"

namespace pixmesh {
namespace {

namespace fs = std::filesystem;

/// Record files written before the first of them is synced and closed.
constexpr std::size_t open_files_max = 64;

/// The partition whose record files or index entries an operation changes, if any.
std::optional<PartitionId> changed_partition(const DiskOperation& operation) {
  if (const auto* write = std::get_if<WriteFile>(&operation)) return partition_of_path(write->path);
  if (const auto* commit = std::get_if<CommitRecord>(&operation)) return commit->partition;
  if (const auto* drop = std::get_if<DropRecord>(&operation)) return drop->partition;
  if (const auto* gone = std::get_if<AbandonRecord>(&operation)) return gone->partition;
  return std::nullopt;
}

template <typename Operation, typename Step>
void each(const std::vector<StorageTask>& tasks, Step step) {
  for (const StorageTask& task : tasks) {
    if (const auto* operation = std::get_if<Operation>(&task.operation)) step(task, *operation);
  }
}

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

DiskBatch::DiskBatch(DiskFolder& folder, LmdbIndex& index, Admit admit, PlaceRecord place,
                     DiskBatchOptions options, AnswerTask answer)
    : folder_(folder),
      index_(index),
      admit_(std::move(admit)),
      place_(std::move(place)),
      options_(options),
      answer_(std::move(answer)) {}

void DiskBatch::tell(OperationId ticket, Result<DiskAnswer> answer) {
  if (!answer && answer.error().code == ErrorCode::no_space) space_is_short_ = true;
  answers_.emplace_back(ticket, std::move(answer));
}

void DiskBatch::tell(OperationId ticket, Result<Done> done) {
  tell(ticket, done ? Result<DiskAnswer>(DiskAnswer(Done{})) : Result<DiskAnswer>(done.error()));
}

/// An index that cannot be written, or is no index any more, is a lost disk.
Result<Done> DiskBatch::write_index(const std::function<void(IndexWrite&)>& body) {
  Result<Done> done = index_.write(body);
  if (!done && done.error().code != ErrorCode::no_space) folder_.mark_failed(done.error());
  return done;
}

void DiskBatch::run(std::vector<StorageTask> tasks, Instant now) {
  publish(tasks, now);
  const Result<Done> marked = mark_dirty(tasks);
  if (marked) {
    write_files(tasks);
    sync_folders(tasks);
    commit(tasks);
    abandon(tasks);
    drop(tasks);
  } else {
    refuse(tasks, marked.error());
  }
  give_answers();
  if (!folder_.has_failed()) trash(unnamed_);
  unnamed_.clear();
  if (std::exchange(space_is_short_, false)) folder_.empty_trash(Duration{0});
}

/// Bytes that reached a failing device are not durable, whatever its calls returned.
void DiskBatch::give_answers() {
  for (auto& [ticket, answer] : std::exchange(answers_, {})) {
    if (folder_.has_failed()) answer = Error{ErrorCode::failed, "the disk has failed"};
    answer_(ticket, std::move(answer));
  }
}

Result<Done> DiskBatch::mark_dirty(const std::vector<StorageTask>& tasks) {
  std::set<PartitionId> fresh;
  for (const StorageTask& task : tasks) {
    const auto partition = changed_partition(task.operation);
    if (partition && !dirty_.contains(*partition)) fresh.insert(*partition);
  }
  if (fresh.empty()) return Done{};
  Result<Done> done = write_index([&](IndexWrite& write) {
    for (const PartitionId partition : fresh) write.mark_dirty(partition);
  });
  if (done) dirty_.insert(fresh.begin(), fresh.end());
  return done;
}

void DiskBatch::refuse(const std::vector<StorageTask>& tasks, const Error& error) {
  for (const StorageTask& task : tasks) {
    if (!std::holds_alternative<PublishTemp>(task.operation)) {
      tell(task.ticket, Result<DiskAnswer>(error));
    }
  }
  settle_record_files(tasks);
}

void DiskBatch::publish(const std::vector<StorageTask>& tasks, Instant now) {
  each<PublishTemp>(tasks, [&](const StorageTask& task, const PublishTemp& asked) {
    const Result<Done> done = folder_.publish(task.temp, asked.path);
    if (done) {
      published_[asked.path] = now;
      renamed_.insert(asked.path);
    } else {
      ::unlink(task.temp.c_str());
    }
    tell(task.ticket, done);
  });
}

/// All are written before the first is synced: the file system then commits them together.
void DiskBatch::write_files(const std::vector<StorageTask>& tasks) {
  std::vector<WrittenFile> files;
  each<WriteFile>(tasks, [&](const StorageTask& task, const WriteFile& asked) {
    if (asked.bytes.size() > framed_payload_max) {
      tell(task.ticket, Result<DiskAnswer>(Error{ErrorCode::usage, asked.path + ": too long"}));
      return;
    }
    files.push_back({task.ticket, asked.path, chunk_checksum(asked.bytes),
                     folder_.start_framed_temp(asked.bytes)});
    if (files.size() >= open_files_max) finish_files(files);
  });
  finish_files(files);
}

void DiskBatch::finish_files(std::vector<WrittenFile>& files) {
  for (const WrittenFile& file : files) {
    const Result<Done> done = file.temp ? finish_file(file) : Result<Done>(file.temp.error());
    const auto partition = partition_of_path(file.path);
    if (done && partition) {
      Uncommitted& uncommitted = uncommitted_[file.path];
      uncommitted.partition = *partition;
      uncommitted.checksum = file.checksum;
      ++uncommitted.commits_to_come;
    }
    tell(file.ticket, done);
  }
  files.clear();
}

Result<Done> DiskBatch::finish_file(const WrittenFile& file) {
  Result<Done> done = folder_.sync(file.temp->file, file.temp->path);
  if (done) done = folder_.publish(file.temp->path, file.path);
  if (!done) ::unlink(file.temp->path.c_str());
  return done;
}

Result<Done> DiskBatch::sync_folders_of(const std::vector<std::string>& paths,
                                        std::set<fs::path>& synced) {
  Result<Done> done = folder_.sync_folders(paths, synced);
  for (const std::string& path : paths) {
    if (done) renamed_.erase(path);
  }
  return done;
}

/// The blobs too that a commit found here, when they have gone since and another store of the same
/// bytes has published them anew.
void DiskBatch::sync_folders(const std::vector<StorageTask>& tasks) {
  std::set<fs::path> synced;
  each<SyncFolders>(tasks, [&](const StorageTask& task, const SyncFolders& asked) {
    tell(task.ticket, sync_folders_of(asked.paths, synced));
  });
  each<CommitRecord>(tasks, [&](const StorageTask&, const CommitRecord& asked) {
    const Result<RecordPlace> place = place_(asked.record);
    if (!place || !renamed_.contains(place->blob_path)) return;
    const Result<Done> done = sync_folders_of({place->blob_path}, synced);
    if (!done) folder_.mark_failed(done.error());
  });
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
  each<CommitRecord>(tasks, [&](const StorageTask&, const CommitRecord& asked) {
    settle_record_file(asked.partition, asked.name_digest);
  });
}

void DiskBatch::abandon(const std::vector<StorageTask>& tasks) {
  each<AbandonRecord>(tasks, [&](const StorageTask& task, const AbandonRecord& asked) {
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
  each<DropRecord>(tasks, [&](const StorageTask& task, const DropRecord& asked) {
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

void DiskBatch::trash(const std::vector<Blob>& blobs) {
  for (const Blob& blob : blobs) {
    if (published_.contains(blob.path)) continue;  // `tidy` comes back to it
    const Result<Done> moved = folder_.move_to_trash(blob.path);
    if (!moved) return;  // the next start finds it again
  }
}

void DiskBatch::tidy(Instant now) {
  if (folder_.has_failed()) return;
  std::vector<Blob> unnamed;
  for (auto blob = published_.begin(); blob != published_.end();) {
    if (now - blob->second < options_.publish_keep) {
      ++blob;
      continue;
    }
    Blob old;
    old.path = blob->first;
    const bool is_blob = parse_blob_path(old.path, old.digest);
    const Result<bool> named = index_.is_referenced(old.digest);
    if (is_blob && named && !named.value()) unnamed.push_back(old);
    renamed_.erase(blob->first);
    blob = published_.erase(blob);
  }
  trash(unnamed);
  folder_.empty_trash(options_.trash_keep);
}

void DiskBatch::close() {
  if (folder_.has_failed()) return;
  for (const auto& [path, file] : uncommitted_) dirty_.erase(file.partition);
  if (dirty_.empty()) return;
  const Result<Done> done = write_index([&](IndexWrite& write) {
    for (const PartitionId partition : dirty_) write.clear_dirty(partition);
  });
  // Without it the next start compares more than it must.
  if (done) dirty_.clear();
}

}  // namespace pixmesh

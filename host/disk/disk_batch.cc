// The part of DiskBatch that writes and syncs files and folders, and the order of all its work.
#include "host/disk/disk_batch.h"

#include <unistd.h>

#include "base/digest.h"
#include "host/disk/framed_file.h"

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

}  // namespace

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
  each_of<PublishTemp>(tasks, [&](const StorageTask& task, const PublishTemp& asked) {
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
  each_of<WriteFile>(tasks, [&](const StorageTask& task, const WriteFile& asked) {
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
  each_of<SyncFolders>(tasks, [&](const StorageTask& task, const SyncFolders& asked) {
    tell(task.ticket, sync_folders_of(asked.paths, synced));
  });
  each_of<CommitRecord>(tasks, [&](const StorageTask&, const CommitRecord& asked) {
    const Result<RecordPlace> place = place_(asked.record);
    if (!place || !renamed_.contains(place->blob_path)) return;
    const Result<Done> done = sync_folders_of({place->blob_path}, synced);
    if (!done) folder_.mark_failed(done.error());
  });
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

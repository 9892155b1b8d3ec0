#include "host/disk/lmdb_disk.h"

#include <fcntl.h>
#include <unistd.h>

#include <optional>
#include <utility>

#include "base/digest.h"
#include "base/invariant.h"
#include "base/limits.h"
#include "host/disk/inspect_image.h"
#include "host/disk/stored_chunks.h"
#include "host/disk/verify_blob.h"
#include "host/system/clocks.h"

namespace pixmesh {
namespace {

constexpr std::size_t storage_batch_max = 4'096;

/// The temp that an operation of the writer threads is about.
std::optional<TempId> temp_of(const DiskOperation& operation) {
  if (const auto* create = std::get_if<CreateTemp>(&operation)) return create->temp;
  if (const auto* append = std::get_if<AppendChunk>(&operation)) return append->temp;
  if (const auto* sync = std::get_if<SyncTemp>(&operation)) return sync->temp;
  if (const auto* drop = std::get_if<DropTemp>(&operation)) return drop->temp;
  if (const auto* publish = std::get_if<PublishTemp>(&operation)) return publish->temp;
  return std::nullopt;
}

bool is_for_storage_thread(const DiskOperation& operation) {
  return std::holds_alternative<WriteFile>(operation) ||
         std::holds_alternative<SyncFolders>(operation) ||
         std::holds_alternative<CommitRecord>(operation) ||
         std::holds_alternative<AbandonRecord>(operation) ||
         std::holds_alternative<DropRecord>(operation) ||
         std::holds_alternative<PutValues>(operation);
}

template <typename T>
Result<DiskAnswer> to_answer(Result<T> result) {
  if (!result) return result.error();
  return DiskAnswer(std::move(result).value());
}

}  // namespace

SyncFile LmdbDiskOptions::default_sync() {
  return [](int descriptor) { return ::fsync(descriptor); };
}

/// Does one operation that changes nothing.
class LmdbDisk::Reader {
 public:
  explicit Reader(LmdbDisk& disk) : disk_(disk) {}

  Result<DiskAnswer> operator()(const FindRecord& asked) const {
    return to_answer(disk_.index_->find(asked));
  }
  Result<DiskAnswer> operator()(const ListPartition& asked) const {
    return to_answer(disk_.index_->list_partition(asked));
  }
  Result<DiskAnswer> operator()(const ListNames& asked) const {
    return to_answer(disk_.index_->list_names(asked));
  }
  Result<DiskAnswer> operator()(const LoadTable& asked) const {
    return to_answer(disk_.index_->load(asked.table, asked.prefix));
  }
  Result<DiskAnswer> operator()(const Summarize&) const {
    const DiskFolder::Space space = disk_.folder_->space();
    return DiskAnswer(
        DiskSummary{disk_.index_->summaries(), space.free_bytes, space.total_bytes, space.full});
  }
  Result<DiskAnswer> operator()(const ReadRange& asked) const {
    if (asked.length > chunk_bytes_max) return Error{ErrorCode::usage, "a range above 1 MiB"};
    zmq::message_t message(asked.length);
    const auto checksum = read(asked, {message.data<std::uint8_t>(), message.size()});
    if (!checksum) return checksum.error();
    return DiskAnswer(RangeRead{disk_.chunks_.add(std::move(message), checksum.value())});
  }
  Result<DiskAnswer> operator()(const ReadBytes& asked) const {
    if (asked.range.length > small_result_bytes) return Error{ErrorCode::usage, "a large range"};
    BytesRead answer{Bytes(asked.range.length)};
    const auto checksum = read(asked.range, answer.bytes);
    if (!checksum) return checksum.error();
    return DiskAnswer(std::move(answer));
  }
  Result<DiskAnswer> operator()(const CheckChunks& asked) const {
    const Result<std::filesystem::path> path = disk_.folder_->absolute(asked.path);
    if (!path) return path.error();
    const Result<Done> done = check_chunks(path.value(), asked);
    if (!done) return done.error();
    return DiskAnswer(Done{});
  }
  Result<DiskAnswer> operator()(const InspectImage& asked) const {
    const Result<std::filesystem::path> path = disk_.folder_->absolute(asked.path);
    if (!path) return path.error();
    const Result<ImageHeader> header = inspect_image(path.value(), asked);
    if (!header) return header.error();
    return DiskAnswer(ImageInspected{header.value()});
  }
  Result<DiskAnswer> operator()(const VerifyBlob& asked) const {
    const Result<Bytes> record = disk_.index_->find_named(asked.first, asked.last);
    if (!record) return record.error();
    BlobVerified verified;
    if (record->empty()) return DiskAnswer(std::move(verified));
    const Result<RecordPlace> place = disk_.options_.place(record.value());
    if (!place) return place.error();
    const Result<std::filesystem::path> path = disk_.folder_->absolute(place->blob_path);
    if (!path) return path.error();
    const Result<Done> done = verify_blob(path.value(), place->size, place->digest);
    const auto stored =
        disk_.index_->find({place->partition, place->name_digest, {}, place->digest});
    if (!stored) return stored.error();
    verified.marked = stored->damaged;
    if (!done) verified.detail = done.error().detail;
    verified.intact = done.has_value();
    verified.digest = place->digest;
    verified.partition = place->partition;
    verified.size = place->size;
    return DiskAnswer(std::move(verified));
  }
  template <typename Other>
  Result<DiskAnswer> operator()(const Other&) const {
    invariant(false, "a reader gets only operations that change nothing");
    return Error{ErrorCode::failed, ""};
  }

 private:
  /// Fills `bytes`, as many as are asked for. @returns their checksum.
  [[nodiscard]] Result<std::uint64_t> read(const ReadRange& asked,
                                           std::span<std::uint8_t> bytes) const {
    const Result<std::filesystem::path> path = disk_.folder_->absolute(asked.path);
    if (!path) return path.error();
    const Result<FileHandle> file = FileHandle::open(path.value(), O_RDONLY);
    if (!file) return file.error();
    const Result<std::size_t> got = read_at(file.value(), bytes, asked.offset, path.value());
    if (!got) return got.error();
    if (got.value() < asked.length) return Error{ErrorCode::corrupt, asked.path + " is too short"};
    const std::uint64_t checksum = chunk_checksum(bytes);
    if (asked.checksum && *asked.checksum != checksum) {
      return Error{ErrorCode::corrupt, "a chunk of " + asked.path + " has another checksum"};
    }
    return checksum;
  }

  LmdbDisk& disk_;
};

LmdbDisk::LmdbDisk(LmdbDiskOptions options, ChunkStore& chunks, EventSink& events)
    : options_(std::move(options)), chunks_(chunks), events_(events) {}

Result<std::unique_ptr<LmdbDisk>> LmdbDisk::open(LmdbDiskOptions options, ChunkStore& chunks,
                                                 EventSink& events) {
  invariant(options.admit && options.place, "a disk is told what records mean");
  std::unique_ptr<LmdbDisk> disk(new LmdbDisk(std::move(options), chunks, events));
  auto folder = DiskFolder::open(disk->options_.folder, disk->options_.sync);
  if (!folder) return folder.error();
  disk->folder_ = std::move(folder).value();
  disk->folder_->on_failure(disk->options_.on_failure);
  auto opened = open_and_recover(*disk->folder_, disk->options_.map_bytes, disk->options_.place,
                                 disk->options_.admit);
  if (!opened) return opened.error();
  disk->recovery_ = opened->report;
  disk->index_ = std::move(std::move(opened).value().index);
  Result<Done> loaded = disk->index_->load_summaries();
  if (!loaded) return loaded.error();
  disk->start_threads();
  return disk;
}

void LmdbDisk::start_threads() {
  batch_ = std::make_unique<DiskBatch>(
      *folder_, *index_, options_.admit, options_.place,
      DiskBatchOptions{options_.publish_keep, options_.trash_keep},
      [this](OperationId ticket, Result<DiskAnswer> told) { answer(ticket, std::move(told)); });
  storage_ = std::make_unique<WorkerQueue<StorageTask>>(
      WorkerQueueOptions{"disk-storage", 1, storage_batch_max, options_.tidy_every},
      [this](std::vector<StorageTask> tasks) { run_batch(std::move(tasks)); });
  readers_ = std::make_unique<WorkerQueue<ReaderTask>>(
      WorkerQueueOptions{.name = "disk-reader", .threads = options_.reader_threads},
      [this](const std::vector<ReaderTask>& tasks) {
        for (const ReaderTask& task : tasks) read(task);
      });
  verifier_ = std::make_unique<WorkerQueue<ReaderTask>>(
      WorkerQueueOptions{.name = "disk-verifier", .yields = true},
      [this](const std::vector<ReaderTask>& tasks) {
        for (const ReaderTask& task : tasks) read(task);
      });
  for (std::size_t i = 0; i < options_.writer_threads; ++i) {
    auto writer = std::make_unique<Writer>(*folder_);
    TempFiles& temps = writer->temps;
    writer->queue = std::make_unique<WorkerQueue<WriterTask>>(
        WorkerQueueOptions{.name = "disk-writer"}, [this, &temps](std::vector<WriterTask> tasks) {
          for (WriterTask& task : tasks) write_temp(temps, std::move(task));
        });
    writers_.push_back(std::move(writer));
  }
}

LmdbDisk::~LmdbDisk() {
  // Writers hand synced temps on to the storage thread, so they end first.
  for (const auto& writer : writers_) writer->queue->close();
  if (storage_) storage_->close();
  if (readers_) readers_->close();
  if (verifier_) verifier_->close();
  if (batch_) batch_->close();
}

void LmdbDisk::submit(OperationId ticket, DiskOperation operation) {
  if (const auto temp = temp_of(operation)) {
    const auto* append = std::get_if<AppendChunk>(&operation);
    ChunkStore::Chunk chunk = append != nullptr ? chunks_.find(append->chunk) : nullptr;
    const Writer& writer = *writers_[temp->raw % writers_.size()];
    writer.queue->push({ticket, std::move(operation), std::move(chunk)});
  } else if (is_for_storage_thread(operation)) {
    storage_->push({ticket, std::move(operation), {}});
  } else if (std::holds_alternative<VerifyBlob>(operation)) {
    verifier_->push({ticket, std::move(operation)});
  } else if (auto found = found_again(operation)) {
    answer(ticket, DiskAnswer(std::move(*found)));
  } else {
    readers_->push({ticket, std::move(operation)});
  }
}

std::optional<StoredRecord> LmdbDisk::found_again(const DiskOperation& operation) const {
  const auto* find = std::get_if<FindRecord>(&operation);
  return find != nullptr ? index_->find_again(*find) : std::nullopt;
}

void LmdbDisk::answer(OperationId ticket, Result<DiskAnswer> answer) {
  if (folder_->has_failed()) answer = Error{ErrorCode::failed, "the disk has failed"};
  if (!answer && answer.error().code == ErrorCode::no_space) space_is_short_ = true;
  events_.post(DiskAnswered{options_.index, ticket, std::move(answer)});
}

void LmdbDisk::write_temp(TempFiles& temps, WriterTask task) {
  if (folder_->has_failed()) return answer(task.ticket, Error{ErrorCode::failed, ""});
  if (const auto* create = std::get_if<CreateTemp>(&task.operation)) {
    answer(task.ticket, to_answer(temps.create(*create)));
  } else if (const auto* append = std::get_if<AppendChunk>(&task.operation)) {
    if (!task.chunk) return answer(task.ticket, Error{ErrorCode::failed, "the chunk is gone"});
    const ByteView bytes(task.chunk->data<std::uint8_t>(), task.chunk->size());
    answer(task.ticket, to_answer(temps.append(append->temp, bytes)));
  } else if (const auto* sync = std::get_if<SyncTemp>(&task.operation)) {
    answer(task.ticket, to_answer(temps.sync(sync->temp)));
  } else if (const auto* drop = std::get_if<DropTemp>(&task.operation)) {
    answer(task.ticket, to_answer(temps.drop(drop->temp)));
  } else if (const auto* publish = std::get_if<PublishTemp>(&task.operation)) {
    Result<std::filesystem::path> temp = temps.hand_over(publish->temp);
    if (!temp) return answer(task.ticket, temp.error());
    storage_->push({task.ticket, std::move(task.operation), std::move(temp).value()});
  }
}

void LmdbDisk::run_batch(std::vector<StorageTask> tasks) {
  const Instant now = monotonic_now();
  if (folder_->has_failed()) {
    for (const StorageTask& task : tasks) answer(task.ticket, Error{ErrorCode::failed, ""});
    return;
  }
  if (!tasks.empty()) batch_->run(std::move(tasks), now);
  if (space_is_short_.exchange(false)) folder_->empty_trash(Duration{0});
  if (now - tidied_ >= options_.tidy_every) {
    batch_->tidy(now);
    tidied_ = now;
  }
}

/// A damaged index is a lost disk: the next start makes it anew from the record files.
void LmdbDisk::read(const ReaderTask& task) {
  Result<DiskAnswer> told = folder_->has_failed() ? Error{ErrorCode::failed, ""}
                                                  : std::visit(Reader(*this), task.operation);
  const bool is_file = std::holds_alternative<ReadRange>(task.operation) ||
                       std::holds_alternative<ReadBytes>(task.operation) ||
                       std::holds_alternative<CheckChunks>(task.operation) ||
                       std::holds_alternative<InspectImage>(task.operation);
  if (!told && !is_file) folder_->mark_failed(told.error());
  answer(task.ticket, std::move(told));
}

}  // namespace pixmesh

#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/disk.h"
#include "base/events.h"
#include "base/limits.h"
#include "host/disk/lmdb_disk.h"
#include "host/system/chunk_store.h"

namespace pixmesh::storage_test {

/// A new folder below the system's temporary one, removed at the end.
class TempFolder {
 public:
  enum Place : std::uint8_t { on_disk, in_memory };
  explicit TempFolder(Place place = on_disk);
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  ~TempFolder();
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// Keeps answers until somebody asks for them.
class AnswerBox : public EventSink {
 public:
  void post(HostEvent event) override;
  [[nodiscard]] Result<DiskAnswer> wait(OperationId ticket);

  std::function<void()> on_post = [] {};

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::map<OperationId, Result<DiskAnswer>> answers_;
};

/// A record of the tests: one line of text.
struct TestRecord {
  std::uint32_t partition = 0;
  std::uint32_t version = 0;
  std::string name;
  Digest digest;  // all zero: a tombstone
  std::uint64_t size = 0;
  friend bool operator==(const TestRecord&, const TestRecord&) = default;
};
[[nodiscard]] Bytes encode(const TestRecord& record);
[[nodiscard]] Result<TestRecord> decode(ByteView bytes);
[[nodiscard]] std::string blob_path_of(const Digest& digest);
[[nodiscard]] std::string record_path_of(const TestRecord& record);
[[nodiscard]] Result<RecordPlace> place_of(ByteView record);

enum Code : std::uint8_t { stored = 1, already = 2, superseded = 3, stale = 4 };
/// The higher version wins; a fence that is not the lists is stale.
[[nodiscard]] Admission admit_by_version(ByteView stored, ByteView incoming, ByteView lists,
                                         ByteView fence, ByteView collected);

/// Repeatable bytes that are no image.
[[nodiscard]] Bytes noise(std::uint64_t seed, std::size_t size);

/// A disk with everything it needs, and calls that wait for their answers.
class DiskRig {
 public:
  explicit DiskRig(const std::filesystem::path& folder) : DiskRig(options_for(folder)) {}
  explicit DiskRig(LmdbDiskOptions options);

  [[nodiscard]] static LmdbDiskOptions options_for(const std::filesystem::path& folder);

  [[nodiscard]] LmdbDisk& disk() { return *disk_; }
  [[nodiscard]] ChunkStore& chunks() { return chunks_; }
  [[nodiscard]] AnswerBox& answers() { return answers_; }
  void close() { disk_.reset(); }

  OperationId submit(DiskOperation operation);
  [[nodiscard]] Result<DiskAnswer> ask(DiskOperation operation);
  /// The answer as `Answer`; the test ends if it is an error or another one.
  template <typename Answer>
  [[nodiscard]] Answer get(DiskOperation operation) {
    const Result<DiskAnswer> answer = ask(std::move(operation));
    if (!answer) std::fprintf(stderr, "%s\n", answer.error().detail.c_str());
    return std::get<Answer>(answer.value());
  }

  [[nodiscard]] ChunkRef chunk_of(ByteView bytes);
  [[nodiscard]] Bytes read(const std::string& path, std::uint64_t offset, std::uint32_t length);

  /// The whole write order; fails at the first error.
  [[nodiscard]] Result<CommitOutcome> upload(const std::string& name, std::uint32_t partition,
                                             std::uint32_t version, ByteView bytes);
  /// Create, append, sync and publish: a blob without a record.
  [[nodiscard]] Result<Digest> put_blob(ByteView bytes);
  [[nodiscard]] Result<CommitOutcome> put_record(const TestRecord& record, Bytes fence = {});
  [[nodiscard]] Result<DiskAnswer> drop(const TestRecord& record);

 private:
  ChunkStore chunks_;
  AnswerBox answers_;
  std::unique_ptr<LmdbDisk> disk_;
  std::uint64_t last_ticket_ = 0;
  std::uint64_t last_temp_ = 0;
};

[[nodiscard]] CommitRecord commit_of(const TestRecord& record, Bytes fence = {});
/// The test ends here unless the answer is an error; this one is expected.
void check_code(const Result<DiskAnswer>& answer, ErrorCode code);
/// Paths of regular files below a folder, relative to it, sorted.
[[nodiscard]] std::vector<std::string> files_below(const std::filesystem::path& folder);

}  // namespace pixmesh::storage_test

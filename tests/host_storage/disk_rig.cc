#include "disk_rig.h"

#include <unistd.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <sstream>

#include "base/invariant.h"
#include "base/rng.h"

namespace pixmesh::storage_test {

namespace fs = std::filesystem;

TempFolder::TempFolder(Place place) {
  const bool has_memory = place == in_memory && fs::is_directory("/dev/shm");
  const fs::path parent = has_memory ? fs::path("/dev/shm") : fs::temp_directory_path();
  std::string pattern = (parent / "pixmesh-storage-XXXXXX").string();
  invariant(::mkdtemp(pattern.data()) != nullptr, "a temporary folder can be made");
  path_ = pattern;
}
TempFolder::~TempFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void AnswerBox::post(HostEvent event) {
  on_post();
  auto* answered = std::get_if<DiskAnswered>(&event);
  invariant(answered != nullptr, "a disk posts only answers");
  const std::lock_guard lock(mutex_);
  const bool is_first = answers_.try_emplace(answered->ticket, std::move(answered->answer)).second;
  invariant(is_first, "each operation is answered once");
  arrived_.notify_all();
}

Result<DiskAnswer> AnswerBox::wait(OperationId ticket) {
  std::unique_lock lock(mutex_);
  const bool is_there =
      arrived_.wait_for(lock, std::chrono::seconds(60), [&] { return answers_.contains(ticket); });
  invariant(is_there, "each operation is answered");
  Result<DiskAnswer> answer = std::move(answers_.at(ticket));
  answers_.erase(ticket);
  return answer;
}

Bytes encode(const TestRecord& record) {
  const std::string text = "record " + std::to_string(record.partition) + " " +
                           std::to_string(record.version) + " " + to_text(record.digest) + " " +
                           std::to_string(record.size) + " " + record.name;
  const ByteView bytes = bytes_of(text);
  return {bytes.begin(), bytes.end()};
}

Result<TestRecord> decode(ByteView bytes) {
  std::istringstream text{std::string(text_of(bytes))};
  TestRecord record;
  std::string word;
  std::string digest;
  text >> word >> record.partition >> record.version >> digest >> record.size >> std::ws;
  std::getline(text, record.name);
  if (word != "record" || !parse_id(digest, record.digest) || record.name.empty()) {
    return Error{ErrorCode::malformed, "no test record"};
  }
  return record;
}

std::string blob_path_of(const Digest& digest) {
  const std::string text = to_text(digest);
  return "blobs/" + text.substr(0, 2) + "/" + text.substr(2, 2) + "/" + text.substr(4) + ".bin";
}

std::string record_path_of(const TestRecord& record) {
  return record_file_path(PartitionId{record.partition}, name_digest_of(record.name));
}

Result<RecordPlace> place_of(ByteView bytes) {
  const Result<TestRecord> record = decode(bytes);
  if (!record) return record.error();
  RecordPlace place;
  place.partition = PartitionId{record->partition};
  place.name_digest = name_digest_of(record->name);
  place.name = record->name;
  place.digest = record->digest;
  place.size = record->size;
  place.record_path = record_path_of(record.value());
  if (record->digest != Digest{}) place.blob_path = blob_path_of(record->digest);
  return place;
}

Admission admit_by_version(ByteView stored_bytes, ByteView incoming, ByteView lists, ByteView fence,
                           ByteView /*collected*/) {
  if (!fence.empty() && !std::equal(fence.begin(), fence.end(), lists.begin(), lists.end())) {
    return {Code::stale, false, {}};
  }
  const Result<TestRecord> before = decode(stored_bytes);
  const std::uint32_t version = decode(incoming).value().version;
  if (!before || before->version < version) return {Code::stored, true, {}};
  return {before->version == version ? Code::already : Code::superseded, false,
          Bytes(stored_bytes.begin(), stored_bytes.end())};
}

Bytes noise(std::uint64_t seed, std::size_t size) {
  Bytes bytes(size);
  Rng(seed).fill(bytes);
  return bytes;
}

LmdbDiskOptions DiskRig::options_for(const fs::path& folder) {
  LmdbDiskOptions options;
  options.folder = folder;
  options.tidy_every = std::chrono::milliseconds(20);
  options.admit = admit_by_version;
  options.place = place_of;
  return options;
}

DiskRig::DiskRig(LmdbDiskOptions options) {
  auto opened = LmdbDisk::open(std::move(options), chunks_, answers_);
  if (!opened) std::fprintf(stderr, "%s\n", opened.error().detail.c_str());
  disk_ = std::move(opened).value();
}

OperationId DiskRig::submit(DiskOperation operation) {
  const OperationId ticket{++last_ticket_};
  disk_->submit(ticket, std::move(operation));
  return ticket;
}

Result<DiskAnswer> DiskRig::ask(DiskOperation operation) {
  return answers_.wait(submit(std::move(operation)));
}

ChunkRef DiskRig::chunk_of(ByteView bytes) {
  return chunks_.add(zmq::message_t(bytes.data(), bytes.size()), chunk_checksum(bytes));
}

Bytes DiskRig::read(const std::string& path, std::uint64_t offset, std::uint32_t length) {
  const auto read = get<RangeRead>(ReadRange{path, offset, length, std::nullopt});
  const ChunkStore::Chunk chunk = chunks_.find(read.chunk);
  chunks_.release(read.chunk);
  const auto* begin = chunk->data<std::uint8_t>();
  return {begin, begin + chunk->size()};
}

Result<Digest> DiskRig::put_blob(ByteView bytes) {
  const TempId temp{++last_temp_};
  Result<DiskAnswer> answer = ask(CreateTemp{temp, true});
  for (std::size_t at = 0; answer && at < bytes.size(); at += chunk_bytes_max) {
    const ChunkRef chunk =
        chunk_of(bytes.subspan(at, std::min<std::size_t>(chunk_bytes_max, bytes.size() - at)));
    answer = ask(AppendChunk{temp, chunk});
    chunks_.release(chunk);
  }
  if (answer) answer = ask(SyncTemp{temp});
  if (!answer) {
    (void)ask(DropTemp{temp});
    return answer.error();
  }
  const Digest digest = std::get<Synced>(answer.value()).digest;
  answer = ask(PublishTemp{temp, blob_path_of(digest)});
  if (!answer) return answer.error();
  return digest;
}

Result<CommitOutcome> DiskRig::put_record(const TestRecord& record, Bytes fence) {
  Result<DiskAnswer> answer = ask(WriteFile{record_path_of(record), encode(record)});
  std::vector<std::string> paths{record_path_of(record)};
  if (record.digest != Digest{}) paths.push_back(blob_path_of(record.digest));
  if (answer) answer = ask(SyncFolders{paths});
  if (answer) answer = ask(commit_of(record, std::move(fence)));
  if (!answer) return answer.error();
  return std::get<CommitOutcome>(answer.value());
}

Result<CommitOutcome> DiskRig::upload(const std::string& name, std::uint32_t partition,
                                      std::uint32_t version, ByteView bytes) {
  const Result<Digest> digest = put_blob(bytes);
  if (!digest) return digest.error();
  return put_record({partition, version, name, digest.value(), bytes.size()});
}

Result<DiskAnswer> DiskRig::drop(const TestRecord& record) {
  return ask(DropRecord{PartitionId{record.partition}, name_digest_of(record.name), encode(record),
                        record_path_of(record), blob_path_of(record.digest)});
}

CommitRecord commit_of(const TestRecord& record, Bytes fence) {
  CommitRecord commit;
  commit.partition = PartitionId{record.partition};
  commit.name_digest = name_digest_of(record.name);
  commit.name = record.name;
  commit.digest = record.digest;
  commit.size = record.size;
  commit.record = encode(record);
  commit.fence = std::move(fence);
  return commit;
}

void check_code(const Result<DiskAnswer>& answer, ErrorCode code) {
  REQUIRE(!answer);
  CHECK_MESSAGE(answer.error().code == code, answer.error().detail);
}

std::vector<std::string> files_below(const fs::path& folder) {
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    // Not `fs::relative`: it looks the file up again, and the node may have removed it.
    if (entry.is_regular_file()) files.push_back(entry.path().lexically_relative(folder));
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace pixmesh::storage_test

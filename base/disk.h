#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/image_header.h"
#include "base/result.h"
#include "base/transport.h"

namespace pixmesh {

/// What the first bytes of a file say about it.
struct MediaFacts {
  std::string type;         // "jpeg", "png", "tiff", "webp", "gif"; "" when it is no image we know
  std::uint32_t width = 0;  // pixels; 0 when unknown
  std::uint32_t height = 0;
  friend bool operator==(const MediaFacts&, const MediaFacts&) = default;
};

/// Small tables of bytes beside the image index, one purpose each.
enum class Table : std::uint8_t {
  facts,      // identity, settings, member records, counters
  lists,      // partition (4 bytes, big-endian) -> its settled and target holders
  hints,      // what a silent holder still has to be told
  requests,   // request id -> version it was given, for five minutes
  damaged,    // digest -> (anything): its bytes on this disk are wrong or gone
  collected,  // partition (4 bytes) -> clock (8 bytes, both big-endian) up to which its tombstones
              // may be gone; a lower clock than is there changes nothing
};

struct TableRow {
  Table table;
  Bytes key;
  std::optional<Bytes> value;  // none: delete
};

[[nodiscard]] inline TableRow damaged_row(const Digest& digest, std::optional<Bytes> value) {
  return {Table::damaged, Bytes(digest.raw.begin(), digest.raw.end()), std::move(value)};
}

// --- Operations. Paths are relative to the disk's folder. -------------------------------------

/// A new private file; `no_space` if with it too little of the disk would be left for everything
/// else.
struct CreateTemp {
  TempId temp;
  bool hash = false;           // compute BLAKE2b-256 while writing
  std::uint64_t expected = 0;  // bytes to come, for which room is reserved; 0: not known
};
struct AppendChunk {  // done when written and its write-back has started
  TempId temp;
  ChunkRef chunk;
};
struct SyncTemp {  // fsync; answers size, digest (when hashed) and media facts
  TempId temp;
};
struct DropTemp {
  TempId temp;
};
struct PublishTemp {  // rename to its digest path, in place of an equal file already there
  TempId temp;
  std::string path;
};
struct WriteFile {  // a small whole file, framed with a checksum: temp, write, fsync, rename
  std::string path;
  Bytes bytes;
};
struct SyncFolders {  // fsync of the folders that hold these paths
  std::vector<std::string> paths;
};
/// Puts one record into the index if the disk's `admit` function agrees, in one transaction with
/// `also`, the partition's rows of `lists` and `collected` being read in that same transaction.
struct CommitRecord {
  PartitionId partition;
  NameDigest name_digest;
  std::string name;
  Digest digest;           // of the blob; all zero for a tombstone
  std::uint64_t size = 0;  // bytes of the blob; 0 for a tombstone
  Bytes record;
  Bytes fence;                 // what the asker believes about the partition's lists, for `admit`
  std::vector<TableRow> also;  // stored only together with the record
  bool bytes_lost = false;  // the blob need not be here; it is marked in `damaged` with the record
};
/// The commit that a record file was written for will not come: the file says again what the index
/// says. A CommitRecord, whatever came of it, does the same.
struct AbandonRecord {
  PartitionId partition;
  NameDigest name_digest;
};
struct FindRecord {
  PartitionId partition;
  NameDigest name_digest;
  Bytes request;  // unless empty: the value of this key of the request table is read with it
  std::optional<Digest> digest;  // is there a row in `damaged` for these bytes?
};
/// Records of one partition in order of name digest, after `after`, at most `limit`.
struct ListPartition {
  PartitionId partition;
  std::optional<NameDigest> after;
  std::uint32_t limit = 1'000;
};
/// Records whose name starts with `prefix`, in order of full name, after `after`, at most `limit`.
struct ListNames {
  std::string prefix;
  std::string after;
  std::uint32_t limit = 1'000;
};
struct ReadRange {  // answers with a chunk; `corrupt` if `checksum` is given and differs
  std::string path;
  std::uint64_t offset = 0;
  std::uint32_t length = 0;
  std::optional<std::uint64_t> checksum;
};
/// Reads chunks of a file one after the other and compares them: `corrupt` at the first that is not
/// as it was, or if the file has another size. Done if all are; without checksums if it is there.
struct CheckChunks {
  std::string path;
  std::uint64_t size = 0;                // of the file, bytes
  std::uint32_t first = 0;               // the chunk of `checksums.front()`
  std::vector<std::uint64_t> checksums;  // XXH3-64 of each MiB; at most check_chunks_max
};
inline constexpr std::size_t check_chunks_max = 4;  // others wait for the reader meanwhile
struct ReadBytes {  // the same range, at most `small_result_bytes`, answered with the bytes
                    // themselves
  ReadRange range;
};
/// Looks at the header of an image (processing/header_scan.h), no further than `limits` need. Each
/// MiB that is looked at is read whole and compared with its checksum: `corrupt` if it differs.
struct InspectImage {
  std::string path;
  std::uint64_t size = 0;
  std::vector<std::uint64_t> checksums;  // of each MiB
  HeaderLimits limits;
};
/// Reads from the device, not from memory, all bytes of the first blob in this range of digests
/// (its ends too) that a record of this disk names, when nobody else needs disk or processor.
struct VerifyBlob {
  Digest first;
  Digest last;
};
/// Removes a record, and moves its blob to the trash when no other record of this disk names it.
struct DropRecord {
  PartitionId partition;
  NameDigest name_digest;
  Bytes expected;  // drops only if the record is still these bytes
  std::string record_path;
  std::string blob_path;
};
/// One durable transaction. A row of `damaged` is kept only while a record names its digest; the
/// fingerprint of each partition with such a record then differs from that of whole copies.
struct PutValues {
  std::vector<TableRow> rows;
};
struct LoadTable {  // of it, rows whose key starts with `prefix`
  Table table;
  Bytes prefix{};
};
struct Summarize {};  // counts, bytes and digests of all partitions that hold anything

using AnyDiskOperation =
    std::variant<CreateTemp, AppendChunk, SyncTemp, DropTemp, PublishTemp, WriteFile, SyncFolders,
                 CommitRecord, AbandonRecord, FindRecord, ListPartition, ListNames, ReadRange,
                 ReadBytes, CheckChunks, InspectImage, VerifyBlob, DropRecord, PutValues, LoadTable,
                 Summarize>;

/// A variant whose copying, moving and ending are compiled once: in every unit they cost seconds.
struct DiskOperation : AnyDiskOperation {
  using AnyDiskOperation::AnyDiskOperation;
  DiskOperation();
  DiskOperation(const DiskOperation&);
  DiskOperation(DiskOperation&&) noexcept;
  DiskOperation& operator=(const DiskOperation&);
  DiskOperation& operator=(DiskOperation&&) noexcept;
  ~DiskOperation();
};

// --- Answers ------------------------------------------------------------------------------------

struct Synced {
  std::uint64_t size = 0;
  Digest digest;  // all zero unless CreateTemp asked for it
  MediaFacts media;
};
/// What became of a CommitRecord: the `code` that `admit` gave, and what it wants the asker to
/// know.
struct CommitOutcome {
  std::uint8_t code = 0;
  Bytes current;
};
struct StoredRecord {
  Bytes record;          // empty: there is none
  Bytes request_value;   // empty: there is none, or it was not asked for
  bool damaged = false;  // the bytes asked for are
};
struct RecordPage {
  std::vector<Bytes> records;
  bool complete = true;  // nothing lies behind the last one
};
struct RangeRead {
  ChunkRef chunk;
};
struct BytesRead {
  Bytes bytes;
};
struct ImageInspected {
  ImageHeader header;
};
struct BlobVerified {
  Digest digest;  // all zero: no record names one in the range
  PartitionId partition;
  std::uint64_t size = 0;
  bool intact = true;   // it is there, and has the size and BLAKE2b-256 that the record says
  bool marked = false;  // as damaged
  std::string detail;   // what is wrong
};
struct TableRows {
  std::vector<std::pair<Bytes, Bytes>> rows;  // sorted by key
};
struct PartitionSummary {
  PartitionId partition;
  // The sum of XXH3-64 over its records, inverted where the bytes are damaged: equal copies, equal
  // sums.
  std::uint64_t fingerprint = 0;
  std::uint64_t record_count = 0;  // tombstones too
  std::uint64_t image_count = 0;
  std::uint64_t damaged_count = 0;  // of them, those whose bytes are wrong or gone
  std::uint64_t bytes = 0;          // of the blobs its records name
};
struct DiskSummary {
  std::vector<PartitionSummary> partitions;  // in order, empty ones left out
  std::uint64_t free_bytes = 0;
  std::uint64_t total_bytes = 0;
  bool full = false;  // there is still no room for the image that was refused last
};

using AnyDiskAnswer = std::variant<Done, Synced, CommitOutcome, StoredRecord, RecordPage, RangeRead,
                                   BytesRead, ImageInspected, BlobVerified, TableRows, DiskSummary>;
struct DiskAnswer : AnyDiskAnswer {
  using AnyDiskAnswer::AnyDiskAnswer;
  DiskAnswer();
  DiskAnswer(const DiskAnswer&);
  DiskAnswer(DiskAnswer&&) noexcept;
  DiskAnswer& operator=(const DiskAnswer&);
  DiskAnswer& operator=(DiskAnswer&&) noexcept;
  ~DiskAnswer();
};

// --- What a disk asks back: it stores bytes and does not know what a record means ---------------

/// Decides about a CommitRecord inside its transaction. Pure and called on a storage thread.
/// `lists` and `collected` are the partition's rows of those tables.
struct Admission {
  std::uint8_t code = 0;
  bool store = false;
  Bytes current;
};
using Admit = std::function<Admission(ByteView stored, ByteView incoming, ByteView lists,
                                      ByteView fence, ByteView collected)>;  // empty: there is none

/// Where a record belongs, told from its bytes: what an index is rebuilt from.
struct RecordPlace {
  PartitionId partition;
  NameDigest name_digest;
  std::string name;
  Digest digest;
  std::uint64_t size = 0;
  std::string record_path;
  std::string blob_path;  // empty for a tombstone
};
using PlaceRecord = std::function<Result<RecordPlace>(ByteView record)>;

/// One folder on one device: the unit of failure. Every call returns at once and is answered by
/// exactly one event `DiskAnswered{ticket, Result<DiskAnswer>}`. Operations on one temp file are
/// done in the order given; operations of different tickets may overtake each other, so a write
/// order is kept by waiting for answers (replication/store_record).
///
/// Errors: no_space, corrupt (a checksum differs), not_found (no such file), failed (EIO and the
/// like; after a failed fsync the disk counts as lost).
class Disk {
 public:
  virtual ~Disk() = default;
  virtual void submit(OperationId ticket, DiskOperation operation) = 0;
};

}  // namespace pixmesh

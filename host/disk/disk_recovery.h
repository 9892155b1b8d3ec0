#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/disk.h"
#include "host/disk/disk_folder.h"
#include "host/disk/lmdb_index.h"

namespace pixmesh {

/// What was found and put right when a disk was opened.
struct RecoveryReport {
  std::uint64_t temp_removed = 0;
  std::uint64_t records_restored = 0;   // record file -> index
  std::uint64_t files_restored = 0;     // index -> record file
  std::uint64_t records_discarded = 0;  // record files that are damaged, or whose bytes never came
  std::uint64_t blobs_trashed = 0;      // no record names them
  std::uint64_t blobs_missing = 0;      // a record names them
  std::vector<Digest> missing;          // the first 1,000 of those
  bool index_rebuilt = false;           // the tables beside the records are lost then
};

struct OpenedIndex {
  std::unique_ptr<LmdbIndex> index;
  RecoveryReport report;
};

/// Opens the index of a disk and makes index, record files and blobs agree, before any thread runs:
///
/// 1. tmp/ and scratch/ are emptied.
/// 2. Without a whole index (none, damaged, or its rebuilding was cut off) it is made anew from the
///    record files; the old one goes to the trash.
/// 3. Otherwise names are compared for every partition, and bytes for the partitions marked dirty.
///    A record file behind which the index has nothing, or something that `admit` would replace, is
///    put into the index if its blob is there; it was durable, though nobody was told. In every
///    other case the index is right, because whatever was acknowledged is in it, and the record
///    file is written again.
/// 4. Blobs that no record names go to the trash; records without their blob are reported, and the
///    blob is marked as damaged, to be fetched from another holder.
///
/// @returns also `malformed` for an index written by a newer pixmesh. Cost: a listing of all
/// folders; rebuilding opens every record file (6 s for 100,000).
[[nodiscard]] Result<OpenedIndex> open_and_recover(DiskFolder& folder, std::size_t map_bytes,
                                                   const PlaceRecord& place, const Admit& admit);

/// `record` as the index wants it; views into both arguments.
[[nodiscard]] IndexRecord index_record_of(const RecordPlace& place, ByteView record);

}  // namespace pixmesh

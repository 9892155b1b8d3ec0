#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "host/disk/lmdb_environment.h"

namespace pixmesh {

// How the keys and values of an index are laid out; only the index's own files include this.

enum class IndexTable : std::uint8_t {
  records,
  names,
  digests,
  meta,
  facts,
  lists,
  hints,
  requests,
  damaged,
  collected
};

inline MDB_dbi table_of(const LmdbEnvironment& environment, IndexTable table) {
  return environment.table(static_cast<std::size_t>(table));
}

inline constexpr std::size_t name_key_bytes_max = 448;  // of a name, in the key of `names`
inline constexpr std::size_t name_key_tail = 17;        // 0x00 and the name digest

/// A decoded value of `records`; views into the map.
struct IndexEntry {
  std::uint64_t size = 0;
  std::string_view name;
  Digest digest;
  ByteView record;
};

[[nodiscard]] std::vector<std::string> index_table_names();

[[nodiscard]] Bytes partition_key(PartitionId partition);
[[nodiscard]] Bytes record_key(PartitionId partition, const NameDigest& name_digest);
[[nodiscard]] Bytes name_key(std::string_view name, const NameDigest& name_digest);
[[nodiscard]] Bytes digest_key(const Digest& digest, PartitionId partition,
                               const NameDigest& name_digest);

[[nodiscard]] PartitionId partition_in(ByteView key);          // its first four bytes
[[nodiscard]] NameDigest name_digest_in(ByteView record_key);  // behind them
[[nodiscard]] Digest digest_in(ByteView key);                  // its first 32 bytes

[[nodiscard]] Bytes encode_entry(const IndexEntry& entry);
/// Throws LmdbFailure{MDB_CORRUPTED} if the value is too short.
[[nodiscard]] IndexEntry decode_entry(ByteView value);

}  // namespace pixmesh

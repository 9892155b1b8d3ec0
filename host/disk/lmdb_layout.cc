#include "host/disk/lmdb_layout.h"

#include <algorithm>

namespace pixmesh {
namespace {

constexpr std::size_t digest_bytes = sizeof(Digest::raw);
constexpr std::size_t entry_head = 10;  // size and length of the name

void append(Bytes& bytes, ByteView more) { bytes.insert(bytes.end(), more.begin(), more.end()); }

}  // namespace

std::vector<std::string> index_table_names() {
  return {"records", "names", "digests",  "meta",    "facts",
          "lists",   "hints", "requests", "damaged", "collected"};
}

Bytes partition_key(PartitionId partition) {
  return {static_cast<std::uint8_t>(partition.raw >> 24),
          static_cast<std::uint8_t>(partition.raw >> 16),
          static_cast<std::uint8_t>(partition.raw >> 8), static_cast<std::uint8_t>(partition.raw)};
}

Bytes record_key(PartitionId partition, const NameDigest& name_digest) {
  const Bytes head = partition_key(partition);
  Bytes key;
  key.reserve(head.size() + name_digest.raw.size());
  append(key, head);
  append(key, name_digest.raw);
  return key;
}

Bytes name_key(std::string_view name, const NameDigest& name_digest) {
  const ByteView head = bytes_of(name.substr(0, name_key_bytes_max));
  Bytes key(head.begin(), head.end());
  key.push_back(0);
  append(key, name_digest.raw);
  return key;
}

Bytes digest_key(const Digest& digest, PartitionId partition, const NameDigest& name_digest) {
  Bytes key(digest.raw.begin(), digest.raw.end());
  append(key, record_key(partition, name_digest));
  return key;
}

PartitionId partition_in(ByteView key) {
  if (key.size() < 4) throw LmdbFailure{MDB_CORRUPTED, "read a partition"};
  std::uint32_t value = 0;
  for (const std::uint8_t byte : key.first(4)) value = value << 8 | byte;
  return PartitionId{value};
}

NameDigest name_digest_in(ByteView record_key) {
  NameDigest name_digest;
  if (record_key.size() != 4 + name_digest.raw.size()) {
    throw LmdbFailure{MDB_CORRUPTED, "read a record's key"};
  }
  std::copy(record_key.begin() + 4, record_key.end(), name_digest.raw.begin());
  return name_digest;
}

Digest digest_in(ByteView key) {
  Digest digest;
  if (key.size() < digest_bytes) throw LmdbFailure{MDB_CORRUPTED, "read a digest"};
  std::copy_n(key.begin(), digest_bytes, digest.raw.begin());
  return digest;
}

Bytes encode_entry(const IndexEntry& entry) {
  CanonicalBytes value;
  value.u64(entry.size);
  value.u8(static_cast<std::uint8_t>(entry.name.size()));
  value.u8(static_cast<std::uint8_t>(entry.name.size() >> 8));
  value.raw(bytes_of(entry.name)).raw(entry.digest.raw).raw(entry.record);
  return value.bytes();
}

IndexEntry decode_entry(ByteView value) {
  constexpr LmdbFailure too_short{MDB_CORRUPTED, "read a record"};
  if (value.size() < entry_head) throw too_short;
  IndexEntry entry;
  entry.size = little_endian(value.first(8));
  const auto name_bytes = static_cast<std::size_t>(little_endian(value.subspan(8, 2)));
  if (value.size() < entry_head + name_bytes + digest_bytes) throw too_short;
  entry.name = text_of(value.subspan(entry_head, name_bytes));
  const ByteView digest = value.subspan(entry_head + name_bytes, digest_bytes);
  std::copy(digest.begin(), digest.end(), entry.digest.raw.begin());
  entry.record = value.subspan(entry_head + name_bytes + digest_bytes);
  return entry;
}

}  // namespace pixmesh

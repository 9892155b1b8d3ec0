#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/disk.h"
#include "base/ids.h"
#include "base/limits.h"
#include "base/result.h"

namespace pixmesh {

/// The order of writes to one name: the later hybrid clock wins, the greater writer breaks ties.
struct Version {
  std::uint64_t clock = 0;  // hybrid logical clock, microseconds since 1970; 0: no version
  /// The first half of the id of whose clock it is; then the edits since, and what they made it of.
  NodeId writer;
  friend auto operator<=>(const Version&, const Version&) = default;
};

/// The version of what a node writes by its clock.
[[nodiscard]] Version clocked_version(std::uint64_t clock, const NodeId& node);
/// The version of what a wish makes of `base`, as new tags: above it, and below whatever else is
/// above it. Of another base, or by another wish, it is another one but for one time in 2^32.
[[nodiscard]] Version edited_version(const Version& base, const RequestId& wish);
/// The same of the tombstone that remembers that a wish was refused, for `base` was deleted.
[[nodiscard]] Version refused_version(const Version& base, const RequestId& wish);
/// Whether it is one of this wish; wrongly so for one other version in 2^33.
[[nodiscard]] bool is_refusal(const Version& version, const RequestId& wish);

struct Tag {
  std::string key;
  std::string value;
  friend auto operator<=>(const Tag&, const Tag&) = default;
};

/// What the mesh knows about one name. The bytes it names never change; a new upload is a new
/// record with a higher version, a deletion a record with `tombstone`.
struct ImageRecord {
  std::string name;  // UTF-8, 1 … 1024 bytes, no NUL
  Version version;
  Digest digest;  // BLAKE2b-256 of the bytes; all zero in a tombstone
  std::uint64_t size = 0;
  MediaFacts media;
  std::vector<std::uint64_t> checksums;  // XXH3-64 of each chunk of 1 MiB
  RequestId request;                     // the wish that made this version
  std::vector<Tag> tags;                 // sorted by key, each key once
  bool tombstone = false;
  friend bool operator==(const ImageRecord&, const ImageRecord&) = default;
};

/// @returns Done, or a usage error that says what is wrong with the name.
[[nodiscard]] Result<Done> check_name(std::string_view name);

/// @returns Done, or a usage error: a size of 0 or above 64 GiB, not a checksum for each chunk, no
/// digest, a tombstone.
[[nodiscard]] Result<Done> check_content(const ImageRecord& record);

/// @returns Done, or a usage error: too many tags, too long ones, an empty key, a key twice.
[[nodiscard]] Result<Done> check_tags(const std::vector<Tag>& tags);

/// Sets `changes` in `tags` (an empty value removes the key) and keeps the order by key.
[[nodiscard]] std::vector<Tag> merged_tags(std::vector<Tag> tags, const std::vector<Tag>& changes);

/// "jpg", "png", "tif", "webp", "gif", or "bin" for anything else.
[[nodiscard]] std::string extension_of(const MediaFacts& media);

/// Where the bytes lie below a disk's folder: `blobs/ab/cd/….jpg`.
[[nodiscard]] std::string blob_path(const Digest& digest, const MediaFacts& media);

/// Where the record file lies: `records/00a3/….rec`.
[[nodiscard]] std::string record_path(PartitionId partition, const NameDigest& name);

/// Big endian, 4 bytes: what keys of a partition's rows start with.
[[nodiscard]] Bytes row_prefix(PartitionId partition);

/// The partition that a row's key starts with; the key has 4 bytes or more.
[[nodiscard]] PartitionId partition_in_row(ByteView key);

/// Big endian, 8 bytes: how rows keep numbers. Anything else reads as 0.
[[nodiscard]] Bytes row_value(std::uint64_t number);
[[nodiscard]] std::uint64_t number_in_row(ByteView value);

/// How many chunks `size` bytes are cut into; an empty file has none.
[[nodiscard]] std::uint32_t chunk_count_of(std::uint64_t size);

/// The bytes of chunk `index` of a file of `size` bytes.
[[nodiscard]] std::uint32_t chunk_size_of(std::uint64_t size, std::uint32_t index);

}  // namespace pixmesh

#include "replication/record.h"

#include <algorithm>
#include <array>

#include "base/digest.h"

namespace pixmesh {
namespace {

/// The length of the well-formed UTF-8 sequence at the front, 0 if there is none (Unicode 15,
/// §3.9).
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto tail = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xBF) {
    return i < text.size() && byte(i) >= low && byte(i) <= high;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return tail(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const unsigned low = first == 0xE0 ? 0xA0 : 0x80;
    const unsigned high = first == 0xED ? 0x9F : 0xBF;
    return tail(1, low, high) && tail(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const unsigned low = first == 0xF0 ? 0x90 : 0x80;
    const unsigned high = first == 0xF4 ? 0x8F : 0xBF;
    return tail(1, low, high) && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

// Of `Version::writer`: eight bytes of the id, four with the number of edits, four of a digest. The
// highest bit of the edits tells a refusal.
constexpr std::size_t edits_at = 8;
constexpr std::size_t digest_at = 12;
constexpr std::uint8_t refusal_bit = 0x80;

Version next_edit(Version version, const Digest& made_of) {
  for (std::size_t i = digest_at; i-- > edits_at;) {
    if (++version.writer.raw[i] != 0) break;
  }
  std::copy_n(made_of.raw.begin(), version.writer.raw.size() - digest_at,
              version.writer.raw.begin() + digest_at);
  return version;
}

}  // namespace

Version clocked_version(std::uint64_t clock, const NodeId& node) {
  Version version{clock, node};
  std::fill(version.writer.raw.begin() + edits_at, version.writer.raw.end(), std::uint8_t{0});
  return version;
}

Version edited_version(const Version& base, const RequestId& wish) {
  CanonicalBytes made_of;
  made_of.raw(wish.raw).u64(base.clock).raw(base.writer.raw);
  return next_edit(base, digest_of(made_of.bytes()));
}

Version refused_version(const Version& base, const RequestId& wish) {
  Version refused = next_edit(base, digest_of(wish.raw));
  refused.writer.raw[edits_at] |= refusal_bit;
  return refused;
}

bool is_refusal(const Version& version, const RequestId& wish) {
  const Digest digest = digest_of(wish.raw);
  return (version.writer.raw[edits_at] & refusal_bit) != 0 &&
         std::equal(version.writer.raw.begin() + digest_at, version.writer.raw.end(),
                    digest.raw.begin());
}

Result<Done> check_name(std::string_view name) {
  if (name.empty()) return Error{ErrorCode::usage, "the name is empty; give 1 to 1024 bytes"};
  if (name.size() > name_bytes_max) {
    return Error{ErrorCode::usage, "the name has " + std::to_string(name.size()) +
                                       " bytes; at most 1024 are allowed"};
  }
  for (std::string_view rest = name; !rest.empty();) {
    const std::size_t length = utf8_length(rest);
    if (length == 0) return Error{ErrorCode::usage, "the name is not UTF-8 text"};
    if (rest[0] == '\0') return Error{ErrorCode::usage, "the name contains a NUL byte"};
    rest.remove_prefix(length);
  }
  return Done{};
}

Result<Done> check_content(const ImageRecord& record) {
  const bool fits = record.size > 0 && record.size <= image_bytes_max &&
                    record.checksums.size() == chunk_count_of(record.size);
  if (fits && record.digest != Digest{} && !record.tombstone) return Done{};
  return Error{ErrorCode::usage, "the source is no image as the mesh stores them"};
}

Result<Done> check_tags(const std::vector<Tag>& tags) {
  if (tags.size() > tags_max) {
    return Error{ErrorCode::usage, "more than 64 tags; an image can carry 64"};
  }
  for (std::size_t i = 0; i < tags.size(); ++i) {
    const Tag& tag = tags[i];
    if (tag.key.empty()) return Error{ErrorCode::usage, "a tag has an empty key; write key=value"};
    if (tag.key.size() > tag_bytes_max || tag.value.size() > tag_bytes_max) {
      return Error{ErrorCode::usage, "a tag's key or value is longer than 256 bytes"};
    }
    for (std::size_t j = 0; j < i; ++j) {
      if (tags[j].key == tag.key) {
        return Error{ErrorCode::usage, "the tag '" + tag.key + "' is given twice"};
      }
    }
  }
  return Done{};
}

std::vector<Tag> merged_tags(std::vector<Tag> tags, const std::vector<Tag>& changes) {
  for (const Tag& change : changes) {
    std::erase_if(tags, [&](const Tag& tag) { return tag.key == change.key; });
    if (!change.value.empty()) tags.push_back(change);
  }
  std::sort(tags.begin(), tags.end());
  return tags;
}

std::string extension_of(const MediaFacts& media) {
  static constexpr std::array<std::array<const char*, 2>, 5> known{
      {{"jpeg", "jpg"}, {"png", "png"}, {"tiff", "tif"}, {"webp", "webp"}, {"gif", "gif"}}};
  for (const auto& [type, extension] : known) {
    if (media.type == type) return extension;
  }
  return "bin";
}

std::string blob_path(const Digest& digest, const MediaFacts& media) {
  const std::string text = to_text(digest);
  return "blobs/" + text.substr(0, 2) + "/" + text.substr(2, 2) + "/" + text.substr(4) + "." +
         extension_of(media);
}

Bytes row_prefix(PartitionId partition) {
  return {static_cast<std::uint8_t>(partition.raw >> 24),
          static_cast<std::uint8_t>(partition.raw >> 16),
          static_cast<std::uint8_t>(partition.raw >> 8), static_cast<std::uint8_t>(partition.raw)};
}

PartitionId partition_in_row(ByteView key) {
  std::uint32_t raw = 0;
  for (const std::uint8_t byte : key.first(4)) raw = raw << 8 | byte;
  return PartitionId{raw};
}

Bytes row_value(std::uint64_t number) {
  Bytes bytes;
  for (int shift = 56; shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<std::uint8_t>(number >> shift));
  }
  return bytes;
}

std::uint64_t number_in_row(ByteView value) {
  if (value.size() != 8) return 0;
  std::uint64_t number = 0;
  for (const std::uint8_t byte : value) number = number << 8 | byte;
  return number;
}

std::string record_path(PartitionId partition, const NameDigest& name) {
  const std::array<std::uint8_t, 2> bytes{static_cast<std::uint8_t>(partition.raw >> 8),
                                          static_cast<std::uint8_t>(partition.raw)};
  return "records/" + hex_of(bytes) + "/" + to_text(name) + ".rec";
}

std::uint32_t chunk_count_of(std::uint64_t size) {
  return static_cast<std::uint32_t>((size + chunk_bytes_max - 1) / chunk_bytes_max);
}

std::uint32_t chunk_size_of(std::uint64_t size, std::uint32_t index) {
  const std::uint64_t begin = std::uint64_t{index} * chunk_bytes_max;
  invariant(begin < size, "a chunk lies inside its file");
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(chunk_bytes_max, size - begin));
}

}  // namespace pixmesh

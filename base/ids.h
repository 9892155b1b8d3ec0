#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>

#include "base/bytes.h"

namespace pixmesh {

/// Byte by byte, as arrays compare themselves, but eight at a time: members are compared
/// everywhere.
template <std::size_t size>
[[nodiscard]] constexpr std::strong_ordering compare_bytes(
    const std::array<std::uint8_t, size>& a, const std::array<std::uint8_t, size>& b) {
  static_assert(size % 8 == 0);
  if (std::is_constant_evaluated()) return a <=> b;
  for (std::size_t at = 0; at < size; at += 8) {
    std::uint64_t of_a;
    std::uint64_t of_b;
    std::memcpy(&of_a, a.data() + at, 8);
    std::memcpy(&of_b, b.data() + at, 8);
    if (of_a == of_b) continue;
    if constexpr (std::endian::native == std::endian::little) {
      of_a = __builtin_bswap64(of_a);
      of_b = __builtin_bswap64(of_b);
    }
    return of_a <=> of_b;
  }
  return std::strong_ordering::equal;
}

/// A name for one thing: compared and stored, never added to.
/// `Tag` keeps a NodeId from being passed where an ImageId is meant.
template <typename Tag, typename Raw>
struct Id {
  Raw raw{};
  friend constexpr bool operator==(const Id& a, const Id& b) { return (a <=> b) == 0; }
  friend constexpr std::strong_ordering operator<=>(const Id& a, const Id& b) {
    if constexpr (std::is_integral_v<Raw>) {
      return a.raw <=> b.raw;
    } else {
      return compare_bytes(a.raw, b.raw);
    }
  }
};

using NodeId = Id<struct NodeTag, std::array<std::uint8_t, 16>>;  // BLAKE2b-128 of its signing key
using MeshId = Id<struct MeshTag, std::array<std::uint8_t, 16>>;
using RequestId = Id<struct RequestTag, std::array<std::uint8_t, 16>>;      // one user's wish
using StreamId = Id<struct StreamTag, std::array<std::uint8_t, 16>>;        // one flow of chunks
using Digest = Id<struct DigestTag, std::array<std::uint8_t, 32>>;          // BLAKE2b-256 of bytes
using NameDigest = Id<struct NameDigestTag, std::array<std::uint8_t, 16>>;  // BLAKE2b-128 of a name
using Epoch = Id<struct EpochTag, std::array<std::uint8_t, 32>>;  // compared for equality only
using PartitionId = Id<struct PartitionTag, std::uint32_t>;       // 0 … 2^k - 1
using OperationId = Id<struct OperationTag, std::uint64_t>;       // one asker's open question
using LinkId = Id<struct LinkTag, std::uint64_t>;                 // one connection, either way
using TempId = Id<struct TempTag, std::uint64_t>;                 // a file being written
using RunId = Id<struct RunTag, std::uint64_t>;                   // one run of a tool on this node

/// All of it, in hexadecimal.
template <typename Tag, std::size_t size>
[[nodiscard]] std::string to_text(const Id<Tag, std::array<std::uint8_t, size>>& id) {
  return hex_of(id.raw);
}
/// The first 8 hexadecimal characters: enough for people to tell nodes apart.
template <typename Tag, std::size_t size>
[[nodiscard]] std::string short_text(const Id<Tag, std::array<std::uint8_t, size>>& id) {
  return hex_of(ByteView(id.raw).first(4));
}
template <typename AnyId>
[[nodiscard]] bool parse_id(std::string_view text, AnyId& id) {
  return parse_hex(text, id.raw);
}

}  // namespace pixmesh

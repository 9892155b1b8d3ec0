#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pixmesh {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

/// The bytes of a text, without its end marker.
[[nodiscard]] inline ByteView bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
[[nodiscard]] inline std::string_view text_of(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Lower-case hexadecimal, two characters a byte.
[[nodiscard]] std::string hex_of(ByteView bytes);

/// Reads exactly `out.size()` bytes of hexadecimal (either case); false if `text` is anything else.
[[nodiscard]] bool parse_hex(std::string_view text, std::span<std::uint8_t> out);

/// The one way to lay out values that are hashed or signed: little-endian integers of fixed width,
/// and texts and lists with their length in front, so that no two different values share bytes.
class CanonicalBytes {
 public:
  CanonicalBytes& u8(std::uint8_t value);
  CanonicalBytes& u32(std::uint32_t value);
  CanonicalBytes& u64(std::uint64_t value);
  CanonicalBytes& raw(ByteView bytes);  // no length: only for values of fixed size
  CanonicalBytes& text(std::string_view value);

  [[nodiscard]] const Bytes& bytes() const { return bytes_; }

 private:
  Bytes bytes_;
};

/// The integer that `CanonicalBytes` laid out in these 1 to 8 bytes.
[[nodiscard]] inline std::uint64_t little_endian(ByteView bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | bytes[i];
  return value;
}

}  // namespace pixmesh

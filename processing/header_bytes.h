#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace pixmesh {

/// A file that is seen through one window at a time, by a reader that jumps about in it. Whoever
/// has the file moves the window to what the reader misses (`wanted`).
///
/// The last bytes of a window are kept, so that a field may lie across the border to the next one.
/// Nothing outside the window and those bytes is ever touched, whatever the file says.
class HeaderBytes {
 public:
  static constexpr std::size_t field_bytes_max = 64;

  explicit HeaderBytes(std::uint64_t size) : size_(size) {}

  /// The window lies at `offset` until `leave`. Bytes behind the file's size are cut off.
  void enter(std::uint64_t offset, ByteView bytes);
  void leave();

  /// `count` bytes at `offset`, valid until the next call. None if they do not all exist (`ended`),
  /// or are not in sight (`wanted`).
  /// @param count  at most field_bytes_max.
  [[nodiscard]] std::optional<ByteView> at(std::uint64_t offset, std::size_t count);

  /// All that is in sight from `offset` on, at least one byte. None as above.
  [[nodiscard]] std::optional<ByteView> from(std::uint64_t offset);

  /// What was asked for last lies behind the end of the file.
  [[nodiscard]] bool ended() const { return ended_; }
  /// Where the missing byte is, after an `at` or `from` that gave nothing and did not end.
  [[nodiscard]] std::uint64_t wanted() const { return wanted_; }
  [[nodiscard]] std::uint64_t size() const { return size_; }

 private:
  [[nodiscard]] std::optional<ByteView> across(std::uint64_t offset, std::size_t count);

  std::uint64_t size_;
  std::uint64_t window_at_ = 0;
  ByteView window_;
  std::uint64_t tail_at_ = 0;  // the last bytes of the window before this one
  std::size_t tail_count_ = 0;
  std::array<std::uint8_t, field_bytes_max> tail_{};
  std::array<std::uint8_t, field_bytes_max> joined_{};
  std::uint64_t wanted_ = 0;
  bool ended_ = false;
};

enum class ByteOrder : std::uint8_t { little, big };

/// The integer in these 1 to 8 bytes.
[[nodiscard]] std::uint64_t number_of(ByteView bytes, ByteOrder order);
[[nodiscard]] std::uint32_t number32_of(ByteView bytes, ByteOrder order);

}  // namespace pixmesh

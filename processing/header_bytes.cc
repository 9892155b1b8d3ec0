#include "processing/header_bytes.h"

#include <algorithm>

#include "base/invariant.h"

namespace pixmesh {

void HeaderBytes::enter(std::uint64_t offset, ByteView bytes) {
  const std::uint64_t exists = offset < size_ ? size_ - offset : 0;
  window_at_ = offset;
  window_ = bytes.first(static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), exists)));
}

void HeaderBytes::leave() {
  const ByteView last = window_.last(std::min(window_.size(), field_bytes_max));
  std::ranges::copy(last, tail_.begin());
  tail_count_ = last.size();
  tail_at_ = window_at_ + window_.size() - last.size();
  window_ = {};
}

std::optional<ByteView> HeaderBytes::at(std::uint64_t offset, std::size_t count) {
  invariant(count <= field_bytes_max, "a field fits");
  ended_ = offset > size_ || size_ - offset < count;
  if (ended_) return std::nullopt;
  const std::uint64_t window_end = window_at_ + window_.size();
  if (offset >= window_at_ && offset + count <= window_end) {
    return window_.subspan(static_cast<std::size_t>(offset - window_at_), count);
  }
  if (const auto joined = across(offset, count)) return joined;
  const bool begins_here = offset >= window_at_ && offset < window_end;
  wanted_ = begins_here ? window_end : offset;
  return std::nullopt;
}

std::optional<ByteView> HeaderBytes::across(std::uint64_t offset, std::size_t count) {
  const bool follows = tail_count_ > 0 && tail_at_ + tail_count_ == window_at_;
  const bool inside =
      offset >= tail_at_ && offset < window_at_ && offset + count <= window_at_ + window_.size();
  if (!follows || !inside) return std::nullopt;
  const auto skipped = static_cast<std::size_t>(offset - tail_at_);
  const std::size_t before = std::min(tail_count_ - skipped, count);
  const ByteView old = ByteView(tail_).subspan(skipped, before);
  const auto rest = std::ranges::copy(old, joined_.begin()).out;
  std::ranges::copy(window_.first(count - before), rest);
  return ByteView(joined_).first(count);
}

std::optional<ByteView> HeaderBytes::from(std::uint64_t offset) {
  ended_ = offset >= size_;
  if (ended_) return std::nullopt;
  if (offset >= window_at_ && offset - window_at_ < window_.size()) {
    return window_.subspan(static_cast<std::size_t>(offset - window_at_));
  }
  wanted_ = offset;
  return std::nullopt;
}

std::uint64_t number_of(ByteView bytes, ByteOrder order) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    value = value << 8 | bytes[order == ByteOrder::big ? i : bytes.size() - 1 - i];
  }
  return value;
}

std::uint32_t number32_of(ByteView bytes, ByteOrder order) {
  return static_cast<std::uint32_t>(number_of(bytes, order));
}

}  // namespace pixmesh

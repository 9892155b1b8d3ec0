#include <algorithm>
#include <array>
#include <limits>

#include "processing/header_format.h"

// TIFF 6.0 and BigTIFF.
namespace pixmesh {
namespace {

constexpr std::uint64_t directory_entries_max = 4'096;  // of one directory
constexpr std::uint32_t directories_extra = 256;        // reduced copies besides the frames allowed

enum Tag : std::uint16_t {
  kind_of_picture = 254,
  image_width = 256,
  image_length = 257,
  strip_offsets = 273,
  strip_counts = 279,
  tile_offsets = 324,
  tile_counts = 325,
};

/// Where the numbers lie in a directory.
struct TiffShape {
  ByteOrder order = ByteOrder::little;
  std::size_t count_bytes = 2;
  std::size_t entry_bytes = 12;
  std::size_t value_at = 8;
  std::size_t pointer_bytes = 4;
};

std::uint64_t saturated_product(std::uint64_t a, std::uint64_t b) {
  return b != 0 && a > std::numeric_limits<std::uint64_t>::max() / b
             ? std::numeric_limits<std::uint64_t>::max()
             : a * b;
}

std::uint64_t type_bytes(std::uint64_t type) {
  constexpr std::array<std::uint8_t, 19> sizes{0, 1, 1, 2, 4, 8, 1, 1, 2, 4,
                                               8, 4, 8, 4, 0, 0, 8, 8, 8};
  return type < sizes.size() ? sizes[type] : 0;
}

std::uint32_t value_of(ByteView entry, const TiffShape& shape) {
  const std::uint64_t type = number_of(entry.subspan(2, 2), shape.order);
  constexpr std::uint64_t type_short = 3, type_long = 4, type_long8 = 16;
  if (type == type_short) return number32_of(entry.subspan(shape.value_at, 2), shape.order);
  if (type == type_long) return number32_of(entry.subspan(shape.value_at, 4), shape.order);
  if (type != type_long8 || shape.entry_bytes < shape.value_at + 8) return 0;
  const std::uint64_t value = number_of(entry.subspan(shape.value_at, 8), shape.order);
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(value, UINT32_MAX));
}

/// Directory after directory, as each names the next. The first tells the size: it is what tools
/// open. Reduced copies and masks are no frames.
class TiffHeader : public HeaderFormat {
 public:
  explicit TiffHeader(ByteOrder order) { shape_.order = order; }

  HeaderStep step(HeaderWalk& walk) override {
    if (directory_ == 0) return on_start(walk);
    if (entry_count_ == 0) return on_directory(walk);
    return next_entry_ < entry_count_ ? on_entry(walk) : on_next(walk);
  }

 private:
  /// Only the first directory has to be whole.
  HeaderStep missing(HeaderWalk& walk) const {
    return directories_ > 1 ? walk.missing_at_end() : walk.missing();
  }

  HeaderStep open_directory(std::uint64_t offset) {
    directory_ = offset;
    entry_count_ = 0;
    next_entry_ = 0;
    reduced_ = false;
    ++directories_;
    return HeaderStep::more;
  }

  HeaderStep on_start(HeaderWalk& walk) {
    const auto head = walk.bytes.at(0, 8);
    if (!head) return walk.missing();
    if (number_of(head->subspan(2, 2), shape_.order) == 42) {
      const std::uint64_t offset = number_of(head->subspan(4, 4), shape_.order);
      return offset == 0 ? walk.broken() : open_directory(offset);
    }
    const auto big_head = walk.bytes.at(0, 16);
    if (!big_head) return walk.missing();
    shape_ = {shape_.order, 8, 20, 12, 8};
    const std::uint64_t offset = number_of(big_head->subspan(8, 8), shape_.order);
    const bool sound = number_of(big_head->subspan(4, 4), ByteOrder::big) ==
                           (shape_.order == ByteOrder::big ? 0x0008'0000U : 0x0800'0000U) &&
                       offset != 0 && offset <= (UINT64_MAX >> 1);
    return sound ? open_directory(offset) : walk.broken();
  }

  HeaderStep on_directory(HeaderWalk& walk) {
    const auto head = walk.bytes.at(directory_, shape_.count_bytes);
    if (!head) return missing(walk);
    entry_count_ = number_of(*head, shape_.order);
    if (entry_count_ == 0) return directories_ > 1 ? HeaderStep::done : walk.broken();
    if (entry_count_ <= directory_entries_max) return HeaderStep::more;
    walk.header.fault = HeaderFault::endless;
    return HeaderStep::done;
  }

  HeaderStep on_entry(HeaderWalk& walk) {
    const auto entry = walk.bytes.at(
        directory_ + shape_.count_bytes + next_entry_ * shape_.entry_bytes, shape_.entry_bytes);
    if (!entry) return missing(walk);
    ++next_entry_;
    const auto tag = static_cast<std::uint16_t>(number_of(entry->first(2), shape_.order));
    const std::uint32_t value = value_of(*entry, shape_);
    // Of a tag that is there twice libtiff takes the first.
    const auto take_first = [value](std::uint32_t& side) { side = side == 0 ? value : side; };
    if (directories_ == 1 && tag == image_width) take_first(walk.header.width);
    if (directories_ == 1 && tag == image_length) take_first(walk.header.height);
    constexpr std::uint32_t reduced_or_mask = 1 | 4;
    if (tag == kind_of_picture) reduced_ = (value & reduced_or_mask) != 0;
    add_weight(walk, tag, *entry);
    const bool known = walk.header.width != 0 && walk.header.height != 0;
    return known && walk.depth == HeaderDepth::pixels ? HeaderStep::done : HeaderStep::more;
  }

  void add_weight(HeaderWalk& walk, std::uint16_t tag, ByteView entry) const {
    const bool places =
        tag == strip_offsets || tag == strip_counts || tag == tile_offsets || tag == tile_counts;
    if (places) return;
    const ByteView count = entry.subspan(4, shape_.value_at - 4);
    walk.add_ancillary(saturated_product(number_of(count, shape_.order),
                                         type_bytes(number_of(entry.subspan(2, 2), shape_.order))));
  }

  HeaderStep on_next(HeaderWalk& walk) {
    if (walk.header.width == 0 || walk.header.height == 0) return walk.broken();
    if (!counted_) {
      counted_ = true;
      if (!reduced_ || directories_ == 1) ++walk.header.frames;
    }
    if (walk.over_limit()) return HeaderStep::done;
    const std::uint64_t end = directory_ + shape_.count_bytes + entry_count_ * shape_.entry_bytes;
    const auto pointer = walk.bytes.at(end, shape_.pointer_bytes);
    if (!pointer) return walk.missing_at_end();
    const std::uint64_t next = number_of(*pointer, shape_.order);
    if (next == 0 || next > (UINT64_MAX >> 1)) return HeaderStep::done;
    if (directories_ >= std::uint64_t{walk.limits.frames} + directories_extra) {
      walk.header.fault = HeaderFault::endless;  // maybe a ring
      return HeaderStep::done;
    }
    counted_ = false;
    return open_directory(next);
  }

  TiffShape shape_;
  std::uint64_t directory_ = 0;  // where it lies; 0: none is known yet
  std::uint64_t entry_count_ = 0;
  std::uint64_t next_entry_ = 0;
  std::uint64_t directories_ = 0;
  bool reduced_ = false;
  bool counted_ = false;
};

}  // namespace

std::unique_ptr<HeaderFormat> make_tiff_header(ByteOrder order) {
  return std::make_unique<TiffHeader>(order);
}

}  // namespace pixmesh

#include <algorithm>
#include <cstring>

#include "processing/header_format.h"

// ITU T.81, annex B.
namespace pixmesh {
namespace {

constexpr std::uint8_t start_of_scan = 0xda;
constexpr std::uint8_t end_of_image = 0xd9;
// Between markers there may be fill bytes; decoders skip anything, but no camera writes much of it.
constexpr std::uint64_t skipped_bytes_max = 4'096;

bool is_frame_header(std::uint8_t marker) {
  return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}
bool is_progressive(std::uint8_t marker) { return (marker & 3) == 2; }
bool stands_alone(std::uint8_t marker) {
  return marker == 0x00 || marker == 0x01 || marker == 0xff || (marker >= 0xd0 && marker <= 0xd8);
}
bool is_ancillary(std::uint8_t marker) {
  return (marker >= 0xe0 && marker <= 0xef) || marker == 0xfe;
}

/// Markers are looked for as libjpeg does it: whatever is none is passed over. So no scan that a
/// decoder would find is missed. Coded data is passed over in the same way: in it 0xff 0x00 and
/// restart markers stand for themselves.
class JpegHeader : public HeaderFormat {
 public:
  HeaderStep step(HeaderWalk& walk) override {
    if (!at_marker_) return find_marker(walk);
    const auto head = walk.bytes.at(offset_, 4);
    if (!head) return missing(walk);
    const std::uint8_t marker = (*head)[1];
    const std::uint64_t length = number_of(head->subspan(2), ByteOrder::big);
    if (length < 2) return walk.broken();
    if (is_frame_header(marker)) return on_frame(walk, marker, length);
    if (marker == start_of_scan) return on_scan(walk, length);
    if (is_ancillary(marker)) walk.add_ancillary(length);
    return pass(walk, length);
  }

 private:
  /// A file that ends after its first scan lacks only a part of the picture.
  static HeaderStep missing(HeaderWalk& walk) {
    return walk.header.scans > 0 ? walk.missing_at_end() : walk.missing();
  }

  HeaderStep pass(HeaderWalk& walk, std::uint64_t length) {
    offset_ += 2 + length;
    at_marker_ = false;
    return walk.over_limit() ? HeaderStep::done : HeaderStep::more;
  }

  /// Moves `offset_` to the next 0xff that begins a segment.
  HeaderStep find_marker(HeaderWalk& walk) {
    const auto seen = walk.bytes.from(offset_);
    if (!seen) return missing(walk);
    const void* found = std::memchr(seen->data(), 0xff, seen->size());
    const auto skipped =
        found == nullptr
            ? seen->size()
            : static_cast<std::size_t>(static_cast<const std::uint8_t*>(found) - seen->data());
    if (walk.header.scans == 0) skipped_ += skipped;
    if (skipped_ > skipped_bytes_max) return walk.broken();
    offset_ += skipped;
    if (found == nullptr) return HeaderStep::more;
    const auto head = walk.bytes.at(offset_, 2);
    if (!head) return missing(walk);
    const std::uint8_t marker = (*head)[1];
    // A decoder takes an end for an end, also where the file goes on.
    if (marker == end_of_image) return walk.header.scans > 0 ? HeaderStep::done : walk.broken();
    at_marker_ = !stands_alone(marker);
    if (!at_marker_) offset_ += marker == 0xff ? 1 : 2;
    return HeaderStep::more;
  }

  HeaderStep on_frame(HeaderWalk& walk, std::uint8_t marker, std::uint64_t length) {
    constexpr std::size_t fixed_bytes = 10;
    constexpr std::size_t most_bytes = fixed_bytes + 4 * std::size_t{3};
    // As much as there is of the components' sampling.
    const std::size_t there = walk.depth == HeaderDepth::pixels ? 0 : length + 2;
    const auto frame =
        walk.bytes.at(offset_, std::clamp<std::size_t>(there, fixed_bytes, most_bytes));
    if (!frame) return missing(walk);
    if (components_ != 0 || length < 8) return walk.broken();
    walk.header.height = number32_of(frame->subspan(5, 2), ByteOrder::big);
    walk.header.width = number32_of(frame->subspan(7, 2), ByteOrder::big);
    components_ = (*frame)[9];
    const std::size_t told = (frame->size() - fixed_bytes) / 3;
    held_a_pixel_ = components_ <= told
                        ? coefficient_bytes(frame->subspan(fixed_bytes, 3 * components_))
                        : 2U * components_;
    progressive_ = is_progressive(marker);
    if (walk.header.width == 0 || walk.header.height == 0 || components_ == 0) {
      return walk.broken();
    }
    walk.header.frames = 1;
    if (walk.depth == HeaderDepth::pixels) return HeaderStep::done;
    return pass(walk, length);
  }

  HeaderStep on_scan(HeaderWalk& walk, std::uint64_t length) {
    const auto scan = walk.bytes.at(offset_, 5);
    if (!scan) return missing(walk);
    if (components_ == 0 || length < 3) return walk.broken();
    ++walk.header.scans;
    // What comes in several scans is kept as coefficients of two bytes until the last of them.
    const bool held = progressive_ || (*scan)[4] != components_;
    if (held) walk.header.held_a_pixel = held_a_pixel_;
    // Decoders refuse a second scan where one has all components.
    if (!progressive_ && (*scan)[4] == components_) return HeaderStep::done;
    return pass(walk, length);
  }

  /// What a pixel's coefficients take, at two bytes each: 3 where the colours have half the width
  /// and height. Rounded up.
  /// @param sampling  three bytes for each component: its name, both factors, its table.
  static std::uint32_t coefficient_bytes(ByteView sampling) {
    std::uint32_t across = 1, down = 1, sum = 0;
    for (std::size_t i = 1; i < sampling.size(); i += 3) {
      const std::uint32_t h = std::max(1, sampling[i] >> 4);
      const std::uint32_t v = std::max(1, sampling[i] & 15);
      across = std::max(across, h);
      down = std::max(down, v);
      sum += h * v;
    }
    return (2 * sum + across * down - 1) / (across * down);
  }

  std::uint64_t offset_ = 2;
  bool at_marker_ = false;
  std::uint8_t components_ = 0;     // of the frame; 0 before it
  std::uint32_t held_a_pixel_ = 0;  // if it comes in several scans
  bool progressive_ = false;
  std::uint64_t skipped_ = 0;
};

}  // namespace

std::unique_ptr<HeaderFormat> make_jpeg_header() { return std::make_unique<JpegHeader>(); }

}  // namespace pixmesh

#include <algorithm>

#include "processing/header_format.h"

// W3C PNG, third edition: chunks, and the animation control chunk.
namespace pixmesh {
namespace {

constexpr std::uint64_t png_number_max = 0x7fff'ffff;  // of any number in a PNG

/// Up to the first byte of the picture. What comes after it decoders bound by themselves.
class PngHeader : public HeaderFormat {
 public:
  HeaderStep step(HeaderWalk& walk) override {
    const auto head = walk.bytes.at(offset_, 8);
    if (!head) return walk.missing();
    const std::uint64_t length = number_of(head->first(4), ByteOrder::big);
    const std::string_view name = text_of(head->subspan(4));
    if (length > png_number_max || (offset_ == 8) != (name == "IHDR")) return walk.broken();
    if (name == "IHDR") return on_start(walk, length);
    if (name == "IDAT") return HeaderStep::done;
    if (name == "IEND") return walk.broken();
    if (name == "acTL") return on_animation(walk, length);
    constexpr char lower_case = 0x20;
    if ((name.front() & lower_case) != 0) walk.add_ancillary(length);
    return pass(walk, length);
  }

 private:
  HeaderStep pass(HeaderWalk& walk, std::uint64_t length) {
    constexpr std::uint64_t around = 12;  // length, name and checksum
    offset_ += around + length;
    return walk.over_limit() ? HeaderStep::done : HeaderStep::more;
  }

  HeaderStep on_start(HeaderWalk& walk, std::uint64_t length) {
    const auto size = walk.bytes.at(offset_ + 8, 8);
    if (!size) return walk.missing();
    const std::uint64_t width = number_of(size->first(4), ByteOrder::big);
    const std::uint64_t height = number_of(size->subspan(4), ByteOrder::big);
    const bool sound = length == 13 && width > 0 && height > 0 && width <= png_number_max &&
                       height <= png_number_max;
    if (!sound) return walk.broken();
    walk.header.width = static_cast<std::uint32_t>(width);
    walk.header.height = static_cast<std::uint32_t>(height);
    walk.header.frames = 1;
    if (walk.depth == HeaderDepth::pixels) return HeaderStep::done;
    const auto form = walk.bytes.at(offset_ + 16, 5);  // depth, colours, …, interlace
    if (!form) return walk.missing();
    if ((*form)[4] != 0) walk.header.held_a_pixel = bytes_a_pixel((*form)[0], (*form)[1]);
    return pass(walk, length);
  }

  /// As decoders hold it, a palette resolved, transparency counted.
  static std::uint32_t bytes_a_pixel(std::uint8_t depth, std::uint8_t colours) {
    constexpr std::uint8_t is_coloured = 2;
    const std::uint32_t channels = (colours & is_coloured) != 0 ? 4 : 2;
    return depth > 8 ? 2 * channels : channels;
  }

  HeaderStep on_animation(HeaderWalk& walk, std::uint64_t length) {
    const auto count = walk.bytes.at(offset_ + 8, 4);
    if (!count) return walk.missing();
    if (length != 8) return walk.broken();
    walk.header.frames = std::max(1U, number32_of(*count, ByteOrder::big));
    return pass(walk, length);
  }

  std::uint64_t offset_ = 8;
};

}  // namespace

std::unique_ptr<HeaderFormat> make_png_header() { return std::make_unique<PngHeader>(); }

}  // namespace pixmesh

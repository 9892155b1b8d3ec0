#include <algorithm>

#include "processing/header_format.h"

// GIF89a.
namespace pixmesh {
namespace {

constexpr std::uint8_t extension_block = 0x21;
constexpr std::uint8_t image_block = 0x2c;
constexpr std::uint8_t end_block = 0x3b;

std::uint64_t colour_table_bytes(std::uint8_t packed) {
  return (packed & 0x80) == 0 ? 0 : 3ULL << ((packed & 7) + 1);
}

/// Frames can only be counted by passing over their data, piece by piece.
class GifHeader : public HeaderFormat {
 public:
  HeaderStep step(HeaderWalk& walk) override {
    if (offset_ == 0) return on_screen(walk);
    if (in_pieces_) return pass_piece(walk);
    const auto kind = walk.bytes.at(offset_, 1);
    if (!kind) return missing(walk);
    switch (kind->front()) {
      case image_block:
        return on_image(walk);
      case extension_block:
        return begin_pieces(2, false);  // its label tells nothing that we need
      case end_block:
        return walk.header.frames > 0 ? HeaderStep::done : walk.broken();
      default:
        return walk.header.frames > 0 ? HeaderStep::done : walk.broken();
    }
  }

 private:
  /// A file that ends after its first image began lacks only a part of the picture.
  static HeaderStep missing(HeaderWalk& walk) {
    return walk.header.frames > 0 ? walk.missing_at_end() : walk.missing();
  }

  HeaderStep begin_pieces(std::uint64_t skipped, bool of_image) {
    offset_ += skipped;
    in_pieces_ = true;
    of_image_ = of_image;
    return HeaderStep::more;
  }

  HeaderStep on_screen(HeaderWalk& walk) {
    const auto screen = walk.bytes.at(6, 7);
    if (!screen) return walk.missing();
    walk.header.width = number32_of(screen->first(2), ByteOrder::little);
    walk.header.height = number32_of(screen->subspan(2, 2), ByteOrder::little);
    if (walk.depth == HeaderDepth::pixels) return HeaderStep::done;
    offset_ = 13 + colour_table_bytes((*screen)[4]);
    return HeaderStep::more;
  }

  HeaderStep on_image(HeaderWalk& walk) {
    const auto image = walk.bytes.at(offset_, 10);
    if (!image) return missing(walk);
    const auto side = [&image](std::size_t at, std::size_t extent) {
      return number32_of(image->subspan(at, 2), ByteOrder::little) +
             number32_of(image->subspan(extent, 2), ByteOrder::little);
    };
    walk.header.width = std::max(walk.header.width, side(1, 5));
    walk.header.height = std::max(walk.header.height, side(3, 7));
    ++walk.header.frames;
    if (walk.header.width == 0 || walk.header.height == 0) return walk.broken();
    if (walk.over_limit()) return HeaderStep::done;
    return begin_pieces(11 + colour_table_bytes((*image)[9]), true);
  }

  HeaderStep pass_piece(HeaderWalk& walk) {
    const auto length = walk.bytes.at(offset_, 1);
    if (!length) return missing(walk);
    const std::uint8_t count = length->front();
    offset_ += 1U + count;
    in_pieces_ = count != 0;
    if (!of_image_) walk.add_ancillary(count);
    return walk.over_limit() ? HeaderStep::done : HeaderStep::more;
  }

  std::uint64_t offset_ = 0;
  bool in_pieces_ = false;
  bool of_image_ = false;
};

}  // namespace

std::unique_ptr<HeaderFormat> make_gif_header() { return std::make_unique<GifHeader>(); }

}  // namespace pixmesh

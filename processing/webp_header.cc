#include <string_view>

#include "processing/header_format.h"

// RFC 9649 (the WebP container and the lossless format) and RFC 6386 (VP8).
namespace pixmesh {
namespace {

using namespace std::string_view_literals;

struct Extent {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
};

/// Of a picture's or the canvas' first chunk. @param body  its first 10 bytes.
Extent first_extent(std::string_view name, ByteView body) {
  if (name == "VP8 "sv && text_of(body.subspan(3, 3)) == "\x9d\x01\x2a"sv) {
    return {number32_of(body.subspan(6, 2), ByteOrder::little) & 0x3fff,
            number32_of(body.subspan(8, 2), ByteOrder::little) & 0x3fff};
  }
  if (name == "VP8L"sv && body[0] == 0x2f) {
    const std::uint32_t bits = number32_of(body.subspan(1, 4), ByteOrder::little);
    return {(bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1};
  }
  if (name == "VP8X"sv) {
    return {number32_of(body.subspan(4, 3), ByteOrder::little) + 1,
            number32_of(body.subspan(7, 3), ByteOrder::little) + 1};
  }
  return {};
}

class WebpHeader : public HeaderFormat {
 public:
  HeaderStep step(HeaderWalk& walk) override {
    if (offset_ == first_chunk) return on_first(walk);
    const auto head = walk.bytes.at(offset_, 8);
    if (!head) return walk.header.frames > 0 ? walk.missing_at_end() : walk.missing();
    const std::string_view name = text_of(head->first(4));
    const std::uint64_t length = number_of(head->subspan(4), ByteOrder::little);
    const bool picture = name == "VP8 "sv || name == "VP8L"sv;
    if (picture && !animated_) {
      walk.header.frames = 1;
      return HeaderStep::done;
    }
    if (name == "ANMF"sv) {
      ++walk.header.frames;
    } else if (name != "ALPH"sv) {
      walk.add_ancillary(length);
    }
    return pass(walk, length);
  }

 private:
  static constexpr std::uint64_t first_chunk = 12;

  HeaderStep pass(HeaderWalk& walk, std::uint64_t length) {
    offset_ += 8 + length + length % 2;
    return walk.over_limit() ? HeaderStep::done : HeaderStep::more;
  }

  HeaderStep on_first(HeaderWalk& walk) {
    const auto head = walk.bytes.at(offset_, 18);
    if (!head) return walk.missing();
    const std::string_view name = text_of(head->first(4));
    const Extent extent = first_extent(name, head->subspan(8));
    if (extent.width == 0 || extent.height == 0) return walk.broken();
    walk.header.width = extent.width;
    walk.header.height = extent.height;
    const bool plain = name != "VP8X"sv;
    if (plain) walk.header.frames = 1;
    if (plain || walk.depth == HeaderDepth::pixels) return HeaderStep::done;
    constexpr std::uint8_t animation_flag = 0x02;
    animated_ = ((*head)[8] & animation_flag) != 0;
    return pass(walk, number_of(head->subspan(4, 4), ByteOrder::little));
  }

  std::uint64_t offset_ = first_chunk;
  bool animated_ = false;
};

}  // namespace

std::unique_ptr<HeaderFormat> make_webp_header() { return std::make_unique<WebpHeader>(); }

}  // namespace pixmesh

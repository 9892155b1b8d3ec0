#include "image_bytes.h"

#include <algorithm>

#include "processing/header_bytes.h"

namespace pixmesh::test {
namespace {

/// Bytes that grow at their end.
class Writer {
 public:
  explicit Writer(ByteOrder order) : order_(order) {}

  Writer& number(std::uint64_t value, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t place = order_ == ByteOrder::big ? count - 1 - i : i;
      bytes_.push_back(static_cast<std::uint8_t>(value >> (8 * place)));
    }
    return *this;
  }
  Writer& text(std::string_view value) {
    bytes_.insert(bytes_.end(), value.begin(), value.end());
    return *this;
  }
  Writer& fill(std::size_t count, std::uint8_t with = 0x5a) {
    bytes_.insert(bytes_.end(), count, with);
    return *this;
  }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] Bytes take() { return std::move(bytes_); }

 private:
  ByteOrder order_;
  Bytes bytes_;
};

void add_scan(Writer& jpeg, const JpegShape& shape, std::uint32_t index) {
  const std::uint8_t components =
      shape.progressive && index > 0 ? std::uint8_t{1} : shape.scan_components;
  jpeg.number(0xffda, 2).number(6U + 2U * components, 2).number(components, 1);
  for (std::uint8_t i = 0; i < components; ++i) jpeg.number(i + 1U, 1).number(0, 1);
  jpeg.number(0, 1).number(63, 1).number(0, 1);
  for (std::size_t i = 0; i < shape.scan_bytes; ++i) {
    const bool stuffed = i % 37 == 5;
    const bool restart = i % 53 == 7;
    jpeg.number(stuffed ? 0xff00U : restart ? 0xffd0U + i % 8 : 0x31U, stuffed || restart ? 2 : 1);
  }
}

void add_chunk(Writer& png, std::string_view name, std::size_t length) {
  png.number(length, 4).text(name).fill(length).number(0, 4);
}

void add_entry(Writer& tiff, const TiffShape& shape, std::uint32_t tag, std::uint32_t type,
               std::uint64_t count, std::uint64_t value) {
  tiff.number(tag, 2).number(type, 2).number(count, shape.big_tiff ? 8 : 4);
  const std::size_t room = shape.big_tiff ? 8 : 4;
  const std::size_t used = type == 3 ? 2 : 4;
  tiff.number(value, used).fill(room - used, 0);
}

void add_directory(Writer& tiff, const TiffShape& shape, bool reduced, std::uint64_t next) {
  const std::uint64_t entries =
      3U + (shape.width_again > 0 ? 1 : 0) + (shape.profile_bytes > 0 ? 1 : 0);
  tiff.number(entries, shape.big_tiff ? 8 : 2);
  add_entry(tiff, shape, 254, 4, 1, reduced ? 1 : 0);
  add_entry(tiff, shape, 256, 4, 1, shape.width);
  if (shape.width_again > 0) add_entry(tiff, shape, 256, 4, 1, shape.width_again);
  add_entry(tiff, shape, 257, 3, 1, shape.height);
  if (shape.profile_bytes > 0) add_entry(tiff, shape, 34'675, 7, shape.profile_bytes, 8);
  tiff.number(next, shape.big_tiff ? 8 : 4);
}

void add_frame(Writer& gif, const GifShape& shape) {
  gif.number(0x2c, 1).number(0, 2).number(0, 2);
  gif.number(shape.frame_width, 2).number(shape.frame_height, 2).number(0x80, 1).fill(6);
  gif.number(2, 1).number(3, 1).fill(3).number(200, 1).fill(200).number(0, 1);
}

}  // namespace

Bytes jpeg_bytes(const JpegShape& shape) {
  Writer jpeg(ByteOrder::big);
  jpeg.number(0xffd8, 2).number(0xffe0, 2).number(16, 2).fill(14);
  for (std::size_t left = shape.profile_bytes; left > 0;) {
    const std::size_t part = std::min<std::size_t>(left, 60'000);
    jpeg.number(0xffe2, 2).number(part + 2, 2).fill(part);
    left -= part;
  }
  jpeg.number(0xffff, 2).number(0xdb, 1).number(67, 2).fill(65);  // a fill byte, then tables
  jpeg.number(shape.progressive ? 0xffc2 : 0xffc0, 2).number(17, 2).number(8, 1);
  jpeg.number(shape.height, 2).number(shape.width, 2).number(3, 1).fill(9);
  for (std::uint32_t i = 0; i < shape.scans; ++i) add_scan(jpeg, shape, i);
  return jpeg.number(0xffd9, 2).take();
}

Bytes png_bytes(const PngShape& shape) {
  Writer png(ByteOrder::big);
  png.text("\x89PNG\r\n\x1a\n").number(13, 4).text("IHDR");
  png.number(shape.width, 4).number(shape.height, 4).number(0x0100'0000, 4).number(0, 1);
  png.number(0, 4);
  if (shape.frames > 0) {
    png.number(8, 4).text("acTL").number(shape.frames, 4).number(0, 4).number(0, 4);
  }
  if (shape.text_bytes > 0) add_chunk(png, "zTXt", shape.text_bytes);
  add_chunk(png, "IDAT", shape.picture_bytes);
  add_chunk(png, "IEND", 0);
  return png.take();
}

Bytes tiff_bytes(const TiffShape& shape) {
  Writer tiff(shape.big_endian ? ByteOrder::big : ByteOrder::little);
  tiff.text(shape.big_endian ? "MM" : "II").number(shape.big_tiff ? 43 : 42, 2);
  if (shape.big_tiff) tiff.number(8, 2).number(0, 2);
  const std::uint64_t first = (shape.big_tiff ? 16 : 8) + shape.before_directory;
  tiff.number(first, shape.big_tiff ? 8 : 4).fill(shape.before_directory);
  const std::uint32_t directories = shape.frames + shape.reduced;
  const std::uint64_t entries = shape.profile_bytes > 0 ? 4 : 3;
  const std::uint64_t each = shape.big_tiff ? 16 + 20 * entries : 6 + 12 * entries;
  for (std::uint32_t i = 0; i < directories; ++i) {
    const bool last = i + 1 == directories;
    const std::uint64_t next = last ? (shape.ring ? first + i * each : 0) : first + (i + 1) * each;
    add_directory(tiff, shape, i >= shape.frames, next);
  }
  return tiff.take();
}

Bytes webp_bytes(const WebpShape& shape) {
  Writer webp(ByteOrder::little);
  webp.text("RIFF").number(0, 4).text("WEBP");
  const auto add_lossy = [&] {
    webp.text("VP8 ").number(20, 4).fill(3).number(0x2a019d, 3);
    webp.number(shape.width, 2).number(shape.height, 2).fill(10);
  };
  if (shape.kind == WebpShape::Kind::lossless) {
    webp.text("VP8L").number(21, 4).number(0x2f, 1);
    webp.number((shape.width - 1) | (shape.height - 1) << 14, 4).fill(16).fill(1, 0);
  } else if (shape.kind == WebpShape::Kind::lossy) {
    add_lossy();
  } else {
    webp.text("VP8X").number(10, 4).number(shape.frames > 0 ? 2 : 0, 1).fill(3, 0);
    webp.number(shape.width - 1, 3).number(shape.height - 1, 3);
    if (shape.profile_bytes > 0) {
      webp.text("ICCP").number(shape.profile_bytes, 4);
      webp.fill(shape.profile_bytes + shape.profile_bytes % 2);
    }
    for (std::uint32_t i = 0; i < shape.frames; ++i) webp.text("ANMF").number(24, 4).fill(24);
    if (shape.frames == 0) add_lossy();
  }
  return webp.take();
}

Bytes gif_bytes(const GifShape& shape) {
  Writer gif(ByteOrder::little);
  gif.text("GIF89a").number(shape.screen_width, 2).number(shape.screen_height, 2);
  gif.number(0x81, 1).number(0, 2).fill(12);
  for (std::size_t left = shape.comment_bytes; left > 0;) {
    const std::size_t part = std::min<std::size_t>(left, 255);
    gif.number(0xfe21, 2).number(part, 1).fill(part).number(0, 1);
    left -= part;
  }
  for (std::uint32_t i = 0; i < shape.frames; ++i) add_frame(gif, shape);
  return gif.number(0x3b, 1).take();
}

std::vector<std::pair<std::string, Bytes>> header_corpus() {
  using Kind = WebpShape::Kind;
  return {
      {"jpeg", jpeg_bytes({})},
      {"jpeg-progressive", jpeg_bytes({.progressive = true, .scans = 10})},
      {"jpeg-scan-a-component", jpeg_bytes({.scans = 3, .scan_components = 1})},
      {"jpeg-1000-scans", jpeg_bytes({.progressive = true, .scans = 1'000, .scan_bytes = 8})},
      {"jpeg-profile", jpeg_bytes({.profile_bytes = 3'000})},
      {"png", png_bytes({})},
      {"png-bomb", png_bytes({.width = 60'000, .height = 60'000})},
      {"png-animated", png_bytes({.frames = 40})},
      {"png-text", png_bytes({.text_bytes = 500})},
      {"tiff", tiff_bytes({})},
      {"tiff-big-endian", tiff_bytes({.big_endian = true})},
      {"bigtiff", tiff_bytes({.big_tiff = true})},
      {"bigtiff-big-endian", tiff_bytes({.big_endian = true, .big_tiff = true})},
      {"tiff-pages", tiff_bytes({.frames = 3})},
      {"tiff-pyramid", tiff_bytes({.reduced = 5})},
      {"tiff-ring", tiff_bytes({.reduced = 3, .ring = true})},
      {"tiff-directory-last", tiff_bytes({.before_directory = 2'000})},
      {"webp", webp_bytes({})},
      {"webp-lossless", webp_bytes({.kind = Kind::lossless})},
      {"webp-extended", webp_bytes({.kind = Kind::extended, .profile_bytes = 33})},
      {"webp-animated", webp_bytes({.kind = Kind::extended, .frames = 7})},
      {"gif", gif_bytes({})},
      {"gif-bomb", gif_bytes({.screen_width = 65'535, .screen_height = 65'535})},
      {"gif-animated", gif_bytes({.frames = 9})},
      {"gif-frame-beyond-screen", gif_bytes({.screen_width = 1, .frame_width = 65'535})},
      {"gif-comment", gif_bytes({.comment_bytes = 700})},
  };
}

}  // namespace pixmesh::test

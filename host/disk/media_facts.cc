#include "host/disk/media_facts.h"

#include <array>
#include <optional>
#include <string_view>

namespace pixmesh {
namespace {

constexpr std::uint32_t steps_max = 4'096;  // segments of a JPEG, entries of a TIFF directory

struct Pixels {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
};

enum class ByteOrder : std::uint8_t { little, big };

std::uint64_t number(ByteView bytes, ByteOrder order) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    value = value << 8 | bytes[order == ByteOrder::big ? i : bytes.size() - 1 - i];
  }
  return value;
}

std::uint32_t number32(ByteView bytes, ByteOrder order) {
  return static_cast<std::uint32_t>(number(bytes, order));
}

/// A window of up to 32 bytes on a file, moved by whoever looks.
class Window {
 public:
  Window(const FileHandle& file, std::uint64_t size) : file_(file), size_(size) {}

  /// `count` bytes at `offset`, valid until the next call; none if the file has no such bytes.
  std::optional<ByteView> at(std::uint64_t offset, std::size_t count) {
    if (count > bytes_.size() || offset > size_ || size_ - offset < count) return std::nullopt;
    const Result<std::size_t> got =
        read_at(file_, std::span(bytes_).first(count), offset, "an image");
    if (!got || got.value() < count) return std::nullopt;
    return ByteView(bytes_).first(count);
  }

 private:
  const FileHandle& file_;
  std::uint64_t size_;
  std::array<std::uint8_t, 32> bytes_{};
};

// ITU T.81, annex B: every start of frame has precision, height and width.
bool is_frame_header(std::uint8_t marker) {
  return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}
bool stands_alone(std::uint8_t marker) {
  return marker == 0x01 || marker == 0xff || (marker >= 0xd0 && marker <= 0xd7);
}

Pixels jpeg_pixels(Window& window) {
  std::uint64_t offset = 2;
  for (std::uint32_t step = 0; step < steps_max; ++step) {
    const auto head = window.at(offset, 4);
    if (!head || (*head)[0] != 0xff) return {};
    const std::uint8_t marker = (*head)[1];
    if (stands_alone(marker)) {
      offset += marker == 0xff ? 1 : 2;
      continue;
    }
    if (marker == 0xda || marker == 0xd9) return {};
    if (is_frame_header(marker)) {
      const auto frame = window.at(offset, 9);
      if (!frame) return {};
      return {number32(frame->subspan(7, 2), ByteOrder::big),
              number32(frame->subspan(5, 2), ByteOrder::big)};
    }
    offset += 2 + number(head->subspan(2, 2), ByteOrder::big);
  }
  return {};
}

Pixels png_pixels(Window& window) {
  const auto header = window.at(12, 12);
  if (!header || text_of(header->first(4)) != "IHDR") return {};
  return {number32(header->subspan(4, 4), ByteOrder::big),
          number32(header->subspan(8, 4), ByteOrder::big)};
}

/// Where the numbers lie in classic TIFF 6.0 and in BigTIFF.
struct TiffShape {
  ByteOrder order;
  std::size_t count_bytes;
  std::size_t entry_bytes;
  std::size_t value_at;
};

std::uint32_t tiff_value(ByteView entry, const TiffShape& shape) {
  const std::uint64_t type = number(entry.subspan(2, 2), shape.order);
  constexpr std::uint64_t type_short = 3, type_long = 4, type_long8 = 16;
  if (type == type_short) return number32(entry.subspan(shape.value_at, 2), shape.order);
  if (type == type_long) return number32(entry.subspan(shape.value_at, 4), shape.order);
  if (type != type_long8 || shape.entry_bytes < shape.value_at + 8) return 0;
  const std::uint64_t value = number(entry.subspan(shape.value_at, 8), shape.order);
  return value > UINT32_MAX ? 0 : static_cast<std::uint32_t>(value);
}

Pixels directory_pixels(Window& window, std::uint64_t offset, const TiffShape& shape) {
  Pixels pixels;
  const auto head = window.at(offset, shape.count_bytes);
  if (!head) return {};
  const std::uint64_t count = number(*head, shape.order);
  for (std::uint64_t i = 0; i < count && i < steps_max; ++i) {
    const auto entry =
        window.at(offset + shape.count_bytes + i * shape.entry_bytes, shape.entry_bytes);
    if (!entry) return {};
    const std::uint64_t tag = number(entry->first(2), shape.order);
    if (tag == 256) pixels.width = tiff_value(*entry, shape);
    if (tag == 257) pixels.height = tiff_value(*entry, shape);
    if (pixels.width != 0 && pixels.height != 0) break;
  }
  return pixels;
}

Pixels tiff_pixels(Window& window, ByteOrder order) {
  const auto head = window.at(0, 8);
  if (!head) return {};
  const std::uint64_t version = number(head->subspan(2, 2), order);
  if (version == 42) {
    const std::uint64_t offset = number(head->subspan(4, 4), order);
    return directory_pixels(window, offset, {order, 2, 12, 8});
  }
  const auto big_head = window.at(0, 16);
  if (!big_head) return {};
  const std::uint64_t offset = number(big_head->subspan(8, 8), order);
  if (offset > (UINT64_MAX >> 1)) return {};
  return directory_pixels(window, offset, {order, 8, 20, 12});
}

// RFC 6386 (VP8), the WebP container and lossless specifications.
Pixels webp_pixels(Window& window) {
  const auto head = window.at(12, 18);
  if (!head) return {};
  const std::string_view kind = text_of(head->first(4));
  const ByteView body = head->subspan(8);
  if (kind == "VP8 " && text_of(body.subspan(3, 3)) == "\x9d\x01\x2a") {
    return {number32(body.subspan(6, 2), ByteOrder::little) & 0x3fff,
            number32(body.subspan(8, 2), ByteOrder::little) & 0x3fff};
  }
  if (kind == "VP8L" && body[0] == 0x2f) {
    const std::uint32_t bits = number32(body.subspan(1, 4), ByteOrder::little);
    return {(bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1};
  }
  if (kind == "VP8X") {
    return {number32(body.subspan(4, 3), ByteOrder::little) + 1,
            number32(body.subspan(7, 3), ByteOrder::little) + 1};
  }
  return {};
}

Pixels gif_pixels(Window& window) {
  const auto screen = window.at(6, 4);
  if (!screen) return {};
  return {number32(screen->first(2), ByteOrder::little),
          number32(screen->subspan(2, 2), ByteOrder::little)};
}

std::string_view type_of(std::string_view start) {
  using namespace std::string_view_literals;
  if (start.starts_with("\xff\xd8\xff"sv)) return "jpeg";
  if (start.starts_with("\x89PNG\r\n\x1a\n"sv)) return "png";
  if (start.starts_with("II*\0"sv) || start.starts_with("II+\0"sv)) return "tiff";
  if (start.starts_with("MM\0*"sv) || start.starts_with("MM\0+"sv)) return "tiff";
  if (start.starts_with("GIF87a"sv) || start.starts_with("GIF89a"sv)) return "gif";
  if (start.starts_with("RIFF"sv) && start.substr(8, 4) == "WEBP"sv) return "webp";
  return "";
}

Pixels pixels_of(std::string_view type, bool intel_order, Window& window) {
  if (type == "jpeg") return jpeg_pixels(window);
  if (type == "png") return png_pixels(window);
  if (type == "tiff") return tiff_pixels(window, intel_order ? ByteOrder::little : ByteOrder::big);
  if (type == "webp") return webp_pixels(window);
  if (type == "gif") return gif_pixels(window);
  return {};
}

}  // namespace

MediaFacts media_facts_of(const FileHandle& file, std::uint64_t size) {
  Window window(file, size);
  const auto start = window.at(0, 12);
  if (!start) return {};
  MediaFacts facts;
  facts.type = type_of(text_of(*start));
  const bool intel_order = (*start)[0] == 'I';
  const Pixels pixels = pixels_of(facts.type, intel_order, window);
  facts.width = pixels.width;
  facts.height = pixels.height;
  return facts;
}

}  // namespace pixmesh

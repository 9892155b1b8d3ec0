#include "processing/header_format.h"

#include <limits>

#include "base/invariant.h"

namespace pixmesh {

HeaderStep HeaderWalk::missing() {
  if (!bytes.ended()) return HeaderStep::wait;
  header.fault = HeaderFault::truncated;
  return HeaderStep::done;
}

HeaderStep HeaderWalk::missing_at_end() const {
  return bytes.ended() ? HeaderStep::done : HeaderStep::wait;
}

HeaderStep HeaderWalk::broken() {
  header.fault = HeaderFault::malformed;
  return HeaderStep::done;
}

void HeaderWalk::add_ancillary(std::uint64_t count) {
  const std::uint64_t room = std::numeric_limits<std::uint64_t>::max() - header.ancillary_bytes;
  header.ancillary_bytes += count < room ? count : room;
}

bool HeaderWalk::over_limit() const {
  return header.frames > limits.frames || header.scans > limits.scans ||
         header.ancillary_bytes > limits.ancillary_bytes;
}

std::string_view image_type_of(ByteView bytes) {
  using namespace std::string_view_literals;
  const std::string_view start = text_of(bytes);
  if (start.starts_with("\xff\xd8\xff"sv)) return "jpeg";
  if (start.starts_with("\x89PNG\r\n\x1a\n"sv)) return "png";
  if (start.starts_with("II*\0"sv) || start.starts_with("II+\0"sv)) return "tiff";
  if (start.starts_with("MM\0*"sv) || start.starts_with("MM\0+"sv)) return "tiff";
  if (start.starts_with("GIF87a"sv) || start.starts_with("GIF89a"sv)) return "gif";
  if (start.starts_with("RIFF"sv) && start.substr(8, 4) == "WEBP"sv) return "webp";
  return "";
}

std::unique_ptr<HeaderFormat> format_of(std::string_view type, ByteView start) {
  if (type == "jpeg") return make_jpeg_header();
  if (type == "png") return make_png_header();
  if (type == "tiff") {
    return make_tiff_header(start.front() == 'I' ? ByteOrder::little : ByteOrder::big);
  }
  if (type == "webp") return make_webp_header();
  invariant(type == "gif", "every type has a format");
  return make_gif_header();
}

}  // namespace pixmesh

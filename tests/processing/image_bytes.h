#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"

// Images made byte by byte, as small as their format allows: true in their headers, empty or absent
// in their pictures. What tests, fuzzers and benchmarks feed to HeaderScan.
namespace pixmesh::test {

struct JpegShape {
  std::uint32_t width = 6'000;
  std::uint32_t height = 4'000;
  bool progressive = false;
  std::uint32_t scans = 1;
  std::size_t scan_bytes = 100;   // coded data of each scan, with stuffed 0xff and restarts in it
  std::size_t profile_bytes = 0;  // in segments of application data
  std::uint8_t scan_components = 3;  // of three
};
[[nodiscard]] Bytes jpeg_bytes(const JpegShape& shape);

struct PngShape {
  std::uint32_t width = 640;
  std::uint32_t height = 480;
  std::uint32_t frames = 0;         // 0: no animation chunk
  std::size_t text_bytes = 0;       // in one text chunk
  std::size_t picture_bytes = 100;  // in one chunk; no deflated data
};
[[nodiscard]] Bytes png_bytes(const PngShape& shape);

struct TiffShape {
  bool big_endian = false;
  bool big_tiff = false;
  std::uint32_t width = 640;
  std::uint32_t height = 480;
  std::uint32_t frames = 1;
  std::uint32_t reduced = 0;         // copies after the frames
  std::uint32_t width_again = 0;     // said once more; decoders go by the first
  bool ring = false;                 // the last directory names itself as the next
  std::uint64_t profile_bytes = 0;   // said, not there
  std::size_t before_directory = 0;  // bytes of picture in front
};
[[nodiscard]] Bytes tiff_bytes(const TiffShape& shape);

struct WebpShape {
  enum class Kind : std::uint8_t { lossy, lossless, extended } kind = Kind::lossy;
  std::uint32_t width = 640;
  std::uint32_t height = 480;
  std::uint32_t frames = 0;  // of extended: 0 means a still picture
  std::size_t profile_bytes = 0;
};
[[nodiscard]] Bytes webp_bytes(const WebpShape& shape);

struct GifShape {
  std::uint32_t screen_width = 640;
  std::uint32_t screen_height = 480;
  std::uint32_t frame_width = 640;
  std::uint32_t frame_height = 480;
  std::uint32_t frames = 1;
  std::size_t comment_bytes = 0;
};
[[nodiscard]] Bytes gif_bytes(const GifShape& shape);

/// One of each kind, sound and hostile, with what it is.
[[nodiscard]] std::vector<std::pair<std::string, Bytes>> header_corpus();

}  // namespace pixmesh::test

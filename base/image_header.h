#pragma once

#include <cstdint>
#include <string>

namespace pixmesh {

/// How much of an image a tool is given. Looked up in its header, before any tool starts.
struct HeaderLimits {
  std::uint64_t pixels = 250'000'000;        // width x height
  std::uint32_t side = 60'000;               // pixels of width and of height
  std::uint32_t frames = 1;                  // pictures that are shown; reduced copies are none
  std::uint32_t scans = 100;                 // of a JPEG
  std::uint64_t ancillary_bytes = 64 << 20;  // what is no picture: profiles, texts, previews
  friend bool operator==(const HeaderLimits&, const HeaderLimits&) = default;
};

enum class HeaderFault : std::uint8_t {
  none,
  truncated,  // the file ends inside its header
  malformed,  // the header contradicts itself or its format
  endless,    // what has to be counted goes on for longer than anybody looks
};

/// What the bytes of an image say about it, looked at no longer than the limits need: a count that
/// is above its limit is at least that.
struct ImageHeader {
  std::string type;          // "jpeg", "png", "tiff", "webp", "gif"; "" when it is no image we know
  std::uint32_t width = 0;   // pixels; 0 when the header does not say it
  std::uint32_t height = 0;  // the same
  std::uint32_t frames = 0;
  std::uint32_t scans = 0;
  std::uint64_t ancillary_bytes = 0;
  HeaderFault fault = HeaderFault::none;
  // Bytes for each pixel that a decoder holds of the whole image before it has its first row; 0: it
  // goes row by row. An upper bound.
  std::uint32_t held_a_pixel = 0;
  friend bool operator==(const ImageHeader&, const ImageHeader&) = default;
};

}  // namespace pixmesh

#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/image_header.h"
#include "processing/header_bytes.h"

// What the formats have in common for HeaderScan; nobody else needs it.
namespace pixmesh {

enum class HeaderDepth : std::uint8_t {
  pixels,  // type, width and height
  whole,   // all of ImageHeader
};

enum class HeaderStep : std::uint8_t { more, wait, done };

/// Half a million steps take about 5 ms. A photograph of 96 MiB has fewer 0xff bytes.
inline constexpr std::uint32_t header_steps_max = 1U << 19;

/// One look at a file: what can be seen, and what has been found so far.
struct HeaderWalk {
  HeaderBytes& bytes;
  ImageHeader& header;
  const HeaderLimits& limits;
  HeaderDepth depth;
  std::uint32_t& steps_left;

  /// Bytes are missing: either they are behind the end of the file, or it is to be waited for them.
  [[nodiscard]] HeaderStep missing();
  /// As above where the end of the file ends the count, and is no fault.
  [[nodiscard]] HeaderStep missing_at_end() const;
  [[nodiscard]] HeaderStep broken();
  void add_ancillary(std::uint64_t count);
  [[nodiscard]] bool over_limit() const;
};

/// The walk through one format. `step` looks at one place and moves on; after `wait` it is called
/// again with another window and looks at the same place.
class HeaderFormat {
 public:
  virtual ~HeaderFormat() = default;
  [[nodiscard]] virtual HeaderStep step(HeaderWalk& walk) = 0;
};

/// The type of a file that starts with these 12 bytes; "" for no image we know.
[[nodiscard]] std::string_view image_type_of(ByteView start);
/// @param start  the first 12 bytes of a file of a known type.
[[nodiscard]] std::unique_ptr<HeaderFormat> format_of(std::string_view type, ByteView start);

[[nodiscard]] std::unique_ptr<HeaderFormat> make_jpeg_header();
[[nodiscard]] std::unique_ptr<HeaderFormat> make_png_header();
[[nodiscard]] std::unique_ptr<HeaderFormat> make_tiff_header(ByteOrder order);
[[nodiscard]] std::unique_ptr<HeaderFormat> make_webp_header();
[[nodiscard]] std::unique_ptr<HeaderFormat> make_gif_header();

}  // namespace pixmesh

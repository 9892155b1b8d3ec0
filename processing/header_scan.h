#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/image_header.h"
#include "processing/header_format.h"

namespace pixmesh {

/// Reads the header of a JPEG, PNG, TIFF, WebP or GIF that somebody else has the bytes of.
///
///   wanted() ──► a window that holds that place ──► see() ──► wanted() … none: header() is whole
///
/// Windows are 64 bytes or more, but for one at the end of the file. They begin at the wanted
/// place, or are the pieces of a file that was cut without overlaps. A JPEG with several scans is
/// walked to its end, because its scans cannot be counted otherwise, a GIF to the end of the first
/// frame above the limit; of the others only the header is looked at, wherever it lies.
///
/// Whatever the file says: nothing outside the window is read, nothing is allocated, every step
/// moves on, and after walked_bytes_max or header_steps_max the fault is `endless`. A recipe that
/// allows more than one frame allows a window or two for each besides: pages of a TIFF may lie far
/// apart.
class HeaderScan {
 public:
  static constexpr std::uint64_t walked_bytes_max = 96ULL << 20;  // of all windows together
  static constexpr std::uint64_t windows_max = 4'096;

  /// @param size  bytes in the file.
  HeaderScan(std::uint64_t size, const HeaderLimits& limits,
             HeaderDepth depth = HeaderDepth::whole);

  /// A place that has to be in the next window; none: there is nothing more to look at.
  [[nodiscard]] std::optional<std::uint64_t> wanted() const;

  /// Bytes of the file from `offset` on. A window without the wanted place ends the scan.
  void see(std::uint64_t offset, ByteView window);

  [[nodiscard]] const ImageHeader& header() const { return header_; }

 private:
  void walk();
  [[nodiscard]] HeaderStep begin(HeaderWalk& walk);
  void end(HeaderFault fault);

  HeaderLimits limits_;
  HeaderDepth depth_;
  HeaderBytes bytes_;
  ImageHeader header_;
  std::unique_ptr<HeaderFormat> format_;  // once the type is known
  std::uint32_t steps_left_ = header_steps_max;
  std::uint64_t bytes_left_;
  std::uint64_t windows_left_;
  bool over_ = false;
};

/// The same for bytes that all lie in memory.
[[nodiscard]] ImageHeader header_of(ByteView image, const HeaderLimits& limits);

}  // namespace pixmesh

#include "header_promises.h"

#include <algorithm>

#include "processing/header_scan.h"

namespace pixmesh::test {
namespace {

enum class Windows : std::uint8_t { where_wanted, pieces };

/// Each window is a copy that goes at once: a sanitizer sees whoever still reads it.
ImageHeader header_through(ByteView bytes, std::size_t window_bytes, Windows windows) {
  HeaderScan scan(bytes.size(), {});
  while (const auto wanted = scan.wanted()) {
    const auto place = static_cast<std::size_t>(*wanted);
    const std::size_t begin =
        windows == Windows::pieces ? place / window_bytes * window_bytes : place;
    const std::size_t count = std::min(bytes.size() - begin, window_bytes);
    const Bytes window(bytes.begin() + static_cast<std::ptrdiff_t>(begin),
                       bytes.begin() + static_cast<std::ptrdiff_t>(begin + count));
    scan.see(begin, window);
  }
  return scan.header();
}

}  // namespace

std::string broken_promise(ByteView bytes) {
  const HeaderLimits limits;
  const ImageHeader whole = header_of(bytes, limits);
  if (whole.frames > limits.frames && whole.type == "jpeg") return "a JPEG has one frame";
  if (whole.scans > limits.scans + 1) return "it counted on above the limit of scans";
  if (whole.scans > 0 && whole.type != "jpeg") return "only a JPEG has scans";
  const bool known = whole.width != 0 && whole.height != 0;
  if (whole.fault == HeaderFault::none && !whole.type.empty() && !known) {
    return "a sound header tells the size";
  }
  if (whole.fault == HeaderFault::none && !whole.type.empty() && whole.frames == 0 &&
      whole.ancillary_bytes <= limits.ancillary_bytes) {
    return "a sound header has a frame";
  }
  for (const std::size_t window_bytes : {64U, 100U, 4'096U}) {
    for (const Windows windows : {Windows::where_wanted, Windows::pieces}) {
      const ImageHeader seen = header_through(bytes, window_bytes, windows);
      const bool given_up =
          seen.fault == HeaderFault::endless || whole.fault == HeaderFault::endless;
      if (seen != whole && !given_up) {
        return "through windows of " + std::to_string(window_bytes) + " bytes it is another one";
      }
    }
  }
  return {};
}

}  // namespace pixmesh::test

#include "host/disk/media_facts.h"

#include <algorithm>
#include <array>

#include "processing/header_scan.h"

namespace pixmesh {
namespace {

constexpr std::size_t window_bytes = 4'096;

}  // namespace

MediaFacts media_facts_of(const FileHandle& file, std::uint64_t size) {
  std::array<std::uint8_t, window_bytes> window{};
  HeaderScan scan(size, {}, HeaderDepth::pixels);
  while (const auto wanted = scan.wanted()) {
    const Result<std::size_t> got = read_at(file, window, *wanted, "an image");
    scan.see(*wanted, ByteView(window).first(got ? got.value() : 0));
  }
  return {scan.header().type, scan.header().width, scan.header().height};
}

}  // namespace pixmesh

#include "processing/header_scan.h"

#include <algorithm>

namespace pixmesh {
namespace {

constexpr std::size_t start_bytes = 12;  // every format is known by these
constexpr std::uint64_t bytes_a_frame = 2ULL << 20;

}  // namespace

HeaderScan::HeaderScan(std::uint64_t size, const HeaderLimits& limits, HeaderDepth depth)
    : limits_(limits),
      depth_(depth),
      bytes_(size),
      bytes_left_(walked_bytes_max + bytes_a_frame * (limits.frames - std::min(limits.frames, 1U))),
      windows_left_(windows_max + 2ULL * limits.frames) {
  walk();  // finds out where to look first, or that there is nothing
}

std::optional<std::uint64_t> HeaderScan::wanted() const {
  return over_ ? std::nullopt : std::optional(bytes_.wanted());
}

void HeaderScan::see(std::uint64_t offset, ByteView window) {
  if (over_) return;
  const std::uint64_t place = bytes_.wanted();
  bytes_left_ -= std::min<std::uint64_t>(bytes_left_, window.size());
  --windows_left_;
  if (place < offset || place - offset >= window.size()) return end(HeaderFault::truncated);
  bytes_.enter(offset, window);
  walk();
  bytes_.leave();
  if (bytes_left_ == 0 || windows_left_ == 0) end(HeaderFault::endless);
}

void HeaderScan::walk() {
  HeaderWalk walk{bytes_, header_, limits_, depth_, steps_left_};
  HeaderStep step = HeaderStep::more;
  while (step == HeaderStep::more) {
    if (steps_left_ == 0) return end(HeaderFault::endless);
    --steps_left_;
    step = format_ == nullptr ? begin(walk) : format_->step(walk);
  }
  over_ = step == HeaderStep::done;
}

HeaderStep HeaderScan::begin(HeaderWalk& walk) {
  const auto start = bytes_.at(0, start_bytes);
  if (!start) return walk.missing_at_end();  // too short to be an image
  header_.type = image_type_of(*start);
  if (header_.type.empty()) return HeaderStep::done;
  format_ = format_of(header_.type, *start);
  return HeaderStep::more;
}

void HeaderScan::end(HeaderFault fault) {
  if (!over_) header_.fault = fault;
  over_ = true;
}

ImageHeader header_of(ByteView image, const HeaderLimits& limits) {
  HeaderScan scan(image.size(), limits);
  while (const auto wanted = scan.wanted()) {
    const auto window = image.subspan(static_cast<std::size_t>(*wanted));
    scan.see(*wanted, window.first(std::min<std::size_t>(window.size(), 1U << 20)));
  }
  return scan.header();
}

}  // namespace pixmesh

#include "processing/header_scan.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>

#include "base/rng.h"
#include "header_promises.h"
#include "image_bytes.h"

using namespace pixmesh;
using namespace pixmesh::test;

namespace {

ImageHeader found(const Bytes& bytes) { return header_of(bytes, {}); }

ImageHeader sound(std::string type, std::uint32_t width, std::uint32_t height) {
  return {std::move(type), width, height, 1, 0, 0, HeaderFault::none};
}

}  // namespace

TEST_CASE("processing: a header tells type, size, frames and scans of every format") {
  ImageHeader jpeg = sound("jpeg", 6'000, 4'000);
  jpeg.scans = 1;
  jpeg.ancillary_bytes = 16;
  using Kind = WebpShape::Kind;

  CHECK(found(jpeg_bytes({})) == jpeg);
  CHECK(found(png_bytes({})) == sound("png", 640, 480));
  for (const bool big_tiff : {false, true}) {
    for (const bool big_endian : {false, true}) {
      ImageHeader tiff = found(tiff_bytes({.big_endian = big_endian, .big_tiff = big_tiff}));
      CHECK(tiff.ancillary_bytes == 10);  // three numbers
      tiff.ancillary_bytes = 0;
      CHECK(tiff == sound("tiff", 640, 480));
    }
  }
  CHECK(found(webp_bytes({})) == sound("webp", 640, 480));
  CHECK(found(webp_bytes({.kind = Kind::lossless})) == sound("webp", 640, 480));
  CHECK(found(webp_bytes({.kind = Kind::extended})) == sound("webp", 640, 480));
  CHECK(found(gif_bytes({})) == sound("gif", 640, 480));
}

TEST_CASE("processing: a field is joined only from windows that touch") {
  const Bytes bytes(300, 7);
  HeaderBytes seen(300);
  seen.enter(0, ByteView(bytes).first(100));
  seen.leave();
  seen.enter(120, ByteView(bytes).first(100));  // 20 bytes are missing between them

  CHECK_FALSE(seen.at(90, 40).has_value());
  CHECK(seen.wanted() == 90);
  CHECK_FALSE(seen.at(110, 30).has_value());
  CHECK(seen.wanted() == 110);
  seen.leave();
  seen.enter(220, ByteView(bytes).first(80));
  CHECK(seen.at(200, 40)->size() == 40);
  CHECK_FALSE(seen.at(290, 11).has_value());
  CHECK(seen.ended());
}

TEST_CASE("processing: a directory at the end of a long TIFF is found without reading the rest") {
  const Bytes tiff = tiff_bytes({.before_directory = 5U << 20});

  HeaderScan scan(tiff.size(), {});
  std::vector<std::uint64_t> places;
  while (const auto wanted = scan.wanted()) {
    places.push_back(*wanted);
    scan.see(*wanted, ByteView(tiff).subspan(static_cast<std::size_t>(*wanted)).first(64));
    REQUIRE(places.size() < 5);
  }

  CHECK(scan.header().width == 640);
  CHECK(places == std::vector<std::uint64_t>{0, (5U << 20) + 8});
}

TEST_CASE("processing: frames are counted up to the first above the limit; copies are none") {
  CHECK(found(png_bytes({.frames = 40})).frames == 40);
  CHECK(found(tiff_bytes({.frames = 3})).frames == 2);
  CHECK(header_of(tiff_bytes({.frames = 3}), {.frames = 5}).frames == 3);
  CHECK(found(tiff_bytes({.reduced = 9})).frames == 1);
  CHECK(found(webp_bytes({.kind = WebpShape::Kind::extended, .frames = 7})).frames == 2);
  CHECK(found(gif_bytes({.frames = 9})).frames == 2);
  CHECK(header_of(gif_bytes({.frames = 9}), {.frames = 100}).frames == 9);
}

TEST_CASE("processing: pages of a TIFF that lie far apart are counted as far as they are allowed") {
  // One page each MiB, 100 of them: directory i at i MiB + 8.
  const Bytes page = tiff_bytes({.frames = 2});  // the first names 8 + 42 as the next
  const auto window_at = [&page](std::uint64_t index) {
    Bytes window(1U << 20);
    const std::size_t begin = index == 0 ? 0 : 8;
    std::copy(page.begin() + static_cast<std::ptrdiff_t>(begin), page.begin() + 50,
              window.begin() + static_cast<std::ptrdiff_t>(begin));
    const std::uint64_t next = index == 99 ? 0 : ((index + 1) << 20) + 8;
    for (std::size_t i = 0; i < 4; ++i) {
      window[46 + i] = static_cast<std::uint8_t>(next >> (8 * i));
    }
    return window;
  };
  HeaderScan scan(100ULL << 20, {.frames = 200});
  while (const auto wanted = scan.wanted()) {
    const std::uint64_t index = *wanted >> 20;
    scan.see(index << 20, window_at(index));
  }

  CHECK(scan.header().fault == HeaderFault::none);
  CHECK(scan.header().frames == 100);
}

TEST_CASE("processing: scans of a JPEG are counted as a decoder finds them") {
  CHECK(found(jpeg_bytes({.progressive = true, .scans = 10})).scans == 10);
  CHECK(found(jpeg_bytes({.scans = 3, .scan_components = 1})).scans == 3);
  CHECK(found(jpeg_bytes({.progressive = true, .scans = 1'000})).scans == 101);
  // One scan with all components is all that a decoder takes of a JPEG that is not progressive.
  CHECK(found(jpeg_bytes({.scans = 5})).scans == 1);
  // What follows the end is no part of the picture: cameras put previews there.
  Bytes two = jpeg_bytes({.progressive = true, .scans = 4});
  const Bytes more = jpeg_bytes({.progressive = true, .scans = 4, .scan_bytes = 100'000});
  two.insert(two.end(), more.begin(), more.end());
  CHECK(found(two).scans == 4);
  // Bytes between segments do not hide the scans behind them.
  Bytes hidden = jpeg_bytes({.progressive = true, .scans = 2});
  hidden.resize(hidden.size() - 2);
  hidden.insert(hidden.end(), {0xff, 0xfe, 0x00, 0x02, 0x41, 0x41, 0x41});
  const Bytes tail = jpeg_bytes({.progressive = true, .scans = 2});
  const std::array<std::uint8_t, 2> start_of_scan{0xff, 0xda};
  const auto scan =
      std::search(tail.begin(), tail.end(), start_of_scan.begin(), start_of_scan.end());
  hidden.insert(hidden.end(), scan, tail.end());
  CHECK(found(hidden).scans == 4);
}

TEST_CASE("processing: a header tells what a decoder holds before it has the first row") {
  CHECK(found(jpeg_bytes({})).held_a_pixel == 0);
  CHECK(found(jpeg_bytes({.scans = 3, .scan_components = 1})).held_a_pixel == 6);
  CHECK(found(jpeg_bytes({.progressive = true, .scans = 1})).held_a_pixel == 6);
  Bytes halved = jpeg_bytes({.progressive = true, .scans = 4});
  const std::array<std::uint8_t, 2> frame{0xff, 0xc2};
  const auto at = std::search(halved.begin(), halved.end(), frame.begin(), frame.end());
  const std::array<std::uint8_t, 9> sampling{1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1};
  std::ranges::copy(sampling, at + 10);
  CHECK(found(halved).held_a_pixel == 3);

  Bytes png = png_bytes({});
  CHECK(found(png).held_a_pixel == 0);
  png[28] = 1;  // interlaced
  png[24] = 8;
  png[25] = 2;
  CHECK(found(png).held_a_pixel == 4);
  png[24] = 16;
  CHECK(found(png).held_a_pixel == 8);
}

TEST_CASE("processing: what is no picture is added up") {
  CHECK(found(jpeg_bytes({.profile_bytes = 150'000})).ancillary_bytes == 150'000 + 16 + 3 * 2);
  CHECK(found(png_bytes({.text_bytes = 5'000})).ancillary_bytes == 5'000);
  CHECK(found(tiff_bytes({.profile_bytes = 1ULL << 30})).ancillary_bytes == (1ULL << 30) + 10);
  CHECK(found(gif_bytes({.comment_bytes = 700})).ancillary_bytes == 700);
  const Bytes webp = webp_bytes({.kind = WebpShape::Kind::extended, .profile_bytes = 33});
  CHECK(found(webp).ancillary_bytes == 33);
}

TEST_CASE("processing: a GIF is as large as its largest frame, whatever its screen says") {
  const ImageHeader gif = found(gif_bytes({.screen_width = 1, .frame_width = 65'535}));

  CHECK(gif.width == 65'535);
}

TEST_CASE("processing: a header that is cut off is told, wherever it is cut") {
  for (const auto& sample : header_corpus()) {
    CAPTURE(sample.first);
    const Bytes& bytes = sample.second;
    std::size_t whole_at = bytes.size();
    while (whole_at > 0 &&
           header_of(ByteView(bytes).first(whole_at), {}).fault == HeaderFault::none) {
      --whole_at;
    }
    CHECK(whole_at >= 12);  // shorter than that it is no image at all
    const ImageHeader cut = header_of(ByteView(bytes).first(whole_at), {});
    CHECK((cut.fault == HeaderFault::truncated || cut.fault == HeaderFault::endless));
  }
}

TEST_CASE("processing: headers that contradict their format are damaged") {
  Bytes twice = jpeg_bytes({.scans = 0});
  const Bytes again(twice.end() - 21, twice.end() - 2);
  twice.insert(twice.end() - 2, again.begin(), again.end());
  CHECK(found(twice).fault == HeaderFault::malformed);  // two frames
  CHECK(found(jpeg_bytes({.scans = 0})).fault == HeaderFault::malformed);
  CHECK(found(jpeg_bytes({.width = 0})).fault == HeaderFault::malformed);
  CHECK(found(png_bytes({.height = 0})).fault == HeaderFault::malformed);
  CHECK(found(png_bytes({.width = 0x8000'0000})).fault == HeaderFault::malformed);
  CHECK(found(tiff_bytes({.width = 0})).fault == HeaderFault::malformed);
  CHECK(found(gif_bytes({.frames = 0})).fault == HeaderFault::malformed);
  Bytes text{0xff, 0xd8, 0xff, 0xe0, 0x00, 0x02};
  text.resize(10'000, '<');
  CHECK(found(text).fault == HeaderFault::malformed);
}

// Else a header could show the check one side and the decoder another.
TEST_CASE("processing: of a side that a TIFF says twice the first counts, as for libtiff") {
  for (const bool big_tiff : {false, true}) {
    const Bytes tiff = tiff_bytes({.big_tiff = big_tiff, .width = 60'000, .width_again = 1});
    for (const HeaderDepth depth : {HeaderDepth::pixels, HeaderDepth::whole}) {
      HeaderScan scan(tiff.size(), {}, depth);
      scan.see(0, tiff);
      CHECK(scan.header().width == 60'000);
    }
  }
}

TEST_CASE("processing: what has no end is given up") {
  CHECK(found(tiff_bytes({.reduced = 3, .ring = true})).fault == HeaderFault::endless);
  Bytes stuffed = jpeg_bytes({.progressive = true});
  stuffed.resize(stuffed.size() - 2);
  while (stuffed.size() < (4U << 20)) stuffed.insert(stuffed.end(), {0xff, 0x00});
  CHECK(found(stuffed).fault == HeaderFault::endless);

  // 300 MB of nothing: no more than walked_bytes_max of them are looked at.
  Bytes head = jpeg_bytes({.progressive = true});
  head.resize(head.size() - 2);
  HeaderScan scan(300'000'000, {});
  scan.see(0, head);
  const Bytes nothing(1U << 20);
  std::uint64_t walked = 0;
  while (const auto wanted = scan.wanted()) {
    scan.see(*wanted, nothing);
    walked += nothing.size();
  }
  CHECK(scan.header().fault == HeaderFault::endless);
  CHECK(walked <= HeaderScan::walked_bytes_max);
}

TEST_CASE("processing: no bytes break what a header scan promises") {
  constexpr std::uint64_t seed = 20'261'129;
  MESSAGE("seed " << seed);
  Rng rng(seed);
  for (const auto& named : header_corpus()) {
    CAPTURE(named.first);
    const Bytes& sample = named.second;
    CHECK(broken_promise(sample) == "");
    for (int round = 0; round < 200; ++round) {
      Bytes bytes = sample;
      const std::uint64_t changes = 1 + rng.below(4);
      for (std::uint64_t i = 0; i < changes; ++i) {
        const std::uint64_t place = rng.below(std::min<std::size_t>(bytes.size(), 200));
        const std::uint64_t value = rng.below(3) == 0 ? 0xff : rng.below(256);
        bytes[place] = static_cast<std::uint8_t>(value);
      }
      if (rng.below(4) == 0) bytes.resize(rng.below(bytes.size()));
      CAPTURE(hex_of(ByteView(bytes).first(std::min<std::size_t>(bytes.size(), 200))));
      REQUIRE(broken_promise(bytes) == "");
    }
  }
}

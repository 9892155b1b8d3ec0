#include "host/disk/media_facts.h"

#include <doctest/doctest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "base/rng.h"

using namespace pixmesh;

namespace {

MediaFacts facts_of(ByteView bytes) {
  const FileHandle file(::memfd_create("image", MFD_CLOEXEC));
  REQUIRE(write_at(file, bytes, 0, "image"));
  return media_facts_of(file, bytes.size());
}

Bytes bytes_in(std::string_view hex) {
  std::string packed;
  for (const char c : hex) {
    if (c != ' ') packed.push_back(c);
  }
  Bytes bytes(packed.size() / 2);
  REQUIRE(parse_hex(packed, bytes));
  return bytes;
}

struct Sample {
  const char* what;
  Bytes bytes;
  MediaFacts facts;
};

std::vector<Sample> samples() {
  return {
      {"jpeg, application segment, fill byte, then a progressive frame",
       bytes_in("ffd8 ffe0 0004 aabb ff ffc4 0003 00 ffc2 0011 08 0fa0 1770 03 000000"),
       {"jpeg", 6'000, 4'000}},
      {"png",
       bytes_in("89504e470d0a1a0a 0000000d 49484452 00000280 000001e0 08"),
       {"png", 640, 480}},
      {"tiff, little-endian, short and long",
       bytes_in("49492a00 08000000 0200 0001 0300 01000000 80020000 0101 0400 01000000 e0010000"),
       {"tiff", 640, 480}},
      {"tiff, big-endian",
       bytes_in("4d4d002a 00000008 0003 00fe 0004 00000001 00000000 "
                "0100 0003 00000001 02800000 0101 0003 00000001 01e00000"),
       {"tiff", 640, 480}},
      {"bigtiff, little-endian",
       bytes_in("49492b00 0800 0000 1000000000000000 0200000000000000 "
                "0001 0400 0100000000000000 a086010000000000 "
                "0101 1000 0100000000000000 e001000000000000"),
       {"tiff", 100'000, 480}},
      {"bigtiff, big-endian",
       bytes_in("4d4d002b 0008 0000 0000000000000010 0000000000000002 "
                "0100 0003 0000000000000001 0280000000000000 "
                "0101 0004 0000000000000001 000001e000000000"),
       {"tiff", 640, 480}},
      {"webp, lossy",
       bytes_in("52494646 00000000 57454250 56503820 00000000 000000 9d012a 8042 e041 00"),
       {"webp", 640, 480}},
      {"webp, lossless",
       bytes_in("52494646 00000000 57454250 5650384c 00000000 2f 7fc27700 0000000000 00"),
       {"webp", 640, 480}},
      {"webp, extended",
       bytes_in("52494646 00000000 57454250 56503858 0a000000 00 000000 7f0200 df0100"),
       {"webp", 640, 480}},
      {"gif", bytes_in("474946383961 8002 e001 000000"), {"gif", 640, 480}},
  };
}

}  // namespace

TEST_CASE("host: type and size are read from every kind of header") {
  for (const Sample& sample : samples()) {
    CAPTURE(sample.what);
    const MediaFacts facts = facts_of(sample.bytes);
    CHECK(facts.type == sample.facts.type);
    CHECK(facts.width == sample.facts.width);
    CHECK(facts.height == sample.facts.height);
  }
}

TEST_CASE("host: what is no image, or too short to be one, has no type") {
  CHECK(facts_of({}) == MediaFacts{});
  CHECK(facts_of(bytes_of("hello, this is text")) == MediaFacts{});
  CHECK(facts_of(bytes_of("GIF89a")) == MediaFacts{});
}

TEST_CASE("host: no damage to a header makes reading it crash or last") {
  constexpr std::uint64_t seed = 20'240'501;
  MESSAGE("seed " << seed);
  Rng rng(seed);
  for (int round = 0; round < 4'000; ++round) {
    const std::vector<Sample> all = samples();
    Bytes bytes = all[rng.below(all.size())].bytes;
    bytes.resize(bytes.size() + rng.below(64));
    const std::uint64_t changes = 1 + rng.below(4);
    for (std::uint64_t i = 0; i < changes; ++i) {
      const std::uint64_t place = rng.below(bytes.size());
      const std::uint64_t value = rng.below(3) == 0 ? 0xff : rng.below(256);
      bytes[place] = static_cast<std::uint8_t>(value);
    }
    if (rng.below(4) == 0) bytes.resize(rng.below(bytes.size()));
    (void)facts_of(bytes);
  }
}

TEST_CASE("host: a jpeg or tiff that never ends is given up") {
  Bytes jpeg{0xff, 0xd8, 0xff, 0xd0};
  for (int i = 0; i < 200'000; ++i) jpeg.insert(jpeg.end(), {0xff, 0xd0});
  CHECK(facts_of(jpeg) == MediaFacts{"jpeg", 0, 0});
  // Segments of length 0 lead back to themselves.
  Bytes standing = bytes_in("ffd8 ffe0 0000");
  standing.resize(100);
  CHECK(facts_of(standing) == MediaFacts{"jpeg", 0, 0});
  Bytes tiff = bytes_in("49492a00 08000000 ffff");
  tiff.resize(1'000'000);
  CHECK(facts_of(tiff) == MediaFacts{"tiff", 0, 0});
}

#include "base/bytes.h"

#include <doctest/doctest.h>

#include <array>

#include "base/ids.h"
#include "base/rng.h"

using namespace pixmesh;

TEST_CASE("base: hexadecimal text of an id reads back as the same id") {
  NodeId id;
  for (std::size_t i = 0; i < id.raw.size(); ++i) id.raw[i] = static_cast<std::uint8_t>(i * 17);

  NodeId read;
  CHECK(parse_id(to_text(id), read));

  CHECK(read == id);
  CHECK(to_text(id) == "00112233445566778899aabbccddeeff");
}

TEST_CASE("base: text that is not exactly an id is refused") {
  NodeId id;
  CHECK_FALSE(parse_id("", id));
  CHECK_FALSE(parse_id("00112233445566778899aabbccddeef", id));
  CHECK_FALSE(parse_id("00112233445566778899aabbccddeeff00", id));
  CHECK_FALSE(parse_id("00112233445566778899aabbccddeefg", id));
}

TEST_CASE("base: no two lists of texts share canonical bytes") {
  CanonicalBytes one, two;
  one.text("ab").text("c");
  two.text("a").text("bc");
  CHECK(one.bytes() != two.bytes());
}

TEST_CASE("base: ids are in the order of their bytes") {
  Rng rng(3);
  for (int i = 0; i < 10'000; ++i) {
    NodeId a;
    NodeId b;
    rng.fill(a.raw);
    b = a;
    const std::size_t at = rng.below(a.raw.size());  // equal before it
    for (std::size_t k = at; k < a.raw.size(); ++k) {
      b.raw[k] = static_cast<std::uint8_t>(rng.below(256));
    }
    CHECK((a <=> b) == (a.raw <=> b.raw));
    CHECK((a == b) == (a.raw == b.raw));
  }
}

#include "node/small_results.h"

#include <doctest/doctest.h>

#include "base/digest.h"

using namespace pixmesh;

namespace {

Digest key(const char* text) { return digest_of(bytes_of(text)); }

}  // namespace

TEST_CASE("small results: those that were not used for longest go when there is no room") {
  SmallResults results(10);
  results.add(key("a"), Bytes(4, 1));
  results.add(key("b"), Bytes(4, 2));
  REQUIRE(results.find(key("a")) != nullptr);

  results.add(key("c"), Bytes(4, 3));

  CHECK(results.find(key("b")) == nullptr);
  REQUIRE(results.find(key("a")) != nullptr);
  CHECK(*results.find(key("a")) == Bytes(4, 1));
  CHECK(*results.find(key("c")) == Bytes(4, 3));
}

TEST_CASE("small results: one that is put again takes its own place, one too large takes none") {
  SmallResults results(10);
  results.add(key("a"), Bytes(4, 1));
  results.add(key("b"), Bytes(4, 2));
  results.add(key("a"), Bytes(6, 3));
  CHECK(*results.find(key("a")) == Bytes(6, 3));
  CHECK(results.find(key("b")) != nullptr);
  results.remove(key("a"));
  CHECK(results.find(key("a")) == nullptr);

  results.add(key("c"), Bytes(11, 4));

  CHECK(results.find(key("c")) == nullptr);
}

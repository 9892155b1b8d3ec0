#include <doctest/doctest.h>

#include "wire/codec.h"

namespace pixmesh {
namespace {

// One struct in the shape of two releases.
struct Older {
  std::uint32_t a = 0;
};
struct Newer {
  std::uint32_t a = 0;
  std::string b = "what was meant before there was a b";
};

template <typename To, typename From>
bool reads(const From& from, To& to) {
  codec::Packer packer;
  codec::write(packer, from);
  const Bytes bytes = std::move(packer).take();
  const codec::Unpacked unpacked(bytes);
  try {
    codec::read(unpacked.value(), to);
    return true;
  } catch (const codec::Malformed&) {
    return false;
  }
}

}  // namespace

template <>
struct Fields<Older> {
  using List = FieldList<&Older::a>;
};
template <>
struct Fields<Newer> {
  using List = FieldList<&Newer::a, &Newer::b>;
  static constexpr std::size_t required = 1;
};

TEST_CASE("wire: a field that an older writer did not know keeps its default") {
  Newer newer;
  REQUIRE(reads(Older{7}, newer));
  CHECK(newer.a == 7);
  CHECK(newer.b == Newer{}.b);
}

TEST_CASE("wire: an older reader ignores what a newer writer added") {
  Older older;
  REQUIRE(reads(Newer{7, "news"}, older));
  CHECK(older.a == 7);
}

TEST_CASE("wire: a required field must be there") {
  Newer newer;
  CHECK_FALSE(reads(std::vector<std::string>{}, newer));
}

}  // namespace pixmesh

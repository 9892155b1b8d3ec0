#include "replication/version_floors.h"

#include <doctest/doctest.h>

using namespace pixmesh;

namespace {

constexpr Instant start{};

NameDigest name_of(std::uint8_t number) {
  NameDigest name;
  name.raw[0] = number;
  return name;
}

Version version_of(std::uint64_t clock) { return {clock, {}}; }

}  // namespace

TEST_CASE("version floors: whoever asks later is told the newest version taken before") {
  VersionFloors floors;
  CHECK(floors.ask(start, name_of(1), version_of(50)) == Version{});
  CHECK(floors.ask(start + 200ms, name_of(1), version_of(20)) == version_of(50));
  CHECK(floors.ask(start + 400ms, name_of(1), std::nullopt) == version_of(50));
  CHECK(floors.ask(start + 400ms, name_of(2), std::nullopt) == Version{});
}

TEST_CASE("version floors: those who ask at one time do not hold up one another") {
  VersionFloors floors;
  (void)floors.ask(start, name_of(1), version_of(50));
  CHECK(floors.ask(start + 1ms, name_of(1), version_of(49)) == Version{});
  CHECK(floors.ask(start + 150ms, name_of(1), version_of(48)) == version_of(50));
  CHECK(floors.ask(start + 160ms, name_of(1), version_of(60)) == version_of(50));
  CHECK(floors.ask(start + 300ms, name_of(1), version_of(61)) == version_of(60));
}

TEST_CASE("version floors: they are kept as long as an upload may take, in bounded memory") {
  VersionFloors floors({.names_max = 2});
  (void)floors.ask(start, name_of(1), version_of(50));
  CHECK(floors.ask(start + 9min, name_of(1), std::nullopt) == version_of(50));
  CHECK(floors.ask(start + 40min, name_of(2), version_of(7)) == Version{});
  CHECK(floors.ask(start + 60min, name_of(3), version_of(7)) == Version{});
  CHECK(floors.ask(start + 60min, name_of(1), std::nullopt) == Version{});

  for (std::uint8_t number = 10; number < 20; ++number) {
    (void)floors.ask(start + 60min, name_of(number), version_of(9));
  }
  CHECK(floors.ask(start + 61min, name_of(10), std::nullopt) == Version{});
  CHECK(floors.ask(start + 61min, name_of(19), std::nullopt) == version_of(9));
}

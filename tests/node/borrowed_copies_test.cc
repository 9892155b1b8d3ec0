#include "node/borrowed_copies.h"

#include <doctest/doctest.h>

using namespace pixmesh;

namespace {

using Found = BorrowedCopies::Found;
constexpr Instant noon{};
Digest digest_number(std::uint8_t number) { return {{number}}; }

}  // namespace

TEST_CASE(
    "node: an image is borrowed once for all runs that need it, and goes half a minute later") {
  BorrowedCopies copies;
  CHECK(copies.use(noon, digest_number(1), 100) == Found::to_fetch);
  CHECK(copies.use(noon, digest_number(1), 100) == Found::coming);
  CHECK_FALSE(copies.has(digest_number(1)));
  copies.on_fetched(noon + 1s, digest_number(1), TempId{7});
  CHECK(copies.use(noon + 1s, digest_number(1), 100) == Found::here);
  CHECK(copies.copy_of(digest_number(1)) == TempId{7});

  copies.release(noon + 2s, digest_number(1));
  copies.release(noon + 3s, digest_number(1));
  copies.on_deadline(noon + 1h);  // one run still uses it
  CHECK(copies.has(digest_number(1)));
  copies.release(noon + 1h, digest_number(1));
  CHECK(copies.next_deadline() == noon + 1h + 30s);
  copies.on_deadline(noon + 1h + 30s);
  CHECK_FALSE(copies.has(digest_number(1)));
  CHECK(copies.take_dropped() == std::vector{TempId{7}});
}

TEST_CASE("node: borrowed copies make room for new ones, but never while a run uses them") {
  BorrowedCopies copies({.bytes_max = 250});
  for (std::uint8_t number = 1; number <= 2; ++number) {
    CHECK(copies.use(noon, digest_number(number), 100) == Found::to_fetch);
    copies.on_fetched(noon, digest_number(number), TempId{number});
  }
  CHECK(copies.use(noon, digest_number(3), 100) == Found::no_room);
  copies.release(noon + 2s, digest_number(1));
  copies.release(noon + 1s, digest_number(2));

  CHECK(copies.use(noon + 3s, digest_number(3), 100) == Found::to_fetch);
  CHECK(copies.has(digest_number(1)));
  CHECK(copies.take_dropped() == std::vector{TempId{2}});  // used least lately
  CHECK(copies.use(noon + 3s, digest_number(4), 251) == Found::no_room);
  copies.on_failed(digest_number(3));
  CHECK(copies.use(noon + 3s, digest_number(5), 100) == Found::to_fetch);
}

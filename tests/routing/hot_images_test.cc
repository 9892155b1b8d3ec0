#include "routing/hot_images.h"

#include <doctest/doctest.h>

using namespace pixmesh;

namespace {

constexpr Instant dawn{};
Digest image_of(std::uint8_t number) { return {{number}}; }

}  // namespace

TEST_CASE("routing: an image is hot when its least busy holder stays busy for a second") {
  HotImages images;
  CHECK_FALSE(images.on_waits(dawn, image_of(1), 1'000'000));
  CHECK_FALSE(images.on_waits(dawn + 999ms, image_of(1), 5'000'000));
  CHECK(images.on_waits(dawn + 1s, image_of(1), 1'000'000));
  CHECK_FALSE(images.on_waits(dawn + 1s, image_of(2), 9'000'000));

  CHECK_FALSE(images.on_waits(dawn + 2s, image_of(1), 999'999));  // one short wait ends it
  CHECK_FALSE(images.on_waits(dawn + 2500ms, image_of(1), 5'000'000));
  CHECK(images.on_waits(dawn + 3500ms, image_of(1), 5'000'000));
}

TEST_CASE("routing: two peaks with nothing between them are not one that stays") {
  HotImages images;
  CHECK_FALSE(images.on_waits(dawn, image_of(1), 2'000'000));
  CHECK_FALSE(images.on_waits(dawn + 6s, image_of(1), 2'000'000));
  CHECK(images.on_waits(dawn + 7s, image_of(1), 2'000'000));
}

TEST_CASE("routing: no more than so many busy images are remembered, old ones make room") {
  HotImages images({.images_max = 3});
  for (std::uint8_t i = 0; i < 9; ++i) (void)images.on_waits(dawn, image_of(i), 2'000'000);
  CHECK(images.count() == 3);
  CHECK(images.on_waits(dawn + 2s, image_of(0), 2'000'000));
  (void)images.on_waits(dawn + 6s, image_of(8), 2'000'000);
  CHECK(images.count() == 2);
}

TEST_CASE("routing: what moving takes grows with the image") {
  CHECK(moving_micros(0) == 0);
  CHECK(moving_micros(13'000'000) == 135'000);
}

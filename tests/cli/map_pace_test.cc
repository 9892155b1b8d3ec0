#include "cli/map_pace.h"

#include <doctest/doctest.h>

#include "cli/map_items.h"

using namespace pixmesh;

TEST_CASE("cli: a map grows while nobody waits, shrinks while all wait, and keeps to its bounds") {
  MapPace pace(2, 0);
  for (int i = 0; i < 5; ++i) pace.on_done(1ms, 100ms);
  CHECK(pace.limit() == 4);
  for (int i = 0; i < 600'000; ++i) pace.on_done(1ms, 100ms);
  CHECK(pace.limit() == MapPace::most);

  for (int i = 0; i < 600'000; ++i) pace.on_done(300ms, 100ms);
  CHECK(pace.limit() == 1);
  for (int i = 0; i < 100; ++i) pace.on_done(70ms, 100ms);  // neither
  CHECK(pace.limit() == 1);
}

TEST_CASE("cli: a map stays below what its process may open, also with a given number") {
  MapPace pace(2, 0, 5);
  for (int i = 0; i < 1'000; ++i) pace.on_done(1ms, 100ms);
  CHECK(pace.limit() == 5);
  CHECK(MapPace(9, 0, 5).limit() == 5);
  CHECK(MapPace(2, 100, 5).limit() == 5);
}

TEST_CASE("cli: a busy node makes a map pause and go slower, once for all that were refused") {
  MapPace pace(8, 0);
  const Instant now{};

  for (int i = 0; i < 8; ++i) pace.on_busy(now + 1s, 500ms);

  CHECK(pace.not_before() == now + 1500ms);
  CHECK(pace.limit() == 6);
  pace.on_busy(now + 2s, 200ms);
  CHECK(pace.limit() == 4);
}

TEST_CASE("cli: an image waits for busy holders until no image of its map ended for ten minutes") {
  const Instant begun{};
  MapPatience patience(begun);
  CHECK(patience.lasts(begun + 9min, begun + 1min));
  CHECK(patience.lasts(begun + 10min + 59s, begun + 1min));  // each has ten minutes of its own
  CHECK_FALSE(patience.lasts(begun + 11min, begun + 1min));

  patience.on_ended(begun + 8min, ErrorCode{});
  CHECK(patience.lasts(begun + 17min, begun + 1min));
  CHECK_FALSE(patience.lasts(begun + 18min, begun + 1min));
  patience.on_ended(begun + 17min, ErrorCode::tool_failed);
  CHECK(patience.lasts(begun + 26min, begun + 1min));
}

TEST_CASE("cli: that one image was given up for busy holders lets no other one wait longer") {
  const Instant begun{};
  MapPatience patience(begun);
  REQUIRE_FALSE(patience.lasts(begun + 10min, begun));

  patience.on_ended(begun + 10min, ErrorCode::overloaded);

  CHECK_FALSE(patience.lasts(begun + 10min, begun));
  CHECK(patience.lasts(begun + 10min, begun + 10min));  // this one was not tried before
}

TEST_CASE("cli: a given number of images under way stays as it is") {
  MapPace pace(2, 5);
  for (int i = 0; i < 100; ++i) pace.on_done(1ms, 100ms);
  pace.on_busy(Instant{} + 1s, 100ms);
  CHECK(pace.limit() == 5);
  CHECK(pace.not_before() == Instant{} + 1100ms);
}

TEST_CASE("cli: the rate is that of the last half minute") {
  MapRate rate;
  Instant now{};
  rate.begin(now);
  CHECK(rate.per_thousand_seconds(now) == 0);
  for (int i = 0; i < 100; ++i) rate.on_done(now += 100ms);
  CHECK(rate.per_thousand_seconds(now) == 10'000);

  for (int i = 0; i < 60; ++i) rate.on_done(now += 1s);

  CHECK(rate.per_thousand_seconds(now) == 1'000);
  CHECK(rate.per_thousand_seconds(now + 30s) < 600);
}

TEST_CASE("cli: the progress of a map tells share, rate and what is left") {
  CHECK(map_progress_text({200, 0, 0, 0}, 0) == "0%  0 of 200");
  CHECK(map_progress_text({200, 87, 3, 4}, 9'100) ==
        "45%  90 of 200  3 failed  4 under way  9.1/s  12.0s left");
  CHECK(map_progress_text({2, 1, 0, 1}, 200) == "50%  1 of 2  1 under way  12.0/min  5.0s left");
  CHECK(map_progress_text({200, 0, 0, 4}, 0, 30s) == "0%  0 of 200  4 under way  30.0s left");
  CHECK(map_progress_text({200, 87, 3, 4}, 9'100, 90s).ends_with("9.1/s  1m30s left"));
  CHECK(map_progress_text({2, 2, 0, 0}, 200) == "100%  2 of 2  12.0/min");
}

TEST_CASE("cli: names of a map come one a line, each once") {
  const auto items = items_of_text("a\n\nb/c d\na\nlast").value();
  REQUIRE(items.size() == 3);
  CHECK(items[1].name == "b/c d");
  CHECK(items[2].name == "last");
  const auto bad = items_of_text("a\n\xff\n");
  REQUIRE_FALSE(bad);
  CHECK(bad.error().detail.find("line 2") != std::string::npos);
}

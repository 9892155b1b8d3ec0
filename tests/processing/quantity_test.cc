#include "processing/quantity.h"

#include <doctest/doctest.h>

using namespace pixmesh;

TEST_CASE("processing: sizes in GB are powers of 1000 and sizes in GiB powers of 1024") {
  CHECK(parse_size("10GB").value() == 10'000'000'000);
  CHECK(parse_size("10GiB").value() == 10ULL << 30);
  CHECK(parse_size("1.5KiB").value() == 1536);
  CHECK(parse_size("7").value() == 7);
  CHECK(parse_size("0.000001MB").value() == 1);
}

TEST_CASE("processing: what is no size is refused with an example") {
  for (const char* text : {"", "GB", "-1GB", "1.5", "1.GB", "10 GB", "10gb", "0x10", "1e3",
                           "9999999999TB", "99999999999999999999", "1.1234567MB"}) {
    const Result<std::uint64_t> size = parse_size(text);
    REQUIRE_FALSE(size.has_value());
    CHECK(size.error().code == ErrorCode::usage);
    CHECK(size.error().detail.find("512MiB") != std::string::npos);
  }
}

TEST_CASE("processing: durations are read with their unit") {
  CHECK(parse_duration("500ms").value() == 500ms);
  CHECK(parse_duration("10s").value() == 10s);
  CHECK(parse_duration("5m").value() == 5min);
  CHECK(parse_duration("1.5h").value() == 90min);
  CHECK(parse_duration("0").value() == 0s);
  CHECK_FALSE(parse_duration("10").has_value());
  CHECK_FALSE(parse_duration("-1s").has_value());
}

TEST_CASE("processing: printed quantities read back as themselves") {
  for (const std::uint64_t bytes : {0ULL, 1ULL, 1234ULL, 2ULL << 30, 10'000'000'000ULL, 1536ULL}) {
    CHECK(parse_size(print_size(bytes)).value() == bytes);
  }
  for (const Duration span : {Duration{}, Duration(1), Duration(250ms), Duration(90s)}) {
    CHECK(parse_duration(print_duration(span)).value() == span);
  }
  for (const std::int64_t count : {0LL, -1LL, -1'250'000LL, 3'000'000LL, 100LL}) {
    CHECK(parse_millionths(print_millionths(count)).value() == count);
  }
  CHECK(print_size(2ULL << 30) == "2GiB");
  CHECK(print_duration(60s) == "1m");
  CHECK(print_millionths(-1'250'000) == "-1.25");
}

TEST_CASE("processing: numbers are decimal digits and nothing else") {
  CHECK(parse_integer("-12").value() == -12);
  for (const char* text :
       {"", "-", "+1", "1.0", "0x1", "1e2", " 1", "1 ", "--1", "1\n", "1234567890123456789", "١"}) {
    CHECK_FALSE(parse_integer(text).has_value());
  }
  for (const char* text : {"", ".5", "5.", "1e2", "nan", "inf", "-", "0x1p3", "1,5", "1.2345678"}) {
    CHECK_FALSE(parse_millionths(text).has_value());
  }
}

#include "host/system/text_log.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>

using namespace pixmesh;

namespace {

std::string content_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE(
    "host_transport: a log line has time, level, name and fields, and low levels are left out") {
  const auto path =
      std::filesystem::temp_directory_path() / ("pixmesh_log_test_" + std::to_string(::getpid()));
  {
    auto log = TextLog::open(path, LogLevel::info);
    REQUIRE(log.has_value());
    log.value()->event(LogLevel::debug, "unseen", {});
    log.value()->event(LogLevel::info, "member_suspected",
                       {{"member", "ab12"}, {"silent_for", "2.1s"}});
    log.value()->event(LogLevel::error, "disk_failed", {{"why", "no space"}});
  }
  const std::string text = content_of(path);
  std::filesystem::remove(path);
  const std::regex expected(
      "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z info member_suspected member=ab12 "
      "silent_for=2\\.1s\n\\S+ error disk_failed why=\"no space\"\n");
  CHECK(std::regex_match(text, expected));
}

TEST_CASE("host_transport: no value can forge a log line or drive a terminal") {
  CHECK(log_value("plain-1.5") == "plain-1.5");
  CHECK(log_value("") == "\"\"");
  CHECK(log_value("a b") == "\"a b\"");
  CHECK(log_value("a=\"b\"") == "\"a=\\\"b\\\"\"");
  CHECK(log_value("x\n2026 info forged") == "\"x\\n2026 info forged\"");
  CHECK(log_value("\x1b[2J") == "\"\\x1b[2J\"");
  CHECK(log_value("\xc3\xa4") == "\xc3\xa4");
}

TEST_CASE("host_transport: a log file that cannot be opened is an error with its path") {
  const auto log = TextLog::open("/nowhere/pixmesh.log", LogLevel::info);
  REQUIRE_FALSE(log.has_value());
  CHECK(log.error().detail.find("/nowhere/pixmesh.log") != std::string::npos);
}

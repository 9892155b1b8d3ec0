#include "cli/top_view.h"

#include <doctest/doctest.h>

using namespace pixmesh;

namespace {

NodeReport report_of(std::uint64_t hits, std::uint64_t joined, std::uint64_t misses,
                     std::uint64_t uptime_seconds) {
  StatusAnswer status;
  status.uptime_seconds = uptime_seconds;
  status.results.hits = hits;
  status.results.joined = joined;
  status.results.misses = misses;
  status.runs.finished = misses;
  status.tool_memory_bytes = 4ULL << 30;
  status.tool_memory_taken = 1ULL << 30;
  NodeReport report;
  report.status = status;
  return report;
}

Instant second(int number) { return Instant(std::chrono::seconds(number)); }

}  // namespace

TEST_CASE("cli: 'top' tells which share of the runs asked for since was not made anew") {
  TopView view;
  CHECK_FALSE(view.rows({report_of(100, 0, 100, 50)}, second(1)).front().shared_permille);
  const TopRow row = view.rows({report_of(160, 15, 125, 52)}, second(3)).front();
  CHECK(row.shared_permille == 750);
  CHECK(row.runs_per_1000s == 12'500);
  CHECK(row.memory_bytes == 4ULL << 30);
  CHECK(row.memory_taken == 1ULL << 30);
  CHECK(json_of(row).at("shared_permille") == 750);
  const TopRow quiet = view.rows({report_of(160, 15, 125, 54)}, second(5)).front();
  CHECK_FALSE(quiet.shared_permille);  // nobody asked
  CHECK(json_of(quiet).at("shared_permille").is_null());
}

TEST_CASE("cli: 'top' compares nothing with what a node said before it was started anew") {
  TopView view;
  (void)view.rows({report_of(100, 0, 100, 50)}, second(1));
  const TopRow row = view.rows({report_of(3, 0, 1, 1)}, second(3)).front();
  CHECK_FALSE(row.shared_permille);
  CHECK(row.runs_per_1000s == 0);
}

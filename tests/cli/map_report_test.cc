#include "cli/map_report.h"

#include <doctest/doctest.h>

using namespace pixmesh;

namespace {

std::map<std::string, MapLine> lines_with(const std::vector<int>& exits) {
  std::map<std::string, MapLine> lines;
  for (const int exit : exits) {
    MapLine line;
    line.done = exit == 0;
    line.exit = exit;
    lines[std::to_string(lines.size())] = line;
  }
  return lines;
}

}  // namespace

TEST_CASE("cli: the exit code of a map is 10 if a tool failed, else what all failures share") {
  CHECK(exit_code_of(lines_with({})) == 0);
  CHECK(exit_code_of(lines_with({0, 0})) == 0);
  CHECK(exit_code_of(lines_with({0, 3, 3})) == 3);
  CHECK(exit_code_of(lines_with({3, 6})) == 1);
  CHECK(exit_code_of(lines_with({3, 10, 6})) == 10);
}

TEST_CASE("cli: the summary of a map counts what is done, failed and left") {
  CHECK(summary_of({200, 197, 3, 0}, 22s) == "200 images: 197 done, 3 failed in 22.0s");
  CHECK(summary_of({1, 0, 0, 0}, 1s) == "1 image: 0 done, 0 failed, 1 left in 1.0s");
}

TEST_CASE("cli: a failure of a map is one line with the request to ask about") {
  MapLine line;
  line.name = "a\nb";
  line.error = "tool_failed";
  line.detail = "the tool ended with status 1\nbad luck";
  line.request = "3f";
  CHECK(failure_text(line) == "a?b: tool_failed: the tool ended with status 1 (request 3f)");
}

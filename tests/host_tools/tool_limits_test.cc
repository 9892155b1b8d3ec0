#include <doctest/doctest.h>

#include <csignal>

#include "base/limits.h"
#include "host/tools/tool_process.h"
#include "tool_bench.h"

using namespace pixmesh;

TEST_CASE("host_tools: a tool that hangs is killed at its wall limit with all it started") {
  ToolBench bench;
  ToolRun hang = bench.shell("(sleep 1000 & echo $! > \"$out\"; wait) & wait");
  hang.limits.wall = 400ms;
  const ToolReport report = bench.run(hang);

  CHECK(report.end == ToolEnd::wall_limit);
  CHECK(report.wall >= 400ms);
  CHECK(report.wall < 10s);
  CHECK(ends(std::stoi(read_text(report.output_path))));
}

TEST_CASE("host_tools: a tool that ignores every signal is killed all the same") {
  ToolBench bench;
  ToolRun deaf = bench.shell("trap '' TERM INT HUP XCPU; while :; do sleep 0.05; done");
  deaf.limits.wall = 200ms;
  CHECK(bench.run(deaf).end == ToolEnd::wall_limit);
}

TEST_CASE("host_tools: what a tool leaves in the background ends with it") {
  ToolBench bench;
  const ToolReport report = bench.run(bench.shell("sleep 1000 & echo $! > \"$out\""));
  CHECK(report.end == ToolEnd::finished);
  CHECK(ends(std::stoi(read_text(report.output_path))));
}

TEST_CASE("host_tools: of a flood on stderr the last 16 KiB are kept") {
  ToolBench bench;
  const ToolReport report = bench.run(bench.shell(
      "head -c 20000000 /dev/zero | tr '\\0' x >&2; printf 'the end' >&2; echo 1 > \"$out\""));
  CHECK(report.end == ToolEnd::finished);
  CHECK(report.error_text.size() == error_bytes_max);
  CHECK(report.error_text.ends_with("xthe end"));
}

TEST_CASE("host_tools: an endless flood on stderr neither blocks nor outlives the wall limit") {
  ToolBench bench;
  ToolRun flood = bench.shell("yes >&2");
  flood.limits.wall = 300ms;
  const ToolReport report = bench.run(flood);
  CHECK(report.end == ToolEnd::wall_limit);
  CHECK(report.error_text.size() == error_bytes_max);
}

TEST_CASE("host_tools: a flood of output ends at the output limit") {
  ToolBench bench;
  ToolRun piped = bench.tool({"yes"});
  piped.output_on_stdout = true;
  piped.limits.output_bytes = 1'000'000;
  ToolRun direct = bench.shell("yes > \"$out\"");
  direct.limits.output_bytes = 1'000'000;
  ToolRun deaf = bench.shell("trap '' XFSZ; yes > \"$out\"; true");
  deaf.limits.output_bytes = 1'000'000;
  ToolRun fits = bench.shell("head -c 1000000 /dev/zero > \"$out\"");
  fits.limits.output_bytes = 1'000'000;

  for (const ToolRun& tool : {piped, direct, deaf}) {
    const ToolReport report = bench.run(tool);
    CHECK(report.end == ToolEnd::output_limit);
    CHECK(report.output_size <= 1'000'001);
  }
  CHECK(bench.run(fits).end == ToolEnd::finished);
}

TEST_CASE("host_tools: a tool that spins ends at its CPU limit, even when deaf to the warning") {
  ToolBench bench;
  ToolRun spin = bench.shell("trap '' XCPU; while :; do :; done");
  spin.limits.cpu = 1s;
  const ToolReport report = bench.run(spin);
  CHECK(report.end == ToolEnd::cpu_limit);
  CHECK(report.cpu >= 900ms);
  CHECK(report.cpu < 5s);
}

TEST_CASE("host_tools: a tool that hoards memory meets its limit") {
  ToolBench bench;
  ToolRun hog = bench.tool({"perl", "-e", "my $x = 'x' x 200_000_000; print length $x"});
  hog.output_on_stdout = true;
  hog.limits.memory_bytes = 100'000'000;
  CHECK(bench.run(hog).end == ToolEnd::memory_limit);
  hog.limits.memory_bytes = 1'000'000'000;
  CHECK(bench.run(hog).end == ToolEnd::finished);
}

TEST_CASE("host_tools: the end of a run is told from its signs") {
  const ToolLimits limits{.wall = 1s, .cpu = 2s, .memory_bytes = 1, .output_bytes = 100};
  const int exit_0 = 0, exit_1 = 1 << 8;
  const auto end_of = [&](const ToolSigns& signs) { return tool_end_of(signs, limits); };

  CHECK(end_of({exit_0, {}, 0s, 100, ""}) == ToolEnd::finished);
  CHECK(end_of({exit_0, {}, 0s, 101, ""}) == ToolEnd::output_limit);
  CHECK(end_of({exit_0, {}, 0s, {}, ""}) == ToolEnd::no_output);
  CHECK(end_of({exit_0, ToolEnd::wall_limit, 0s, 5, ""}) == ToolEnd::finished);
  CHECK(end_of({exit_0, ToolEnd::cancelled, 0s, 5, ""}) == ToolEnd::cancelled);
  CHECK(end_of({exit_1, {}, 0s, {}, "oops"}) == ToolEnd::exit_status);
  CHECK(end_of({exit_1, {}, 0s, {}, "vips: out of memory"}) == ToolEnd::memory_limit);
  CHECK(end_of({SIGKILL, ToolEnd::wall_limit, 9s, {}, ""}) == ToolEnd::wall_limit);
  CHECK(end_of({SIGKILL, {}, 2s, {}, ""}) == ToolEnd::cpu_limit);
  CHECK(end_of({SIGKILL, {}, 1s, {}, ""}) == ToolEnd::killed);
  CHECK(end_of({SIGXCPU, {}, 1s, {}, ""}) == ToolEnd::cpu_limit);
  CHECK(end_of({SIGXFSZ, {}, 1s, {}, ""}) == ToolEnd::output_limit);
  CHECK(end_of({SIGKILL, {}, 1s, {}, "", true}) == ToolEnd::memory_limit);
  CHECK(end_of({exit_0, {}, 1s, 5, "", true}) == ToolEnd::memory_limit);
  CHECK(end_of({SIGKILL, ToolEnd::wall_limit, 1s, {}, "", true}) == ToolEnd::wall_limit);
  CHECK(end_of({exit_0, ToolEnd::cancelled, 1s, 5, "", true}) == ToolEnd::cancelled);
  CHECK(end_of({SIGABRT, {}, 1s, {}, "std::bad_alloc"}) == ToolEnd::memory_limit);
}

#include "host/tools/native_workers.h"

#include <doctest/doctest.h>

#include <poll.h>

#include <csignal>
#include <filesystem>
#include <sstream>

#include "host/system/clocks.h"
#include "host/tools/launch_command.h"
#include "odd_bench.h"

using namespace pixmesh;

namespace {

struct Numbers {
  int process = 0;
  int parent = 0;
};

Numbers numbers_of(const std::string& text) {
  Numbers numbers;
  std::istringstream(text) >> numbers.process >> numbers.parent;
  REQUIRE(numbers.parent > 1);
  return numbers;
}

Numbers numbers_of(const ToolReport& report) {
  CHECK_MESSAGE(report.end == ToolEnd::finished, report.error_text);
  return numbers_of(read_text(report.output_path));
}

}  // namespace

TEST_CASE("host_tools: a worker does what its recipe leaves to it, and a command the rest") {
  for (const bool forked : {false, true}) {
    OddBench bench(odd_workers(forked));

    const ToolReport native = bench.run("copy");
    ToolRun plain = bench.job("copy");
    plain.engine = ToolEngine::command;
    const ToolReport command = bench.bench().run(plain);

    CHECK(native.end == ToolEnd::finished);
    CHECK(read_text(native.output_path) == "stored bytes");
    CHECK(native.output_size == 12);
    CHECK(command.end == ToolEnd::finished);
    CHECK(read_text(command.output_path) == "by command");
  }
}

TEST_CASE("host_tools: what no worker can do is done by the command") {
  for (const NativeWorkersOptions& native : workers_that_do_nothing()) {
    OddBench bench(native);
    for (int i = 0; i < 3; ++i) CHECK(read_text(bench.run("copy").output_path) == "by command");
  }
  OddBench bench(odd_workers());
  CHECK(read_text(bench.run("not known").output_path) == "by command");
  ToolRun other = bench.job("copy");
  other.argv.push_back("--option-without-value");
  CHECK(read_text(bench.bench().run(other).output_path) == "by command");
  CHECK(read_text(bench.run("copy").output_path) == "stored bytes");
}

TEST_CASE("host_tools: a job that fails is told in its own words, and the next in its own") {
  for (const bool forked : {false, true}) {
    OddBench bench(odd_workers(forked));

    const ToolReport failed = bench.run("fail");
    const ToolReport nothing = bench.run("write nothing");
    const ToolReport good = bench.run("copy");

    CHECK(failed.end == ToolEnd::exit_status);
    CHECK(failed.exit_status == 1);
    CHECK(failed.error_text == "no good\n");
    CHECK(nothing.end == ToolEnd::no_output);
    CHECK(nothing.error_text.empty());
    CHECK(good.end == ToolEnd::finished);
  }
}

TEST_CASE("host_tools: a job that kills its worker is reported as a tool would be, and no other") {
  for (const bool forked : {false, true}) {
    OddBench bench(odd_workers(forked));
    for (int i = 0; i < 3; ++i) {
      const ToolReport crashed = bench.run("crash");
      CHECK(crashed.end == ToolEnd::killed);
      CHECK(crashed.exit_status == SIGABRT);
      CHECK(bench.run("copy").end == ToolEnd::finished);
    }
  }
}

TEST_CASE("host_tools: a job that hangs ends at its limit with everything it started") {
  for (const bool forked : {false, true}) {
    OddBench bench(odd_workers(forked));
    ToolRun hang = bench.job("hang");
    hang.limits.wall = 500ms;

    const ToolReport report = bench.bench().run(hang);

    CHECK(report.end == ToolEnd::wall_limit);
    CHECK(report.wall >= 500ms);
    CHECK(report.wall < 5s);
    const Numbers numbers = numbers_of(read_text(report.output_path));
    CHECK(ends(numbers.process));
    CHECK(ends(numbers.parent));
    CHECK(bench.run("copy").end == ToolEnd::finished);
  }
}

TEST_CASE("host_tools: a cancelled job is gone with its worker") {
  for (const bool forked : {false, true}) {
    OddBench bench(odd_workers(forked));
    const RunId run = bench.bench().begin(bench.job("hang"));
    const auto output = bench.bench().scratch() / ("run-" + std::to_string(run.raw) + ".out");
    const Numbers numbers = numbers_of(wait_for_line(output));

    bench.bench().executor().cancel(run);
    const ToolReport report = bench.bench().reports().next();

    CHECK(report.run == run);
    CHECK(report.end == ToolEnd::cancelled);
    CHECK(ends(numbers.process));
    CHECK(ends(numbers.parent));
    CHECK(bench.run("copy").end == ToolEnd::finished);
  }
}

// Its answer may lie there when it is killed.
TEST_CASE("host_tools: a worker that was killed gets no further job before it is gone") {
  TestFolder folder;
  NativeWorkersOptions options = odd_workers();
  options.scratch = folder.path();
  options.launcher = find_launcher().value();
  NativeWorkers workers(options);
  const NativeFiles files{folder.path() / "input", folder.path() / "output"};
  write_text(files.input, "stored bytes");
  OddBench bench(NativeWorkersOptions{});
  ToolRun first = bench.job("copy");
  ToolRun second = bench.job("copy");
  first.run = RunId{1};
  second.run = RunId{2};
  REQUIRE(workers.take(first, files, monotonic_now()));
  std::vector<pollfd> watched;
  const auto serve_ready = [&](int timeout_ms) {
    watched.clear();
    workers.watch(watched);
    REQUIRE(::poll(watched.data(), watched.size(), timeout_ms) > 0);
    return workers.serve(watched, monotonic_now());
  };
  CHECK(serve_ready(5'000).empty());  // its greeting
  watched.clear();
  workers.watch(watched);
  REQUIRE(::poll(watched.data(), watched.size(), 5'000) > 0);  // its answer
  CHECK(workers.stop(first.run, ToolEnd::cancelled));
  CHECK(workers.serve(watched, monotonic_now()).size() == 1);

  std::filesystem::remove(files.output);
  REQUIRE(workers.take(second, files, monotonic_now()));
  std::vector<NativeOutcome> outcomes;
  for (int i = 0; i < 10 && outcomes.empty(); ++i) outcomes = serve_ready(5'000);

  REQUIRE(outcomes.size() == 1);
  const auto* report = std::get_if<ToolReport>(&outcomes.front());
  REQUIRE(report);
  CHECK(report->run == second.run);
  CHECK(report->end == ToolEnd::finished);
}

TEST_CASE("host_tools: each job has the limits of its recipe, however old its worker is") {
  for (const bool forked : {false, true}) {
    OddBench bench(odd_workers(forked));
    ToolRun spin = bench.job("spin");
    spin.limits.cpu = 1s;
    ToolRun flood = bench.job("flood");
    flood.limits.output_bytes = 1'000'000;
    ToolRun hog = bench.job("hog");
    hog.limits.memory_bytes = 256U << 20;
    for (int i = 0; i < 2; ++i) {
      CHECK(bench.run("copy").end == ToolEnd::finished);
      CHECK(bench.bench().run(hog).end == ToolEnd::memory_limit);
      CHECK(bench.bench().run(spin).end == ToolEnd::cpu_limit);
      const ToolReport flooded = bench.bench().run(flood);
      CHECK(flooded.end == ToolEnd::output_limit);
      CHECK(flooded.output_size <= 1'000'001);
    }
    hog.limits.memory_bytes = 4ULL << 30;
    CHECK(bench.bench().run(hog).end == ToolEnd::finished);
  }
}

TEST_CASE("host_tools: a worker makes place for a new one after its last job") {
  NativeWorkersOptions native = odd_workers();
  native.jobs_max = 2;
  OddBench bench(native);

  const int first = numbers_of(bench.run("number")).process;
  const int second = numbers_of(bench.run("number")).process;
  const int third = numbers_of(bench.run("number")).process;

  CHECK(first == second);
  CHECK(third != second);
  CHECK(ends(first));
}

TEST_CASE("host_tools: workers are renewed when asked, one with a job after that job") {
  OddBench bench(odd_workers());
  const int first = numbers_of(bench.run("number")).process;
  bench.bench().executor().renew_workers();
  const int second = numbers_of(bench.run("number")).process;
  CHECK(second != first);
  CHECK(ends(first));

  const RunId run = bench.bench().begin(bench.job("hang"));
  const auto output = bench.bench().scratch() / ("run-" + std::to_string(run.raw) + ".out");
  const int busy = numbers_of(wait_for_line(output)).parent;  // it has a child
  CHECK(busy == second);
  bench.bench().executor().renew_workers();
  CHECK(numbers_of(bench.run("number")).process != busy);
  CHECK(::kill(busy, 0) == 0);
  bench.bench().executor().cancel(run);
  CHECK(bench.bench().reports().next().end == ToolEnd::cancelled);
}

TEST_CASE("host_tools: a worker that keeps too much memory makes place for a new one") {
  NativeWorkersOptions native = odd_workers();
  native.resident_bytes_max = 100U << 20;
  OddBench bench(native);

  const int first = numbers_of(bench.run("keep")).process;
  const int second = numbers_of(bench.run("keep")).process;
  const int third = numbers_of(bench.run("number")).process;

  CHECK(first == second);
  CHECK(third != second);
}

TEST_CASE("host_tools: with a process a job, no two jobs share one") {
  OddBench bench(odd_workers(true));
  const Numbers first = numbers_of(bench.run("number"));
  const Numbers second = numbers_of(bench.run("number"));
  CHECK(first.process != second.process);
  CHECK(first.parent == second.parent);
  CHECK(first.parent != first.process);
}

TEST_CASE("host_tools: the cost of a job is its own, not its worker's") {
  const auto sandbox = sandbox_if_it_works();
  for (int way = 0; way < (sandbox ? 4 : 2); ++way) {
    const bool walled = way >= 2;
    CAPTURE(way);
    OddBench bench(odd_workers(way % 2 == 1), walled ? sandbox : std::nullopt);
    const ToolReport large = bench.run("use");
    const ToolReport small = bench.run("number");
    CHECK(large.memory_bytes >= 64U << 20);
    CHECK(large.cpu > 0ms);
    CHECK(small.memory_bytes > 0);
    CHECK(small.memory_bytes < 48U << 20);
    CHECK(small.cpu < large.cpu);
  }
}

TEST_CASE("host_tools: more jobs than workers are done at one time") {
  OddBench bench(odd_workers());
  std::vector<RunId> hanging;
  for (int i = 0; i < 3; ++i) hanging.push_back(bench.bench().begin(bench.job("hang")));
  CHECK(bench.run("copy").end == ToolEnd::finished);
  for (const RunId run : hanging) bench.bench().executor().cancel(run);
  for (std::size_t i = 0; i < hanging.size(); ++i) {
    CHECK(bench.bench().reports().next().end == ToolEnd::cancelled);
  }
}

TEST_CASE("host_tools: a closed executor leaves no worker and no folder of one") {
  OddBench bench(odd_workers());
  const RunId run = bench.bench().begin(bench.job("hang"));
  const auto output = bench.bench().scratch() / ("run-" + std::to_string(run.raw) + ".out");
  const Numbers numbers = numbers_of(wait_for_line(output));
  bench.bench().close();
  CHECK(ends(numbers.process));
  CHECK(ends(numbers.parent));
  CHECK(std::filesystem::is_empty(bench.bench().scratch()));
}

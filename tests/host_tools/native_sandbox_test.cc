#include <doctest/doctest.h>
#include <unistd.h>

#include <chrono>

#include "odd_bench.h"

using namespace pixmesh;

namespace {

/// What a worker says that looked for the file.
std::string look(OddBench& bench, const std::string& path) {
  const ToolReport report = bench.bench().run(bench.job("look", path));
  CHECK_MESSAGE(report.end == ToolEnd::finished, report.error_text);
  return read_text(report.output_path);
}

}  // namespace

TEST_CASE("host_tools: a worker in the sandbox sees its job's files and no others") {
  const auto sandbox = sandbox_if_it_works();
  if (!sandbox) return;
  for (const bool forked : {false, true}) {
    OddBench walled(odd_workers(forked), sandbox);
    OddBench open(odd_workers(forked));
    const std::string stored = walled.bench().disk() / "images/stored.bin";

    CHECK(read_text(walled.run("copy").output_path) == "stored bytes");
    for (const std::string& path :
         {stored, std::string("/etc/passwd"), std::string("/proc/self/status"),
          std::string(PIXMESH_ODD_WORKER)}) {
      CHECK(look(open, path) == "seen");
      CHECK(look(walled, path) == "No such file or directory");
    }
    CHECK(look(walled, "/usr/bin/env") == "seen");
  }
}

TEST_CASE("host_tools: in the sandbox too each job has the limits of its recipe") {
  const auto sandbox = sandbox_if_it_works();
  if (!sandbox) return;
  for (const bool forked : {false, true}) {
    OddBench bench(odd_workers(forked), sandbox);
    ToolRun spin = bench.job("spin");
    spin.limits.cpu = 1s;
    ToolRun flood = bench.job("flood");
    flood.limits.output_bytes = 1'000'000;
    ToolRun hog = bench.job("hog");
    hog.limits.memory_bytes = 256U << 20;

    CHECK(bench.run("copy").end == ToolEnd::finished);
    CHECK(bench.bench().run(hog).end == ToolEnd::memory_limit);
    CHECK(bench.bench().run(spin).end == ToolEnd::cpu_limit);
    CHECK(bench.bench().run(flood).end == ToolEnd::output_limit);
    CHECK(bench.run("crash").end == ToolEnd::killed);
    CHECK(bench.run("copy").end == ToolEnd::finished);
  }
}

TEST_CASE("host_tools: a job that raises its limit gets no further than its worker may") {
  for (const bool forked : {false, true}) {
    NativeWorkersOptions native = odd_workers(forked);
    native.output_bytes_max = 2'000'000;
    OddBench bench(native, sandbox_if_it_works());
    ToolRun flood = bench.job("raise and flood");
    flood.limits.output_bytes = 1'000'000;
    const ToolReport flooded = bench.bench().run(flood);
    CHECK(flooded.end == ToolEnd::output_limit);
    CHECK(flooded.output_size == (forked ? 1'000'001 : 2'000'001));
  }
}

TEST_CASE("host_tools: a worker in the sandbox that keeps too much memory makes place for one") {
  const auto sandbox = sandbox_if_it_works();
  if (!sandbox) return;
  NativeWorkersOptions native = odd_workers();
  native.resident_bytes_max = 100U << 20;
  OddBench bench(native, sandbox);
  CHECK(bench.run("keep").memory_bytes < 120U << 20);
  CHECK(bench.run("keep").memory_bytes > 120U << 20);
  CHECK(bench.run("keep").memory_bytes < 120U << 20);
}

TEST_CASE("host_tools: what a job in the sandbox left in a session of its own ends with it") {
  const auto sandbox = sandbox_if_it_works();
  if (!sandbox) return;
  for (const bool forked : {false, true}) {
    OddBench bench(odd_workers(forked), sandbox);
    const std::string mark = "31536000." + std::to_string(getpid()) + (forked ? "1" : "2");
    const RunId run = bench.bench().begin(bench.job("leave", mark));
    const auto output = bench.bench().scratch() / ("run-" + std::to_string(run.raw) + ".out");
    CHECK(wait_for_line(output) == "left\n");
    CHECK(one_begins_soon(mark));

    const auto before = std::chrono::steady_clock::now();
    bench.bench().executor().cancel(run);
    CHECK(bench.bench().reports().next().end == ToolEnd::cancelled);
    CHECK(all_end_soon(mark));
    CHECK(std::chrono::steady_clock::now() - before < 1s);
    CHECK(bench.run("copy").end == ToolEnd::finished);
  }
}

#include <doctest/doctest.h>

#include <chrono>
#include <cstdio>
#include <fstream>

#include "pictures.h"
#include "test_mesh.h"

using namespace pixmesh;

namespace {

namespace fs = std::filesystem;

constexpr int put_count = 40;
constexpr std::uint64_t file_bytes = 20'000'000;
constexpr std::uint64_t memory_kib_max = 256 * 1024;

/// Files that differ, so that each is stored for itself.
std::vector<fs::path> different_files(const fs::path& folder) {
  std::string bytes = text_of_file(random_file(file_bytes, 12));
  std::vector<fs::path> files;
  for (int number = 0; number < put_count; ++number) {
    bytes[0] = static_cast<char>(number);
    files.push_back(folder / ("load-" + std::to_string(number)));
    write_file(files.back(), bytes);
  }
  return files;
}

ChildProcess start_put(const TestMesh& mesh, std::size_t node, const fs::path& file) {
  Launch launch;
  launch.words = mesh.words_at(node, {PIXMESH_PROGRAM, "put", file.string()});
  launch.errors = file.string() + ".err";
  return ChildProcess(launch);
}

}  // namespace

TEST_SUITE("faults") {
  TEST_CASE("load: forty puts of 20 MB at once succeed, and no node takes much memory") {
    TestMesh mesh;
    const std::vector<fs::path> files = different_files(mesh.folder());
    const auto started = std::chrono::steady_clock::now();

    std::vector<ChildProcess> running;
    for (std::size_t at = 0; at < files.size(); ++at) {
      running.push_back(start_put(mesh, at % mesh.size(), files[at]));
    }
    int again = 0;
    for (std::size_t at = 0; at < files.size(); ++at) {
      int exit = running[at].wait(120s).value_or(-1);
      for (; exit == 7 && again < 2 * put_count; ++again) {
        exit = start_put(mesh, at % mesh.size(), files[at]).wait(120s).value_or(-1);
      }
      CHECK_MESSAGE(exit == 0, text_of_file(files[at].string() + ".err"));
    }

    const Duration took = std::chrono::steady_clock::now() - started;
    std::printf("  %d puts in %.1f s, %d of them again\n", put_count, seconds(took), again);
    for (std::size_t node = 0; node < mesh.size(); ++node) {
      const std::uint64_t peak = process_fact(mesh.pid(node), "VmHWM");
      std::printf("  node %zu took %llu MiB at most\n", node,
                  static_cast<unsigned long long>(peak / 1024));
      CHECK(peak > 0);
      CHECK(peak < memory_kib_max);
    }
    // A put ends with two copies durable; the third follows.
    CHECK(becomes_true(30s,
                       [&] { return mesh.json({"status"})["totals"]["copies"] == 3 * put_count; }));
    mesh.wait_calm();
    for (const std::size_t at : {std::size_t{0}, files.size() / 2, files.size() - 1}) {
      CHECK(mesh.comes_back(at % mesh.size(), files[at].filename(), files[at]));
    }
  }
}

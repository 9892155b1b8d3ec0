#include <doctest/doctest.h>

#include <cstdio>
#include <map>

#include "mounted.h"
#include "pictures.h"
#include "test_mesh.h"

using namespace pixmesh;

namespace {

namespace fs = std::filesystem;

/// Takes every byte that is left.
void fill(const fs::path& file) {
  std::FILE* filled = std::fopen(file.c_str(), "wb");
  REQUIRE(filled != nullptr);
  (void)std::setvbuf(filled, nullptr, _IONBF, 0);
  const std::string much(1U << 20, 'x');
  while (std::fwrite(much.data(), much.size(), 1, filled) == 1) {
  }
  while (std::fwrite("x", 1, 1, filled) == 1) {
  }
  (void)std::fclose(filled);
}

/// The small disk that a test needs; it is not there where it cannot be mounted.
Mounted small_disk(const fs::path& at, const std::string& size) {
  Mounted disk = Mounted::memory(at, size);
  if (!disk.exists()) MESSAGE("skipped: only root may mount a small disk");
  return disk;
}

MeshOptions below(const fs::path& root) {
  MeshOptions options;
  options.root = root;
  return options;
}

}  // namespace

TEST_SUITE("wrong_input") {
  TEST_CASE(
      "disk full: a put says so and names the nodes; what is stored can be read and removed") {
    TempFolder folder;
    const Mounted disk = small_disk(folder.path() / "disk", "120m");
    if (!disk.exists()) return;
    TestMesh mesh(below(folder.path() / "disk"));

    std::vector<fs::path> files;
    ProcessAnswer last;
    for (int number = 0; number < 12 && last.exit != 11; ++number) {
      const fs::path file = random_file(9'000'000, 40 + number);
      last = mesh.cli({"put", file.string(), "--name", "full-" + std::to_string(number)});
      if (last.exit == 0) files.push_back(file);
    }

    check_says(last, 11, {});
    bool names_one = false;
    const Json status = mesh.json({"status"});
    for (const Json& node : status["nodes"]) {
      names_one = names_one || last.err.find(std::string(node["node"])) != std::string::npos;
    }
    CHECK_MESSAGE(names_one, last.err);
    REQUIRE(files.size() >= 2);
    for (std::size_t at = 0; at < files.size(); ++at) {
      for (std::size_t node = 0; node < mesh.size(); ++node) {
        CHECK(mesh.running(node));
        CHECK(mesh.comes_back(node, "full-" + std::to_string(at), files[at]));
      }
    }
    mesh.must({"rm", "full-0"});
    CHECK(mesh.cli({"stat", "full-0"}).exit == 3);
  }

  TEST_CASE(
      "disk full: to the last byte, by somebody else, under all nodes; then there is room again") {
    TempFolder folder;
    const Mounted disk = small_disk(folder.path() / "disk", "200m");
    if (!disk.exists()) return;
    TestMesh mesh(below(folder.path() / "disk"));
    std::map<std::string, fs::path> stored;
    const auto put = [&](int number) {
      const std::string name = "image-" + std::to_string(number);
      const fs::path file = random_file(1'000'000, 80 + number);
      const ProcessAnswer answer = mesh.cli_at(static_cast<std::size_t>(number) % mesh.size(),
                                               {"put", file.string(), "--name", name});
      if (answer.exit == 0) stored[name] = file;
      return answer;
    };
    for (int number = 0; number < 12; ++number) CHECK(put(number).exit == 0);
    const fs::path stranger = disk.path() / "stranger";
    fill(stranger);
    CHECK(fs::space(disk.path()).available == 0);

    for (int number = 12; number < 15; ++number) check_says(put(number), 11, {"0 are free"});
    for (const auto& [name, file] : stored) {
      for (std::size_t node = 0; node < mesh.size(); ++node) {
        CHECK(mesh.comes_back(node, name, file));
      }
    }
    // A tombstone is a record, and there is no room for one.
    check_says(mesh.cli({"rm", "image-0"}), 11, {"holder ", "No space left"});
    for (std::size_t node = 0; node < mesh.size(); ++node) CHECK(mesh.running(node));

    fs::remove(stranger);
    CHECK(becomes_true(30s, [&] { return put(20).exit == 0; }));
    mesh.wait_calm();
    CHECK(mesh.json({"status"})["totals"]["copies"] == 3 * stored.size());
    for (const auto& [name, file] : stored) {
      for (std::size_t node = 0; node < mesh.size(); ++node) {
        CHECK(mesh.comes_back(node, name, file));
      }
    }
  }

  TEST_CASE("disk full: while one node has no room, puts through every node find the others") {
    TempFolder folder;
    const Mounted disk = small_disk(folder.path() / "node-1", "64m");
    if (!disk.exists()) return;
    TestMesh mesh(below(folder.path()));
    fs::path file;
    for (std::size_t number = 0; number < 12; ++number) {
      const std::string name = "more-" + std::to_string(number);
      file = random_file(9'000'000, 60 + static_cast<int>(number));
      const ProcessAnswer put =
          mesh.cli_at(number % mesh.size(), {"put", file.string(), "--name", name});
      REQUIRE_MESSAGE(put.exit == 0, put.err);
    }
    CHECK(mesh.json({"status"})["totals"]["disks_full"] == 1);
    CHECK(mesh.must({"status"}).find("node-1/images of node") != std::string::npos);
    CHECK(fs::space(disk.path()).available >= (64U << 20) / 20);
    CHECK(mesh.json({"status"})["totals"]["hints"] > 0);
    CHECK(mesh.comes_back(1, "more-11", file));
  }
}

#include <doctest/doctest.h>

#include "mounted.h"
#include "pictures.h"
#include "test_mesh.h"

using namespace pixmesh;

namespace {

namespace fs = std::filesystem;

}  // namespace

TEST_SUITE("wrong_input") {
  TEST_CASE(
      "disk full: a put says so and names the nodes; what is stored can be read and removed") {
    TempFolder folder;
    const Mounted disk = Mounted::memory(folder.path() / "disk", "120m");
    if (!disk.exists()) {
      MESSAGE("skipped: only root may mount a small disk");
      return;
    }
    MeshOptions options;
    options.root = folder.path() / "disk";
    TestMesh mesh(options);

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

  TEST_CASE("disk full: while one node has no room, puts through every node find the others") {
    TempFolder folder;
    const Mounted disk = Mounted::memory(folder.path() / "node-1", "64m");
    if (!disk.exists()) {
      MESSAGE("skipped: only root may mount a small disk");
      return;
    }
    MeshOptions options;
    options.root = folder.path();
    TestMesh mesh(options);
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

#include <doctest/doctest.h>
#include <sys/mount.h>
#include <unistd.h>

#include "pictures.h"
#include "test_mesh.h"

using namespace pixmesh;

namespace {

namespace fs = std::filesystem;

/// A small file system in memory; needs root.
class SmallDisk {
 public:
  SmallDisk(const fs::path& at, const std::string& size) : at_(at) {
    fs::create_directories(at);
    mounted_ = ::mount("tmpfs", at.c_str(), "tmpfs", 0, ("size=" + size).c_str()) == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(at_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  [[nodiscard]] bool mounted() const { return mounted_; }
  [[nodiscard]] const fs::path& path() const { return at_; }

 private:
  fs::path at_;
  bool mounted_ = false;
};

}  // namespace

TEST_SUITE("wrong_input") {
  TEST_CASE(
      "disk full: a put says so and names the nodes; what is stored can be read and removed") {
    TempFolder folder;
    const SmallDisk disk(folder.path() / "disk", "120m");
    if (!disk.mounted()) {
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
    const SmallDisk disk(folder.path() / "node-1", "64m");
    if (!disk.mounted()) {
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

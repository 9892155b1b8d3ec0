#include <doctest/doctest.h>

#include "pictures.h"
#include "test_mesh.h"

using namespace pixmesh;

namespace {

namespace fs = std::filesystem;

/// All that a node has, its state with its disk.
fs::path root_of(const TestMesh& mesh, std::size_t node) {
  return mesh.storage_of(node).parent_path();
}

fs::path copy_of_stopped(TestMesh& mesh, std::size_t node) {
  REQUIRE(mesh.stop_node(node) == 0);
  fs::path copy = mesh.folder() / "copy";
  fs::copy(root_of(mesh, node), copy, fs::copy_options::recursive);
  return copy;
}

/// As another process with the identity of the node whose folders were copied.
ChildProcess start_twin(const TestMesh& mesh, const fs::path& copy) {
  Launch launch;
  launch.words = {
      PIXMESH_PROGRAM,          "node", "run", "--data", (copy / "images").string(), "--state",
      (copy / "state").string()};
  for (const char* flag : {"--listen", "--bulk-listen"}) {
    launch.words.insert(launch.words.end(), {flag, "127.0.0.1:" + std::to_string(free_port())});
  }
  if (!sandbox_works()) launch.words.insert(launch.words.end(), {"--sandbox", "off"});
  launch.output = launch.errors = mesh.folder() / "twin.log";
  return ChildProcess(launch);
}

bool says(const fs::path& log, std::string_view words) {
  return text_of_file(log).find(words) != std::string::npos;
}

}  // namespace

TEST_SUITE("faults") {
  TEST_CASE("identities: of two processes that use one, one ends and says so; nothing is lost") {
    constexpr const char* reason = "another process uses this identity";
    TestMesh mesh;
    const fs::path file = random_file(200'000, 1);
    for (int i = 0; i < 5; ++i) {
      mesh.must({"put", file.string(), "--name", "a" + std::to_string(i), "--wait", "all"});
    }
    const fs::path copy = copy_of_stopped(mesh, 2);
    mesh.restart_node(2);
    mesh.wait_calm();
    {
      ChildProcess twin = start_twin(mesh, copy);
      REQUIRE(becomes_true(60s, [&] { return !twin.running() || !mesh.running(2); }));
      const bool was_twin = !twin.running();
      CHECK((was_twin ? says(mesh.folder() / "twin.log", reason)
                      : mesh.log_of(2).find(reason) != std::string::npos));
      mesh.must({"put", file.string(), "--name", "b"});
    }
    if (!mesh.running(2)) mesh.restart_node(2);
    mesh.wait_calm();

    CHECK(mesh.json({"status"})["totals"]["copies"] == 18);
    for (std::size_t node = 0; node < 3; ++node) {
      for (const char* name : {"a0", "a4", "b"}) CHECK(mesh.comes_back(node, name, file));
    }
  }

  TEST_CASE("identities: a whole node put back to an earlier state is told so, and recovers") {
    TestMesh mesh;
    const fs::path file = random_file(200'000, 1);
    mesh.must({"put", file.string(), "--name", "old", "--wait", "all"});
    const fs::path copy = copy_of_stopped(mesh, 2);
    mesh.restart_node(2);
    mesh.wait_calm();
    mesh.must({"rm", "old"});
    mesh.must({"put", file.string(), "--name", "new", "--wait", "all"});
    REQUIRE(mesh.stop_node(2) == 0);
    mesh.restart_node(2);
    mesh.wait_calm();
    CHECK(mesh.log_of(2).find("copies_doubted") == std::string::npos);

    REQUIRE(mesh.stop_node(2) == 0);
    fs::remove_all(root_of(mesh, 2));
    fs::rename(copy, root_of(mesh, 2));
    mesh.restart_node(2);

    CHECK(becomes_true(20s,
                       [&] { return mesh.log_of(2).find("copies_doubted") != std::string::npos; }));
    mesh.wait_calm();
    CHECK(mesh.json({"status"})["totals"]["copies"] == 3);
    for (std::size_t node = 0; node < 3; ++node) {
      CHECK(mesh.comes_back(node, "new", file));
      CHECK(mesh.cli_at(node, {"stat", "old"}).exit == 3);
    }
  }
}

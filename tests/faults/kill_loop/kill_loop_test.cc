#include <doctest/doctest.h>

#include <chrono>
#include <cstdlib>
#include <map>
#include <memory>
#include <sstream>
#include <thread>

#include "register_writer.h"
#include "test_mesh.h"

using namespace pixmesh;

namespace {

namespace fs = std::filesystem;

std::size_t cycles() {
  const char* text = std::getenv("PIXMESH_KILL_CYCLES");
  return text != nullptr ? std::strtoul(text, nullptr, 10) : 20;
}

std::vector<Endpoint> endpoints_of(const TestMesh& mesh) {
  std::vector<Endpoint> all;
  for (std::size_t node = 0; node < mesh.size(); ++node) all.push_back({mesh.address(node)});
  return all;
}

/// Every name through every node.
void check_registers(const TestMesh& mesh, const RegisterWriter& writer) {
  for (std::size_t node = 0; node < mesh.size(); ++node) {
    ClientOptions options;
    options.nodes = {{mesh.address(node)}};
    auto client = Client::connect(options);
    REQUIRE(client);
    for (const auto& [name, kept] : writer.registers()) {
      const Result<Content> found = content_of(*client.value(), name);
      REQUIRE_MESSAGE(found, name << " at node " << node << ": " << found.error().detail);
      const std::string what = found.value() ? to_text(*found.value()) : "nothing";
      CHECK_MESSAGE(kept.allows(found.value()), name << " at node " << node << " holds " << what);
    }
  }
}

/// What the rescue script finds in the folders of two stopped nodes, by name.
std::map<std::string, Digest> rescued_from(TestMesh& mesh) {
  Launch launch;
  launch.words = {"perl", PIXMESH_RESCUE, mesh.storage_of(0).string(), mesh.storage_of(1).string()};
  launch.output = mesh.folder() / "rescued";
  launch.errors = mesh.folder() / "rescue.err";
  ChildProcess rescue(launch);
  CHECK(rescue.wait(120s) == 0);
  CHECK(text_of_file(launch.errors).empty());
  std::map<std::string, Digest> found;
  std::istringstream lines(text_of_file(launch.output));
  for (std::string state, path, name;
       lines >> state >> path && std::getline(lines >> std::ws, name);) {
    CHECK_MESSAGE(state == "ok", name << ": " << state);
    const fs::path file(path);
    const std::string digest = file.parent_path().parent_path().filename().string() +
                               file.parent_path().filename().string() + file.stem().string();
    REQUIRE(parse_id(digest, found[name]));
  }
  return found;
}

}  // namespace

TEST_SUITE("kill_loop") {
  TEST_CASE("kill loop: what was acknowledged survives kill -9 of node after node under load") {
    TestMesh mesh;
    std::vector<std::unique_ptr<RegisterWriter>> writers;
    for (std::uint64_t i = 0; i < 3; ++i) {
      writers.push_back(std::make_unique<RegisterWriter>("writer" + std::to_string(i) + "/",
                                                         endpoints_of(mesh), 100 + i));
    }
    Rng chance(7);
    for (std::size_t cycle = 0; cycle < cycles(); ++cycle) {
      std::this_thread::sleep_for(std::chrono::milliseconds(200 + chance.below(800)));
      const std::size_t victim = chance.below(mesh.size());
      mesh.kill_node(victim);
      // Every tenth time all die: a power cut without a power cut.
      const bool all = cycle % 10 == 9;
      for (std::size_t node = 0; all && node < mesh.size(); ++node) {
        if (node != victim) mesh.kill_node(node);
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(chance.below(1'500)));
      for (std::size_t node = 0; node < mesh.size(); ++node) {
        if (!mesh.running(node)) mesh.restart_node(node);
      }
      if (cycle % 5 == 4) mesh.wait_calm();
    }
    std::uint64_t acknowledged = 0;
    std::uint64_t unknown = 0;
    for (const auto& writer : writers) {
      writer->stop();
      acknowledged += writer->acknowledged();
      unknown += writer->unknown();
      for (const std::string& finding : writer->findings()) FAIL_CHECK(finding);
    }
    mesh.wait_calm();
    for (const auto& writer : writers) check_registers(mesh, *writer);
    CHECK(acknowledged > 5 * cycles());
    // What a kill broke off is given up after 20 s of silence, and a peer's after 30 s.
    CHECK(becomes_true(35s, [&] { return mesh.temp_files() == 0; }));

    for (std::size_t node = 0; node < mesh.size(); ++node) CHECK(mesh.stop_node(node) == 0);
    const std::map<std::string, Digest> rescued = rescued_from(mesh);
    for (const auto& writer : writers) {
      for (const auto& [name, kept] : writer->registers()) {
        const auto found = rescued.find(name);
        CHECK(kept.allows(found == rescued.end() ? Content() : Content(found->second)));
      }
    }
    MESSAGE(cycles() << " kills, " << acknowledged << " acknowledged writes, " << unknown
                     << " of unknown outcome");
  }
}

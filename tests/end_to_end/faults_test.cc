#include <doctest/doctest.h>
#include <signal.h>

#include <algorithm>
#include <cstdio>

#include "pictures.h"
#include "test_mesh.h"

using namespace pixmesh;

namespace {

namespace fs = std::filesystem;

constexpr const char* slow_recipe = R"toml([recipe.slow]
summary = "Take two seconds"
argv    = ["perl", "-e", "sleep 2; print qq(done)", "{in}"]
output  = "txt"
stdout  = true
)toml";

/// One get and one run at nodes that live. @returns how long both took.
Duration get_and_run(TestMesh& mesh, const std::vector<std::size_t>& nodes, std::size_t round,
                     const std::string& name) {
  const std::size_t node = nodes.at(round % nodes.size());
  const std::string out = (mesh.folder() / "out.jpg").string();
  const ProcessAnswer got = mesh.cli_at(node, {"get", name, "-o", out});
  CHECK_MESSAGE(got.exit == 0, "get at node " << node << ": " << got.err);
  const ProcessAnswer ran =
      mesh.cli_at(node, {"run", "thumbnail", name, "width=200", "height=200", "-o", out});
  CHECK_MESSAGE(ran.exit == 0, "run at node " << node << ": " << ran.err);
  return std::max(got.took, ran.took);
}

}  // namespace

TEST_SUITE("faults") {
  TEST_CASE("faults: a run whose node is killed is answered by another holder") {
    TempFolder recipes;
    write_file(recipes.path() / "recipes.toml", slow_recipe);
    MeshOptions options;
    options.node_words = {"--recipes", (recipes.path() / "recipes.toml").string(), "--native",
                          "off"};  // a node's only children are its tools
    TestMesh mesh(options);
    mesh.must({"put", random_file(100'000, 9).string(), "--name", "input", "--wait", "all"});

    Launch launch;
    launch.words = mesh.words_at(0, {PIXMESH_PROGRAM, "run", "slow", "input", "-o", "-", "--json"});
    launch.output = mesh.folder() / "run.out";
    launch.errors = mesh.folder() / "run.err";
    ChildProcess run(launch);
    std::size_t victim = 0;
    std::vector<pid_t> tools;
    REQUIRE(becomes_true(10s, [&] {
      for (victim = 0; victim < mesh.size(); ++victim) {
        tools = children_of(mesh.pid(victim));
        if (!tools.empty()) return true;
      }
      return false;
    }));
    mesh.kill_node(victim);

    CHECK(run.wait(30s) == 0);
    CHECK(text_of_file(launch.output) == "done");
    const std::vector<Json> told = json_lines(text_of_file(launch.errors));
    REQUIRE(!told.empty());
    CHECK(mesh.node_at(told.back()["address"]) != victim);
    // The tool of the dead node ends with it.
    CHECK(becomes_true(5s, [&] { return ::kill(tools.front(), 0) != 0; }));
  }

  TEST_CASE("faults: a run whose node is killed and there again at once is begun again") {
    TempFolder recipes;
    write_file(recipes.path() / "recipes.toml", slow_recipe);
    MeshOptions options;
    options.nodes = 1;
    options.node_words = {"--recipes", (recipes.path() / "recipes.toml").string(), "--native",
                          "off"};  // a node's only children are its tools
    TestMesh mesh(options);
    mesh.must({"put", random_file(100'000, 9).string(), "--name", "input"});

    Launch launch;
    launch.words =
        mesh.words_at(0, {PIXMESH_PROGRAM, "run", "slow", "input", "-o", "-", "--timeout", "60s"});
    launch.output = mesh.folder() / "run.out";
    launch.errors = mesh.folder() / "run.err";
    ChildProcess run(launch);
    REQUIRE(becomes_true(10s, [&] { return !children_of(mesh.pid(0)).empty(); }));
    mesh.kill_node(0);
    mesh.restart_node(0);

    const auto end = run.wait(20s);
    CHECK_MESSAGE(end == 0, text_of_file(launch.errors));
    CHECK(text_of_file(mesh.folder() / "run.out") == "done");
  }

  TEST_CASE("faults: right after a kill no get and no run fails or takes long") {
    TestMesh mesh;
    const fs::path file = picture("jpg", 1);
    for (int number = 0; number < 10; ++number) {
      mesh.must({"put", file.string(), "--name", "n" + std::to_string(number), "--wait", "all"});
    }
    Duration usual{};
    for (std::size_t round = 0; round < 5; ++round) {
      usual = std::max(usual, get_and_run(mesh, {0, 1}, round, "n" + std::to_string(round)));
    }

    mesh.kill_node(2);
    Duration longest{};
    for (std::size_t round = 0; round < 10; ++round) {
      longest = std::max(longest, get_and_run(mesh, {0, 1}, round, "n" + std::to_string(round)));
    }

    std::printf("  a get or a run takes %.2f s at most, after a kill %.2f s\n", seconds(usual),
                seconds(longest));
    CHECK(longest < usual + 4s);  // the goal is 2 s; this is no benchmark
  }

  TEST_CASE("faults: a put with two dead holders fails and names them") {
    TestMesh mesh;
    mesh.must({"put", random_file(100'000, 9).string(), "--name", "before", "--wait", "all"});
    mesh.kill_node(1);
    mesh.kill_node(2);

    // Before it believes them dead it says who did not get ready.
    const ProcessAnswer early =
        mesh.cli({"put", random_file(100'000, 11).string(), "--name", "early", "--timeout", "3s"});
    CHECK_MESSAGE((early.exit == 5 || early.exit == 8), early.err);
    REQUIRE(becomes_true(60s, [&] {  // one that is left alone takes itself for the sick one first
      std::size_t dead = 0;
      const Json seen = mesh.json({"status"});
      for (const Json& node : seen["nodes"]) {
        dead += node["member"]["life"] == "dead" ? 1 : 0;
      }
      return dead == 2;
    }));
    const ProcessAnswer put =
        mesh.cli({"put", random_file(100'000, 10).string(), "--name", "after", "--timeout", "20s"});
    const ProcessAnswer got = mesh.cli({"get", "before", "-o", "got"});
    const ProcessAnswer strict = mesh.cli({"get", "before", "--strict", "-o", "strict"});

    check_says(put, 5, {});
    const Json status = mesh.json({"status"});
    for (const Json& node : status["nodes"]) {
      const bool named = put.err.find(std::string(node["node"])) != std::string::npos;
      CHECK_MESSAGE(named == (node["address"] != mesh.address(0)), put.err);
    }
    CHECK_MESSAGE(put.err.find("pixmesh node forget ") != std::string::npos, put.err);
    CHECK_MESSAGE(got.exit == 0, got.err);
    check_says(got, 0, {"--strict"});
    check_says(strict, 5, {});
    CHECK_FALSE(fs::exists(mesh.folder() / "strict"));
  }

  TEST_CASE("faults: after all nodes were killed a restart has every image, without --join") {
    TestMesh mesh;
    std::vector<fs::path> files;
    for (int number = 0; number < 6; ++number) files.push_back(random_file(1'000'003, 20 + number));
    for (std::size_t at = 0; at < files.size(); ++at) {
      mesh.must({"put", files[at].string(), "--name", "kept-" + std::to_string(at)});
    }

    for (std::size_t node = 0; node < mesh.size(); ++node) mesh.kill_node(node);
    for (std::size_t node = 0; node < mesh.size(); ++node) mesh.restart_node(node);
    mesh.wait_calm();

    for (std::size_t at = 0; at < files.size(); ++at) {
      for (std::size_t node = 0; node < mesh.size(); ++node) {
        CHECK(mesh.comes_back(node, "kept-" + std::to_string(at), files[at]));
      }
    }
    CHECK(mesh.json({"status"})["totals"]["copies"] == 3 * files.size());
  }

  TEST_CASE("faults: an index that an operator has rebuilt has all that the files have") {
    TestMesh mesh;
    const fs::path file = random_file(1'000'003, 20);
    for (int number = 0; number < 4; ++number) {
      mesh.must({"put", file.string(), "--name", "kept-" + std::to_string(number)});
    }
    mesh.must({"rm", "kept-3"});
    mesh.wait_calm();
    const Words rebuild{"node", "rebuild-index", "--data", mesh.storage_of(2).string()};
    check_says(run_pixmesh(rebuild, mesh.folder()), 7, {"a node runs in", "stop it before"});

    CHECK(mesh.stop_node(2) == 0);
    CHECK(run_pixmesh(rebuild, mesh.folder()).exit == 0);
    mesh.restart_node(2);
    mesh.wait_calm();

    CHECK(mesh.log_of(2).find("records_restored=4 ") != std::string::npos);
    CHECK(mesh.json({"status"})["totals"]["copies"] == 9);
    for (int number = 0; number < 3; ++number) {
      CHECK(mesh.comes_back(2, "kept-" + std::to_string(number), file));
    }
    CHECK(mesh.cli_at(2, {"stat", "kept-3"}).exit == 3);
  }

  TEST_CASE("faults: SIGTERM ends a node with 0, and what was written meanwhile reaches it") {
    TestMesh mesh;
    const fs::path file = random_file(3'000'000, 11);

    CHECK(mesh.stop_node(1) == 0);
    mesh.must({"put", file.string(), "--name", "meanwhile"});
    mesh.restart_node(1);
    mesh.wait_calm();

    CHECK(mesh.comes_back(1, "meanwhile", file));
    CHECK(mesh.json({"status"})["totals"]["copies"] == 3);
  }
}

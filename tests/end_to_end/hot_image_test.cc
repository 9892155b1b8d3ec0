// An image that more people want than its holders can serve, with real processes.
#include <doctest/doctest.h>

#include <set>
#include <thread>

#include "pictures.h"
#include "test_mesh.h"

using namespace pixmesh;

namespace {

const std::string recipe_text = R"(
[recipe.digest]
argv   = ["sh", "-c", "sleep 1; b2sum -l 256 < $0 > $1", "{in}", "{out}"]
output = "txt"
)";

/// What a run said, and what it gave.
struct Answered {
  Json said;
  std::string text;
};

/// Forced runs that begin one after the other, all through node 0.
std::vector<Answered> stream_of_runs(TestMesh& mesh, std::size_t count) {
  std::vector<ChildProcess> all;
  const auto file = [&](const std::string& kind, std::size_t i) {
    return mesh.folder() / (kind + std::to_string(i));
  };
  for (std::size_t i = 0; i < count; ++i) {
    Launch launch;
    launch.words = mesh.words_at(0, {PIXMESH_PROGRAM, "--json", "run", "digest", "a.jpg", "--force",
                                     "-o", file("out-", i).string()});
    launch.output = file("said-", i);
    launch.errors = mesh.folder() / "errors";
    all.emplace_back(launch);
    // Nobody waits for anything here: this is the rate at which people come.
    std::this_thread::sleep_for(100ms);
  }
  std::vector<Answered> answers;
  for (std::size_t i = 0; i < count; ++i) {
    CHECK_MESSAGE(all[i].wait(60s) == 0, text_of_file(mesh.folder() / "errors"));
    answers.push_back(
        {json_lines(text_of_file(file("said-", i))).back(), text_of_file(file("out-", i))});
  }
  return answers;
}

}  // namespace

TEST_SUITE("results") {
  TEST_CASE("hot image: others help its busy holders, with the same bytes, and forget it later") {
    MeshOptions options;
    options.nodes = 5;
    TempFolder folder;
    write_file(folder.path() / "recipes.toml", recipe_text);
    options.node_words = {"--workers", "1", "--recipes", (folder.path() / "recipes.toml").string()};
    TestMesh mesh(options);
    const std::filesystem::path image = random_file(3'000'000, 9);
    mesh.must({"put", image.string(), "--name", "a.jpg", "--wait", "all"});
    std::set<std::string> holders;
    const Json where = mesh.json({"where", "a.jpg"});
    for (const Json& holder : where["holders"]) holders.insert(holder["node"].get<std::string>());
    REQUIRE(holders.size() == 3);

    const std::vector<Answered> answers = stream_of_runs(mesh, 60);

    std::size_t helped = 0;
    for (const Answered& one : answers) {
      CHECK(one.text.substr(0, 64) == b2sum_of(image));
      helped += holders.contains(one.said["node"].get<std::string>()) ? 0 : 1;
    }
    CHECK(helped > 5);
    const Json after = mesh.json({"where", "a.jpg"});
    CHECK(after["holders"] == where["holders"]);  // a borrowed copy is no replica
    CHECK(becomes_true(60s, [&] { return mesh.temp_files() == 0; }));
  }
}

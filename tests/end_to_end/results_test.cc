// Results that are kept, shared and dropped, with real processes.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "pictures.h"
#include "test_mesh.h"

using namespace pixmesh;

namespace {

namespace fs = std::filesystem;

/// Each run of 'unique' gives another text, so that the texts tell how many runs there were.
const std::string recipes_text = R"(
[recipe.unique]
argv   = ["sh", "-c", "sleep $2; cat /proc/sys/kernel/random/uuid > $1", "sh", "{out}",
          "{pause}", "{in}"]
output = "txt"
[recipe.unique.param]
pause  = { type = "int", min = 0, max = 30, default = 0 }
[recipe.dies]
argv   = ["sh", "-c", "echo $$ is my number >&2; kill -SEGV $$", "sh", "{in}", "{out}"]
output = "txt"
)";

struct Rig {
  explicit Rig(Words more = {}) {
    write_file(folder.path() / "recipes.toml", recipes_text);
    MeshOptions options;
    options.node_words = {"--recipes", (folder.path() / "recipes.toml").string()};
    options.place = [](std::size_t) { return without_sandbox(); };  // tools look at files outside
    options.node_words.insert(options.node_words.end(), more.begin(), more.end());
    mesh = std::make_unique<TestMesh>(std::move(options));
    put("a.jpg", "some bytes");
    wait_for_fingerprints();
  }

  void put(const std::string& name, const std::string& bytes) {
    write_file(folder.path() / "input", bytes);
    mesh->must({"put", (folder.path() / "input").string(), "--name", name, "--wait", "all"});
  }
  /// Tools are looked at while the nodes run already.
  void wait_for_fingerprints() {
    for (std::size_t node = 0; node < mesh->size(); ++node) {
      REQUIRE(becomes_true(30s, [&] {
        return mesh->json_at(node, {"recipe", "show", "unique"})["fingerprint"] != "";
      }));
    }
  }
  Json run(const std::string& name, const Words& more = {}) {
    Words words{"run", "unique", name, "-o", (folder.path() / "out.txt").string()};
    words.insert(words.end(), more.begin(), more.end());
    return mesh->json(std::move(words));
  }
  [[nodiscard]] std::string text() const { return text_of_file(folder.path() / "out.txt"); }

  /// Starts so many commands that want the same, through the first `nodes` nodes in turn.
  std::vector<ChildProcess> crowd(std::size_t count, int pause, std::size_t nodes,
                                  std::size_t first_node) {
    fs::create_directories(folder.path() / "crowd");
    std::vector<ChildProcess> all;
    for (std::size_t i = 0; i < count; ++i) {
      Launch launch;
      const fs::path out = folder.path() / "crowd" / std::to_string(i);
      launch.words = mesh->words_at(first_node + i % nodes,
                                    {PIXMESH_PROGRAM, "run", "unique", "a.jpg",
                                     "pause=" + std::to_string(pause), "-o", out.string()});
      launch.errors = folder.path() / "crowd-errors";
      all.emplace_back(launch);
    }
    return all;
  }
  /// What they all got.
  std::set<std::string> texts_of(std::vector<ChildProcess>& crowd) {
    std::set<std::string> texts;
    for (std::size_t i = 0; i < crowd.size(); ++i) {
      const auto end = crowd[i].wait(60s);
      CHECK_MESSAGE(end == 0, text_of_file(folder.path() / "crowd-errors"));
      texts.insert(text_of_file(folder.path() / "crowd" / std::to_string(i)));
    }
    return texts;
  }
  std::uint64_t sum(const char* what) {
    std::uint64_t all = 0;
    const Json status = mesh->json({"status"});
    for (const Json& node : status["nodes"]) {
      all += node["results"][what].get<std::uint64_t>();
    }
    return all;
  }
  /// Files of kept results on this node.
  [[nodiscard]] std::vector<fs::path> kept_on(std::size_t node) const {
    std::vector<fs::path> files;
    std::error_code none;
    const fs::path folder_of_node = mesh->storage_of(node) / "results";
    for (const auto& entry : fs::recursive_directory_iterator(folder_of_node, none)) {
      if (entry.path().extension() == ".txt") files.push_back(entry.path());
    }
    return files;
  }

  TempFolder folder;
  std::unique_ptr<TestMesh> mesh;
};

}  // namespace

TEST_SUITE("results") {
  TEST_CASE("results: many who want the same at one time get the result of one run") {
    Rig rig;
    auto crowd = rig.crowd(60, 3, 3, 0);

    CHECK(rig.texts_of(crowd).size() == 1);
  }

  TEST_CASE("results: when the node that runs it is killed, one other run serves them all") {
    Rig rig;
    auto crowd = rig.crowd(40, 15, 3, 0);
    const auto runner = [&]() -> std::optional<std::size_t> {
      for (std::size_t node = 0; node < 3; ++node) {
        const Json status = rig.mesh->json_at(node, {"status"});
        for (const Json& one : status["nodes"]) {
          if (one["running"] > 0) return rig.mesh->node_at(one["address"]);
        }
      }
      return std::nullopt;
    };
    std::optional<std::size_t> leader;
    REQUIRE(becomes_true(20s, [&] { return (leader = runner()).has_value(); }));
    REQUIRE(becomes_true(20s, [&] { return rig.sum("joined") == 39; }));

    rig.mesh->kill_node(*leader);

    CHECK(rig.texts_of(crowd).size() == 1);
  }

  TEST_CASE("results: a kept result tells where it comes from, and outlives all nodes") {
    Rig rig;
    const Json first = rig.run("a.jpg");
    const std::string text = rig.text();
    CHECK(first["result"] == "made");
    CHECK(first["argv"][0] == "sh");
    CHECK(first["source"] == b2sum_of(rig.folder.path() / "input"));
    REQUIRE(becomes_true(10s, [&] { return rig.run("a.jpg")["cached"] == true; }));

    for (std::size_t node = 0; node < 3; ++node) REQUIRE(rig.mesh->stop_node(node) == 0);
    for (std::size_t node = 0; node < 3; ++node) rig.mesh->restart_node(node);
    rig.mesh->wait_calm();
    rig.wait_for_fingerprints();
    const Json again = rig.run("a.jpg");

    CHECK(rig.text() == text);
    CHECK(again["result"] == "kept");
    CHECK(again["key"] == first["key"]);
    CHECK(again["made_by"] == first["node"]);
    CHECK(again["made_at_micros"] == first["made_at_micros"]);
    CHECK(again["wall_micros"] == first["wall_micros"]);
    CHECK(rig.run("a.jpg", {"pause=1"})["key"] != first["key"]);
  }

  TEST_CASE("results: a replaced image gives a new result, a removed one none") {
    Rig rig;
    (void)rig.run("a.jpg");
    const std::string old_text = rig.text();

    rig.put("a.jpg", "other bytes");
    CHECK(rig.run("a.jpg")["result"] == "made");
    CHECK(rig.text() != old_text);

    rig.mesh->must({"rm", "a.jpg"});
    CHECK(rig.mesh->cli({"run", "unique", "a.jpg", "-o", "-"}).exit == 3);
  }

  TEST_CASE("results: a damaged file of a kept result is never given out") {
    Rig rig;
    const Json first = rig.run("a.jpg");
    REQUIRE(becomes_true(10s, [&] { return rig.run("a.jpg")["cached"] == true; }));
    const std::string text = rig.text();
    const std::size_t node = rig.mesh->node_at(first["address"]);
    std::size_t damaged = 0;
    for (const fs::path& file : rig.kept_on(node)) {
      std::string bytes = text_of_file(file);
      if (bytes != text) continue;
      bytes[7] ^= 1;
      write_file(file, bytes);
      ++damaged;
    }
    REQUIRE(damaged == 1);
    CHECK(rig.run("a.jpg")["result"] == "kept");  // small, asked for a moment ago: in memory
    CHECK(rig.text() == text);
    REQUIRE(rig.mesh->stop_node(node) == 0);
    rig.mesh->restart_node(node);
    rig.mesh->wait_calm();
    rig.wait_for_fingerprints();

    const Json again = rig.run("a.jpg");

    CHECK(again["result"] == "made");
    CHECK(rig.text() != text);
    CHECK(rig.text().size() == text.size());
  }

  TEST_CASE("results: --force runs the tool anew and keeps what it gave") {
    Rig rig;
    (void)rig.run("a.jpg");
    const std::string text = rig.text();

    CHECK(rig.run("a.jpg", {"--force"})["result"] == "made");
    const std::string forced = rig.text();
    CHECK(forced != text);

    REQUIRE(becomes_true(10s, [&] { return rig.run("a.jpg")["cached"] == true; }));
  }

  TEST_CASE("results: purge drops what was made of an image on every node, and names silent ones") {
    Rig rig;
    rig.put("b.jpg", "bytes of b");
    (void)rig.run("a.jpg");
    (void)rig.run("a.jpg", {"pause=1"});
    (void)rig.run("b.jpg");
    REQUIRE(becomes_true(10s, [&] {
      return rig.run("a.jpg")["cached"] == true && rig.run("a.jpg", {"pause=1"})["cached"] == true;
    }));

    const Json purged = rig.mesh->json({"purge", "a.jpg"});

    CHECK(purged["dropped"] == 2);
    CHECK(purged["not_reached"].empty());
    CHECK(rig.run("a.jpg")["result"] == "made");
    CHECK(rig.run("b.jpg")["result"] == "kept");
    CHECK(rig.mesh->cli({"purge", "nothing.jpg"}).exit == 3);
    CHECK(rig.mesh->json({"purge", "--prefix", "b"})["dropped"] == 1);
    rig.mesh->kill_node(2);
    const ProcessAnswer partly = rig.mesh->cli({"purge", "a.jpg"});
    CHECK(partly.exit == 4);
    CHECK(partly.err.find(rig.mesh->address(2)) != std::string::npos);
  }

  TEST_CASE("results: what was made of deleted images and earlier versions goes with their names") {
    Rig rig;
    const auto kept = [&] {
      std::size_t files = 0;
      for (std::size_t node = 0; node < 3; ++node) files += rig.kept_on(node).size();
      return files;
    };
    const auto is_kept = [&](const std::string& name) {
      return becomes_true(10s, [&] { return rig.run(name)["cached"] == true; });
    };
    REQUIRE(is_kept("a.jpg"));
    rig.put("a.jpg", "the second version");
    REQUIRE(is_kept("a.jpg"));
    const std::size_t of_two = kept();

    CHECK(rig.mesh->json({"purge", "a.jpg"})["dropped"] == 2);
    CHECK(becomes_true(10s, [&] { return kept() == 0; }));
    REQUIRE(of_two > 0);
    REQUIRE(is_kept("a.jpg"));
    rig.put("a.jpg", "the third version");
    REQUIRE(is_kept("a.jpg"));
    REQUIRE(kept() > 0);

    rig.mesh->must({"rm", "a.jpg"});

    CHECK(becomes_true(10s, [&] { return kept() == 0; }));
    CHECK(rig.mesh->cli({"purge", "a.jpg"}).exit == 3);
  }

  TEST_CASE("results: a tool that crashed twice on an image is refused with its own words") {
    Rig rig;
    const auto tried = [&](const Words& more = {}) {
      Words words{"run", "dies", "a.jpg", "-o", "-"};
      words.insert(words.end(), more.begin(), more.end());
      return rig.mesh->cli(std::move(words));
    };
    check_says(tried(), 10, {"killed by signal 11", "is my number"});
    const ProcessAnswer second = tried();
    check_says(second, 10, {"killed by signal 11", "is my number"});

    const ProcessAnswer third = tried();

    check_says(third, 10, {"crashed twice", "--force", "is my number"});
    const std::string words = second.err.substr(second.err.find("is my number") - 8, 20);
    CHECK(third.err.find(words) != std::string::npos);  // the process of the second try
    const ProcessAnswer forced = tried({"--force"});
    check_says(forced, 10, {"is my number"});
    CHECK(forced.err.find("crashed twice") == std::string::npos);
  }

  TEST_CASE("results: a node with --result-cache 0 keeps none") {
    Rig rig({"--result-cache", "0"});
    (void)rig.run("a.jpg");

    CHECK(rig.run("a.jpg")["result"] == "made");
    for (std::size_t node = 0; node < 3; ++node) CHECK(rig.kept_on(node).empty());
    CHECK(rig.sum("quota") == 0);
  }
}

#include <doctest/doctest.h>
#include <signal.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "image_bytes.h"
#include "pictures.h"
#include "test_mesh.h"

using namespace pixmesh;

namespace {

namespace fs = std::filesystem;

/// `pace` takes a while and gives back what it got; `moody` fails on images that say so.
constexpr const char* recipes_text = R"toml([recipe.pace]
argv   = ["perl", "-e", "sleep 1; local $/; print <STDIN>;"]
output = "png"
stdin  = true
stdout = true
accepts = ["png"]

[recipe.moody]
argv   = ["perl", "-e", """local $/; $_ = <STDIN>;
die qq(bad mood\n) if /MOODY/ && !-e q(@FLAG@); print $_;"""]
output = "png"
stdin  = true
stdout = true
accepts = ["png"]
)toml";

/// Three nodes with these recipes, and small images.
class BatchMesh {
 public:
  BatchMesh() : mesh_(options()) {}
  TestMesh& mesh() { return mesh_; }
  [[nodiscard]] fs::path results() const { return mesh_.folder() / "results"; }
  [[nodiscard]] fs::path flag() const { return folder_.path() / "flag"; }

  void store(const std::string& name, const std::string& more = "") {
    const std::string bytes(text_of(test::png_bytes({.width = 30, .height = 20})));
    write_file(mesh_.folder() / "image.png", bytes + name + more);
    mesh_.must({"put", (mesh_.folder() / "image.png").string(), "--name", name, "--wait", "all"});
  }
  ProcessAnswer map(const Words& words) {
    Words all{"map"};
    all.insert(all.end(), words.begin(), words.end());
    return mesh_.cli(all, 120s);
  }
  [[nodiscard]] std::vector<Json> journal() const {
    return json_lines(text_of_file(results() / ".pixmesh-map.jsonl"));
  }

 private:
  MeshOptions options() {
    std::string text = recipes_text;
    text.replace(text.find("@FLAG@"), 6, flag().string());
    write_file(folder_.path() / "recipes.toml", text);
    MeshOptions made;
    made.node_words = {"--recipes", (folder_.path() / "recipes.toml").string()};
    made.place = [](std::size_t) { return without_sandbox(); };  // tools look at a file outside
    return made;
  }

  TempFolder folder_;
  TestMesh mesh_;
};

std::set<std::string> files_in(const fs::path& folder) {
  std::set<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_directory()) files.insert(entry.path().lexically_relative(folder).string());
  }
  return files;
}

std::size_t count_done(const fs::path& journal) {
  std::ifstream lines(journal);
  std::size_t count = 0;
  for (std::string line; std::getline(lines, line);) count += line.find("\"done\"") != line.npos;
  return count;
}

}  // namespace

TEST_SUITE("batch") {
  TEST_CASE("map: every image under a prefix gets its result, wherever the names try to lead") {
    BatchMesh batch;
    for (const char* name : {"m/a.png", "m/b/c.png", "m/../../x.png", "m//.hidden", "m/a.png/d",
                             "m/a.png.moody.png/e", "m/A.png"}) {
      batch.store(name);
    }
    batch.store("other.png");

    const ProcessAnswer answer =
        batch.map({"moody", "--prefix", "m/", "-o", batch.results().string(), "--json"});

    CHECK_MESSAGE(answer.exit == 0, answer.err);
    const std::vector<Json> told = json_lines(answer.out);
    REQUIRE(told.size() == 7);
    for (const Json& line : told) {
      CHECK(line["schema"] == 1);
      CHECK(line["outcome"] == "done");
      const fs::path file = batch.results() / line["file"].get<std::string>();
      const std::string name = line["name"];
      CHECK(text_of_file(file).find(name) != std::string::npos);
    }
    const std::set<std::string> expected{".pixmesh-map.jsonl",
                                         "m/A.png.moody.png",
                                         "m/a.png.moody.png",
                                         "m/a.png/d.moody.png",
                                         "m/a.png%2Emoody.png/e.moody.png",
                                         "m/b/c.png.moody.png",
                                         "m/%2E./%2E./x.png.moody.png",
                                         "m/%/%2Ehidden.moody.png"};
    CHECK(files_in(batch.results()) == expected);
    CHECK(batch.journal().back()["ended"] == true);
  }

  TEST_CASE("map: a folder that is a link to elsewhere takes no result") {
    BatchMesh batch;
    batch.store("m/a.png");
    fs::create_directories(batch.results());
    fs::create_directories(batch.mesh().folder() / "elsewhere");
    fs::create_directory_symlink(batch.mesh().folder() / "elsewhere", batch.results() / "m");

    const ProcessAnswer answer =
        batch.map({"moody", "--prefix", "m/", "-o", batch.results().string()});

    CHECK(answer.exit == 1);
    CHECK(answer.err.find("in the way") != std::string::npos);
    CHECK(fs::is_empty(batch.mesh().folder() / "elsewhere"));
  }

  TEST_CASE(
      "map: after kill -9 and after Ctrl-C it goes on with what is not done, whole files only") {
    BatchMesh batch;
    constexpr std::size_t images = 24;
    for (std::size_t i = 0; i < images; ++i) batch.store("p/" + std::to_string(i));
    const fs::path journal = batch.results() / ".pixmesh-map.jsonl";
    const Words words{"map",           "pace", "--prefix", "p/", "-o", batch.results().string(),
                      "--concurrency", "4"};
    const auto begin = [&](bool resume) {
      Launch launch;
      launch.words = batch.mesh().words_at(0, words);
      launch.words.insert(launch.words.begin(), PIXMESH_PROGRAM);
      if (resume) launch.words.push_back("--resume");
      launch.errors = batch.mesh().folder() / "map.err";
      return ChildProcess(launch);
    };
    std::size_t done = 0;
    {
      ChildProcess map = begin(false);
      REQUIRE(becomes_true(60s, [&] { return count_done(journal) >= 5; }));
      map.signal(SIGKILL);
      CHECK(map.wait(10s) == 128 + SIGKILL);
      done = count_done(journal);
      CHECK(done < images);
    }
    {
      ChildProcess map = begin(true);
      REQUIRE(becomes_true(60s, [&] { return count_done(journal) >= done + 4; }));
      map.signal(SIGINT);
      CHECK(map.wait(10s) == 130);
      CHECK(text_of_file(batch.mesh().folder() / "map.err").find("--resume") != std::string::npos);
      done = count_done(journal);
      CHECK(done < images);
    }

    Words last = words;
    last.erase(last.begin());
    const ProcessAnswer refused = batch.map(last);
    CHECK(refused.exit == 2);
    CHECK(refused.err.find("--resume") != std::string::npos);
    last.insert(last.end(), {"--resume", "--json"});
    const ProcessAnswer answer = batch.map(last);

    CHECK_MESSAGE(answer.exit == 0, answer.err);
    CHECK(json_lines(answer.out).size() == images - done);
    CHECK(count_done(journal) == images);  // nothing was done twice
    const std::set<std::string> files = files_in(batch.results());
    CHECK(files.size() == images + 1);  // and no part of a file is left
    for (std::size_t i = 0; i < images; ++i) {
      const std::string name = "p/" + std::to_string(i);
      const std::string text = text_of_file(batch.results() / (name + ".pace.png"));
      CHECK(text.ends_with(name));
    }
  }

  TEST_CASE("map: what failed is reported, and --rerun-failed does that alone again") {
    BatchMesh batch;
    batch.store("f/good1");
    batch.store("f/bad", "MOODY");
    batch.store("f/good2");

    const ProcessAnswer first =
        batch.map({"moody", "--prefix", "f/", "-o", batch.results().string(), "--json"});
    CHECK(first.exit == 10);
    CHECK(first.err.find("f/bad") != std::string::npos);
    const std::vector<Json> told = json_lines(first.out);
    const auto bad =
        std::ranges::find_if(told, [](const Json& line) { return line["name"] == "f/bad"; });
    REQUIRE(bad != told.end());
    CHECK((*bad)["error"] == "tool_failed");
    CHECK((*bad)["detail"].get<std::string>().find("bad mood") != std::string::npos);
    // Its record is with the node that ran it.
    const Json why = batch.mesh().json({"why", (*bad)["request"]});
    REQUIRE(!why["runs"].empty());
    CHECK(why["runs"][0]["state"] == "failed");

    const ProcessAnswer still =
        batch.map({"moody", "-o", batch.results().string(), "--rerun-failed", "--json"});
    CHECK(still.exit == 10);
    CHECK(json_lines(still.out).size() == 1);
    write_file(batch.flag(), "cheer up");
    const ProcessAnswer again =
        batch.map({"moody", "-o", batch.results().string(), "--rerun-failed", "--json"});
    CHECK_MESSAGE(again.exit == 0, again.err);
    REQUIRE(json_lines(again.out).size() == 1);
    CHECK(json_lines(again.out)[0]["name"] == "f/bad");
    CHECK(fs::exists(batch.results() / "f/bad.moody.png"));
  }

  TEST_CASE("map: an image that was replaced since is done again, and a result that is gone too") {
    BatchMesh batch;
    for (const char* name : {"r/a", "r/b", "r/c"}) batch.store(name);
    const Words words{"moody", "--prefix", "r/", "-o", batch.results().string()};
    REQUIRE(batch.map(words).exit == 0);
    batch.store("r/b", "anew");
    fs::remove(batch.results() / "r/c.moody.png");

    Words more = words;
    more.insert(more.end(), {"--resume", "--json"});
    const ProcessAnswer answer = batch.map(more);

    std::set<std::string> names;
    for (const Json& line : json_lines(answer.out)) names.insert(line["name"]);
    CHECK(names == std::set<std::string>{"r/b", "r/c"});
    CHECK(text_of_file(batch.results() / "r/b.moody.png").ends_with("anew"));
  }

  TEST_CASE("map: results become images of the mesh, and none takes another's place") {
    BatchMesh batch;
    batch.store("s/a.png");
    batch.store("s/b");
    batch.store("s/b.png");
    const fs::path names = batch.mesh().folder() / "names";
    write_file(names, "s/a.png\ns/nobody\n\ns/a.png\n");

    const ProcessAnswer few =
        batch.map({"moody", "--from", names.string(), "--store", "out/", "--journal",
                   (batch.mesh().folder() / "j1").string(), "--json"});
    CHECK(few.exit == 3);
    CHECK(json_lines(few.out).size() == 2);
    CHECK(batch.mesh().json({"stat", "out/s/a.png"})["name"] == "out/s/a.png");

    const ProcessAnswer all =
        batch.map({"moody", "--prefix", "", "--store", "out/", "--journal",
                   (batch.mesh().folder() / "j2").string(), "--json", "--concurrency", "1"});
    CHECK(all.exit == 2);  // "s/b" and "s/b.png" want one name
    std::size_t failed = 0;
    for (const Json& line : json_lines(all.out)) {
      CHECK(line["name"].get<std::string>().starts_with("s/"));  // no result of the first map
      failed += line["outcome"] == "failed" ? 1 : 0;
    }
    CHECK(failed == 1);
  }

  TEST_CASE("map: while a node is killed and comes back every image is done") {
    BatchMesh batch;
    constexpr std::size_t images = 30;
    for (std::size_t i = 0; i < images; ++i) batch.store("k/" + std::to_string(i));
    Launch launch;
    launch.words = batch.mesh().words_at(
        0, {"map", "pace", "--prefix", "k/", "-o", batch.results().string(), "--json"});
    launch.words.insert(launch.words.begin(), PIXMESH_PROGRAM);
    launch.output = batch.mesh().folder() / "map.out";
    launch.errors = batch.mesh().folder() / "map.err";
    ChildProcess map(launch);
    REQUIRE(
        becomes_true(60s, [&] { return count_done(batch.results() / ".pixmesh-map.jsonl") >= 4; }));
    batch.mesh().kill_node(0);  // the one that was named
    REQUIRE(becomes_true(60s,
                         [&] { return count_done(batch.results() / ".pixmesh-map.jsonl") >= 12; }));
    batch.mesh().restart_node(0);

    CHECK(map.wait(120s) == 0);
    CHECK_MESSAGE(json_lines(text_of_file(launch.output)).size() == images,
                  text_of_file(launch.errors));
    CHECK(files_in(batch.results()).size() == images + 1);
  }

  TEST_CASE("map: what cannot be meant is refused before anything runs") {
    BatchMesh batch;
    batch.store("u/a");
    batch.store("u/b");
    const std::string out = batch.results().string();
    CHECK(batch.map({"moody", "--prefix", "u/"}).exit == 2);
    CHECK(batch.map({"moody", "--prefix", "u/", "-o", out, "--store", "x/"}).exit == 2);
    CHECK(batch.map({"moody", "-o", out}).exit == 2);
    CHECK(batch.map({"moodi", "--prefix", "u/", "-o", out}).exit == 2);
    CHECK(batch.map({"moody", "a=1", "--prefix", "u/", "-o", out}).exit == 2);
    CHECK(batch.map({"moody", "--prefix", "u/", "-o", out, "--resume"}).exit == 2);
    CHECK(files_in(batch.mesh().folder()).count("results/u/a.moody.png") == 0);
    CHECK(batch.map({"moody", "--prefix", "u/", "-o", out, "--limit", "1"}).exit == 0);
    CHECK(batch.map({"moody", "--prefix", "u/", "-o", out, "--limit", "1"}).exit == 2);
    CHECK(batch.map({"moody", "--prefix", "u/", "-o", out, "--resume"}).exit == 0);
    CHECK(fs::exists(batch.results() / "u/b.moody.png"));
  }
}

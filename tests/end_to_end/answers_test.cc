#include <doctest/doctest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>

#include "pictures.h"
#include "test_mesh.h"

using namespace pixmesh;

namespace {

namespace fs = std::filesystem;

/// It has children of its own, as a shell script would.
constexpr const char* long_recipe = R"toml([recipe.long]
argv   = ["perl", "-e", "if (!fork) {{ sleep 600 }} sleep 600", "{in}"]
output = "txt"
stdout = true
)toml";

/// A killed process of which only its parent has not heard yet is gone as well.
bool is_gone(pid_t process) {
  const std::string status = text_of_file("/proc/" + std::to_string(process) + "/status");
  return status.empty() || status.find("State:\tZ") != std::string::npos;
}

/// The command succeeds, and every word stands in what it prints.
void check_prints(TestMesh& mesh, const Words& words, const Words& expected) {
  const std::string out = mesh.must(words);
  for (const std::string& word : expected) CHECK_MESSAGE(out.find(word) != out.npos, word, out);
}

struct LongRun {
  TempFolder recipes;
  std::unique_ptr<TestMesh> mesh;
  std::optional<ChildProcess> client;
  std::size_t node = 0;
  std::vector<pid_t> tools;

  explicit LongRun(std::size_t nodes) {
    write_file(recipes.path() / "recipes.toml", long_recipe);
    MeshOptions options;
    options.nodes = nodes;
    options.node_words = {"--recipes", (recipes.path() / "recipes.toml").string(), "--native",
                          "off"};  // a node's only children are its tools
    mesh = std::make_unique<TestMesh>(options);
    mesh->must({"put", random_file(100'000, 9).string(), "--name", "input", "--wait", "all"});
    Launch launch;
    launch.words = mesh->words_at(0, {PIXMESH_PROGRAM, "run", "long", "input", "-o", "-"});
    launch.output = mesh->folder() / "run.out";
    launch.errors = mesh->folder() / "run.err";
    client.emplace(launch);
    REQUIRE(becomes_true(20s, [&] { return find_tools(); }));
  }

  /// The tool and its child.
  bool find_tools() {
    for (node = 0; node < mesh->size(); ++node) {
      tools = children_of(mesh->pid(node));
      if (tools.empty()) continue;
      for (std::size_t i = 0; i < tools.size(); ++i) {
        const std::vector<pid_t> below = children_of(tools[i]);
        tools.insert(tools.end(), below.begin(), below.end());
      }
      if (tools.size() >= 2) return true;
    }
    return false;
  }
  [[nodiscard]] bool tools_are_gone() const { return std::ranges::all_of(tools, is_gone); }
  /// How long the tools live on after the client got this signal.
  Duration time_to_end(int signal) {
    const auto begun = std::chrono::steady_clock::now();
    client->signal(signal);
    CHECK(becomes_true(20s, [&] { return tools_are_gone(); }));
    return std::chrono::steady_clock::now() - begun;
  }
};

}  // namespace

TEST_SUITE("batch") {
  TEST_CASE("cancel: a tool and its children are gone within a second after kill -9 of the asker") {
    for (int round = 0; round < 3; ++round) {
      LongRun run(round == 0 ? 3 : 1);
      const Duration took = run.time_to_end(SIGKILL);
      MESSAGE("gone after " << seconds(took) << " s");
      CHECK(took < 1s);
    }
  }

  TEST_CASE("cancel: Ctrl-C ends a run with 130, and its tool within a second") {
    LongRun run(3);
    const Duration took = run.time_to_end(SIGINT);
    MESSAGE("gone after " << seconds(took) << " s");
    CHECK(took < 1s);
    CHECK(run.client->wait(5s) == 130);
  }

  TEST_CASE("cancel: a run goes on while its asker is stopped for a while") {
    LongRun run(1);
    run.client->signal(SIGSTOP);
    CHECK_FALSE(becomes_true(3s, [&] { return run.tools_are_gone(); }));
    run.client->signal(SIGCONT);
    CHECK_FALSE(becomes_true(3s, [&] { return run.tools_are_gone(); }));
    CHECK(run.time_to_end(SIGTERM) < 1s);
  }

  TEST_CASE("why: one request's whole way is told, and what failed says whom to ask") {
    TestMesh& mesh = quiet_mesh();
    mesh.must({"put", picture("jpg", 1).string(), "--name", "why.jpg", "--wait", "all"});
    const Json ran =
        mesh.json({"run", "thumbnail", "why.jpg", "-o", (mesh.folder() / "why.out.jpg").string()});

    const Json why = mesh.json({"why", ran["request"]});

    CHECK(why["schema"] == 1);
    REQUIRE(why["routes"].size() == 1);
    const Json& route = why["routes"][0];
    CHECK(route["name"] == "why.jpg");
    CHECK(route["recipe"] == "thumbnail");
    CHECK(route["holders"].size() == 3);
    CHECK(route["decided_micros"].get<std::uint64_t>() > 0);
    CHECK(std::ranges::count_if(route["holders"], [](const Json& holder) {
            return holder["answered"] == true && holder["score_micros"].get<std::uint64_t>() > 0;
          }) >= 1);
    REQUIRE(why["runs"].size() == 1);
    const Json& run = why["runs"][0];
    CHECK(run["node"] == ran["node"]);
    CHECK(run["state"] == "done");
    CHECK(run["run_micros"] == ran["wall_micros"]);
    CHECK(run["output_size"] == ran["output_size"]);
    for (const char* span : {"inspect_micros", "verify_micros", "send_micros", "cpu_micros"}) {
      CAPTURE(span);
      CHECK(run[span].get<std::uint64_t>() > 0);
    }
    check_prints(mesh, {"why", ran["request"]}, {"thumbnail", "why.jpg", "SCORE", "verify"});

    const ProcessAnswer bad = mesh.cli(
        {"run", "crop", "why.jpg", "left=900000", "-o", (mesh.folder() / "bad.jpg").string()});
    CHECK(bad.exit == 10);
    const std::size_t at = bad.err.find("pixmesh why ");
    REQUIRE(at != std::string::npos);
    check_prints(mesh, {"why", bad.err.substr(at + 12, 32)}, {"failed", "crop"});
    check_says(mesh.cli({"why", std::string(32, '0')}), 3, {"no node remembers"});
    check_says(mesh.cli({"why", "what"}), 2, {"no request"});
  }

  TEST_CASE("why: what became of a request is told by nodes that were killed and began anew") {
    TestMesh mesh;
    mesh.must({"put", picture("jpg", 1).string(), "--name", "why.jpg", "--wait", "all"});
    const Json ran =
        mesh.json({"run", "thumbnail", "why.jpg", "-o", (mesh.folder() / "why.out.jpg").string()});
    const Json before = mesh.json({"why", ran["request"]});
    REQUIRE(before["runs"].size() == 1);
    REQUIRE(before["routes"].size() == 1);
    const auto is_written = [&](const std::string& words) {
      for (std::size_t node = 0; node < mesh.size(); ++node) {
        std::error_code none;
        const fs::path folder = mesh.storage_of(node).parent_path() / "state" / "journal";
        for (const auto& file : fs::directory_iterator(folder, none)) {
          if (text_of_file(file.path()).find(words) != std::string::npos) return true;
        }
      }
      return false;
    };
    REQUIRE(becomes_true(10s, [&] { return is_written("done") && is_written("why.jpg"); }));
    for (std::size_t node = 0; node < mesh.size(); ++node) mesh.kill_node(node);
    for (std::size_t node = 0; node < mesh.size(); ++node) mesh.restart_node(node);
    mesh.wait_calm();

    const Json after = mesh.json({"why", ran["request"]});

    REQUIRE(after["runs"].size() == 1);
    REQUIRE(after["routes"].size() == 1);
    for (const char* key : {"node", "recipe", "state", "run_micros", "output_size"}) {
      CAPTURE(key);
      CHECK(after["runs"][0][key] == before["runs"][0][key]);
    }
    for (const char* key : {"node", "name", "lookup_micros", "holders"}) {
      CAPTURE(key);
      CHECK(after["routes"][0][key] == before["routes"][0][key]);
    }
  }

  TEST_CASE("chain: its steps run on one node, and only the last result comes back") {
    TestMesh& mesh = quiet_mesh();
    mesh.must({"put", picture("jpg", 1).string(), "--name", "chain.jpg", "--wait", "all"});
    const fs::path out = mesh.folder() / "chain.out.jpg";

    const Json ran = mesh.json({"run", "thumbnail width=300 height=300 | rotate angle=90 | sharpen",
                                "chain.jpg", "-o", out.string()});

    CHECK(size_of_picture(out) == PictureSize{200, 300});
    const Json why = mesh.json({"why", ran["request"]});
    REQUIRE(why["runs"].size() == 1);
    CHECK(why["runs"][0]["recipe"] == "thumbnail | rotate | sharpen");
    mesh.must({"run", "thumbnail | rotate", "chain.jpg"});
    CHECK(fs::exists(mesh.folder() / "chain.thumbnail+rotate.jpg"));
    CHECK(mesh.must({"run", "thumbnail | rotate", "chain.jpg", "--explain"}).find(" | vips rot ") !=
          std::string::npos);
    check_says(mesh.cli({"run", "info | rotate", "chain.jpg"}), 2, {"'info' makes", "jpeg"});
    check_says(mesh.cli({"run", "thumbnail | nothing", "chain.jpg"}), 2, {"nothing"});
    check_says(mesh.cli({"run", "thumbnail | crop left=90000", "chain.jpg", "-o", "-"}), 10,
               {"the tool failed"});
    for (std::size_t node = 0; node < mesh.size(); ++node) {
      CHECK(becomes_true(10s, [&] { return run_folders_in(mesh.storage_of(node)) == 0; }));
    }
  }

  TEST_CASE("top: once, and as a stream, it tells what the nodes did") {
    TestMesh& mesh = quiet_mesh();
    mesh.must({"put", picture("jpg", 1).string(), "--name", "top.jpg", "--wait", "all"});
    mesh.must({"run", "thumbnail", "top.jpg", "-o", (mesh.folder() / "top.jpg").string()});

    const Json once = mesh.json({"top", "--once", "--every", "200ms"});

    REQUIRE(once["nodes"].size() == 3);
    std::uint64_t finished = 0, cpu = 0, out = 0;
    for (const Json& node : once["nodes"]) {
      finished += node["finished"].get<std::uint64_t>();
      cpu += node["cpu_micros"].get<std::uint64_t>();
      out += node["stream_bytes_out"].get<std::uint64_t>();
    }
    CHECK(finished >= 1);
    CHECK(cpu > 10'000);
    CHECK(out > 1'000);
    check_prints(mesh, {"top", "--once", "--every", "200ms"}, {"RUNNING", "P95", "0/"});

    Launch launch;
    launch.words = mesh.words_at(0, {PIXMESH_PROGRAM, "top", "--json", "--every", "100ms"});
    launch.output = mesh.folder() / "top.out";
    ChildProcess stream(launch);
    CHECK(becomes_true(20s, [&] { return json_lines(text_of_file(launch.output)).size() >= 3; }));
    stream.signal(SIGINT);
    CHECK(stream.wait(5s) == 0);
  }
}

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <thread>

#include "pictures.h"
#include "test_mesh.h"

using namespace pixmesh;

namespace {

namespace fs = std::filesystem;

/// Recipes whose tools do what a hijacked one would. `folder` holds the nodes' folders.
std::string hostile_recipes(const fs::path& folder) {
  return R"toml(
[recipe.hang]
argv   = ["perl", "-e",
          "use POSIX; $SIG{{TERM}} = 'IGNORE'; if (!fork) {{ POSIX::setsid() }} sleep 999"]
output = "txt"
stdin  = true
stdout = true
[recipe.hang.limit]
wall   = "2s"
[recipe.bomb]
argv   = ["perl", "-e", "fork while 1"]
output = "txt"
stdin  = true
stdout = true
[recipe.bomb.limit]
wall   = "2s"
[recipe.flood]
argv   = ["yes"]
output = "txt"
stdin  = true
stdout = true
[recipe.flood.limit]
output = "1MiB"
[recipe.spy]
output = "txt"
stdin  = true
stdout = true
argv   = ["sh", "-c", "ls -R )toml" +
         folder.string() + R"toml( /root /home /proc; kill -9 -1 $PPID; echo end"]
[recipe.vandal]
output = "txt"
stdin  = true
stdout = true
argv   = ["sh", "-c", "touch )toml" +
         (folder / "planted").string() + R"toml( /usr/planted; rm -rf )toml" + folder.string() +
         R"toml(/*; echo end"]
)toml";
}

ProcessAnswer start_without_bubblewrap(const Words& words, const fs::path& folder) {
  Launch launch;
  // A file that is no program lies over it, if it is there at all.
  if (sandbox_works()) {
    launch.words = {"bwrap", "--die-with-parent", "--dev-bind", "/",
                    "/",     "--ro-bind",         "/dev/null",  "/usr/bin/bwrap"};
  }
  launch.words.insert(launch.words.end(), {PIXMESH_PROGRAM, "node", "run"});
  launch.words.insert(launch.words.end(), words.begin(), words.end());
  launch.folder = folder;
  return run_to_end(std::move(launch), folder, 5s);
}

/// Ten children of 60 MB each, which stay until all have it or were killed; and one that stays.
constexpr const char* family_recipes = R"toml(
[recipe.family]
argv   = ["perl", "-e",
          """pipe(my $stay, my $go);
             for (1 .. 10) {{
               pipe(my $read, my $write);
               if (!fork) {{
                 close $go; my $mine = 'x' x 60_000_000;
                 syswrite $write, 'x'; sysread $stay, my $end, 1; exit
               }}
               close $write; push @all, $read
             }}
             $count += sysread $_, my $have, 1 for @all; close $go; print $count"""]
output = "txt"
stdin  = true
stdout = true
[recipe.family.limit]
memory = "200MiB"
[recipe.stays]
argv   = ["perl", "-e", "if (!fork) {{ sleep 600 }} sleep 600"]
output = "txt"
stdin  = true
stdout = true
)toml";

/// A node whose only children are its tools, with those recipes and an image "input".
struct FamilyMesh {
  TempFolder recipes;
  std::unique_ptr<TestMesh> mesh;

  FamilyMesh() {
    write_file(recipes.path() / "recipes.toml", family_recipes);
    MeshOptions options;
    options.nodes = 1;
    options.node_words = {"--recipes", (recipes.path() / "recipes.toml").string(), "--native",
                          "off"};
    mesh = std::make_unique<TestMesh>(options);
    mesh->must({"put", random_file(10'000, 9).string(), "--name", "input"});
  }
  /// The node's tools with all that they have started.
  [[nodiscard]] std::vector<pid_t> tools() const {
    std::vector<pid_t> found = children_of(mesh->pid(0));
    for (std::size_t i = 0; i < found.size(); ++i) {
      const std::vector<pid_t> below = children_of(found[i]);
      found.insert(found.end(), below.begin(), below.end());
    }
    return found;
  }
};

/// The folder of the control group that a node has made for this process; none: it made none.
std::optional<fs::path> group_of(pid_t process) {
  const std::string groups = text_of_file("/proc/" + std::to_string(process) + "/cgroup");
  const std::size_t end = groups.find("\n", groups.find("/pixmesh-run-"));
  if (end == std::string::npos || groups.find("/pixmesh-run-") == std::string::npos) {
    MESSAGE("skipped: this machine lets a node make no control groups");
    return std::nullopt;
  }
  const std::size_t begin = groups.rfind(":", end) + 2;
  const bool memory = groups.rfind(":memory:", end) == begin - 2 - std::string(":memory").size();
  return fs::path(memory ? "/sys/fs/cgroup/memory" : "/sys/fs/cgroup") /
         groups.substr(begin, end - begin);
}

}  // namespace

TEST_SUITE("wrong_input") {
  TEST_CASE("sandbox: tools gone bad harm neither the node nor its folders nor other clients") {
    if (!sandbox_works()) return;
    TempFolder folder;
    write_file(folder.path() / "recipes.toml", hostile_recipes(folder.path()));
    MeshOptions options;
    options.nodes = 1;
    options.root = folder.path();
    options.node_words = {"--recipes", (folder.path() / "recipes.toml").string(),
                          "--workers", "4",
                          "--native",  "off"};
    TestMesh mesh(options);
    const fs::path photo = picture("jpg", 1);
    mesh.must({"put", photo.string(), "--name", "photo.jpg"});
    struct Case {
      std::string recipe;
      int exit;
      std::string said;
    };
    const std::vector<Case> cases{{"hang", 10, "time limit"},
                                  {"bomb", 10, "time limit"},
                                  {"flood", 10, "output limit"},
                                  {"spy", 0, ""},
                                  {"vandal", 0, ""}};
    std::vector<ProcessAnswer> answers(cases.size());

    std::vector<std::thread> clients;
    for (std::size_t i = 0; i < cases.size(); ++i) {
      clients.emplace_back([&, i] {
        answers[i] = mesh.cli_at(0, {"run", cases[i].recipe, "photo.jpg", "-o",
                                     (mesh.folder() / cases[i].recipe).string()});
      });
    }
    const ProcessAnswer innocent = mesh.cli_at(
        0, {"run", "thumbnail", "photo.jpg", "width=90", "-o", (mesh.folder() / "small").string()});
    for (std::thread& client : clients) client.join();

    CHECK_MESSAGE(innocent.exit == 0, innocent.err);
    CHECK(size_of_picture(mesh.folder() / "small").width == 90);
    for (std::size_t i = 0; i < cases.size(); ++i) {
      CAPTURE(cases[i].recipe);
      check_says(answers[i], cases[i].exit, {cases[i].said});
      CHECK(answers[i].took < 20s);
    }
    CHECK(text_of_file(mesh.folder() / "spy") == "end\n");
    CHECK(text_of_file(mesh.folder() / "vandal") == "end\n");
    CHECK_FALSE(fs::exists(folder.path() / "planted"));
    CHECK_FALSE(fs::exists("/usr/planted"));
    CHECK(mesh.running(0));
    CHECK(mesh.comes_back(0, "photo.jpg", photo));
    CHECK(mesh.json({"status"})["nodes"][0]["sandbox"] == "bwrap");
    CHECK(becomes_true(5s, [&] { return children_of(mesh.pid(0)).empty(); }));
  }

  TEST_CASE("sandbox: a node that is killed leaves no tool, and after its next start no group") {
    FamilyMesh rig;
    TestMesh& mesh = *rig.mesh;
    Launch launch;
    launch.words = mesh.words_at(0, {PIXMESH_PROGRAM, "run", "stays", "input", "-o", "-"});
    launch.output = launch.errors = mesh.folder() / "run.out";
    const ChildProcess client(launch);
    const std::size_t whole = sandbox_works() ? 4 : 3;  // bubblewrap, launcher, tool, its child
    REQUIRE(becomes_true(20s, [&] { return rig.tools().size() >= whole; }));
    const std::vector<pid_t> tools = rig.tools();
    const std::optional<fs::path> group = group_of(tools.back());

    mesh.kill_node(0);
    CHECK(becomes_true(1s, [&] {
      return std::ranges::all_of(tools, [](pid_t tool) {
        return text_of_file("/proc/" + std::to_string(tool) + "/cmdline").empty();
      });
    }));
    if (!group) return;
    CHECK(fs::exists(*group));
    mesh.restart_node(0);
    mesh.wait_calm();
    CHECK_FALSE(fs::exists(*group));
  }

  TEST_CASE("sandbox: a tool that forks is held to its memory limit with all its processes") {
    FamilyMesh rig;
    TestMesh& mesh = *rig.mesh;
    if (mesh.cli_at(0, {"doctor"}).out.find("bounds each run") == std::string::npos) {
      MESSAGE("skipped: this machine lets a node make no control group for each run");
      return;
    }
    const ProcessAnswer answer = mesh.cli_at(0, {"run", "family", "input", "-o", "-"});
    check_says(answer, 10, {"asked for more memory than its limit"});
    CHECK(mesh.running(0));
  }

  TEST_CASE("sandbox: a node that can have none does not start, unless told to do without") {
    TempFolder folder;
    const std::string data = (folder.path() / "data").string();
    const std::string port = "127.0.0.1:" + std::to_string(free_port());

    const ProcessAnswer refused =
        start_without_bubblewrap({"--create", "--data", data, "--listen", port}, folder.path());
    const ProcessAnswer runs = start_without_bubblewrap(
        {"--create", "--data", data, "--listen", port, "--sandbox=off"}, folder.path());

    check_says(refused, 1, {"no sandbox for tools works here", "--sandbox=off"});
    if (sandbox_works()) check_says(refused, 1, {"apt install bubblewrap"});
    CHECK(runs.exit == -1);  // it ran until it was stopped
    CHECK(runs.out.find("listens on") != std::string::npos);
  }

  TEST_CASE("sandbox: 'status' says which nodes have none") {
    MeshOptions options;
    options.nodes = 1;
    options.place = [](std::size_t) { return without_sandbox(); };
    TestMesh mesh(options);
    CHECK(mesh.json({"status"})["nodes"][0]["sandbox"] == "off");
    CHECK(mesh.must({"status"}).find("no sandbox") != std::string::npos);
  }
}

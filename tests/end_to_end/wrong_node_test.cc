#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>

#include "test_mesh.h"

using namespace pixmesh;

namespace {

namespace fs = std::filesystem;

std::string local(int port) { return "127.0.0.1:" + std::to_string(port); }

Words node_run(const fs::path& folder, int port, Words more) {
  Words words{"node",     "run",       "--data",        folder.string(),
              "--listen", local(port), "--bulk-listen", local(free_port())};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

ProcessAnswer refused(const fs::path& folder, const Words& words) {
  return run_pixmesh(words, folder, 10s);
}

/// A port that somebody listens on.
class TakenPort {
 public:
  TakenPort() : number_(free_port()), fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(number_));
    REQUIRE(::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(fd_, 1) == 0);
  }
  ~TakenPort() { ::close(fd_); }
  TakenPort(const TakenPort&) = delete;
  TakenPort& operator=(const TakenPort&) = delete;
  [[nodiscard]] int number() const { return number_; }

 private:
  int number_;
  int fd_;
};

ChildProcess start_beside(const fs::path& folder, const Words& words) {
  Launch launch;
  launch.words = {PIXMESH_PROGRAM};
  launch.words.insert(launch.words.end(), words.begin(), words.end());
  launch.output = folder / "node.out";
  launch.errors = folder / "node.err";
  return ChildProcess(launch);
}

bool answers(const fs::path& folder, int port) {
  return run_pixmesh({"status", "--node", local(port), "--timeout", "500ms"}, folder).exit == 0;
}

}  // namespace

TEST_SUITE("wrong_input") {
  TEST_CASE("wrong node: a port that is taken ends it with 1 and is named") {
    TempFolder folder;
    const TakenPort taken;

    check_says(refused(folder.path(), node_run(folder.path() / "d", taken.number(), {"--create"})),
               1, {std::to_string(taken.number())});
    Words bulk = node_run(folder.path() / "e", free_port(), {"--create"});
    bulk.at(7) = local(taken.number());
    check_says(refused(folder.path(), bulk), 1, {std::to_string(taken.number())});
  }

  TEST_CASE("wrong node: one without a mesh waits, says what to type, and ends with 0") {
    TempFolder folder;
    const int port = free_port();
    ChildProcess node = start_beside(folder.path(), node_run(folder.path() / "d", port, {}));

    CHECK(becomes_true(10s, [&] {
      return text_of_file(folder.path() / "node.err").find("--create") != std::string::npos;
    }));
    CHECK(text_of_file(folder.path() / "node.err").find("--join") != std::string::npos);
    check_says(run_pixmesh({"status", "--node", local(port)}, folder.path()), 5,
               {"belongs to no mesh yet", "--create"});
    CHECK(node.running());
    node.signal(SIGTERM);

    CHECK(node.wait(10s) == 0);
  }

  TEST_CASE("wrong node: Ctrl-C ends a node with 0") {
    TempFolder folder;
    const int port = free_port();
    ChildProcess node =
        start_beside(folder.path(), node_run(folder.path() / "d", port, {"--create"}));
    REQUIRE(becomes_true(10s, [&] { return answers(folder.path(), port); }));

    node.signal(SIGINT);

    CHECK(node.wait(10s) == 0);
  }

  TEST_CASE("wrong node: flags that contradict one another or lack something") {
    TempFolder folder;
    const fs::path images = folder.path() / "d";
    const auto run = [&](const Words& more) {
      return refused(folder.path(), node_run(images, free_port(), more));
    };

    check_says(run({"--create", "--join", "127.0.0.1:1"}), 2, {"--create", "--join"});
    check_says(run({"--create", "--replicas", "0"}), 2, {"replicas"});
    check_says(run({"--create", "--write-quorum", "1"}), 2, {"quorum"});
    check_says(run({"--create", "--capacity", "lots"}), 2, {"capacity", "lots"});
    check_says(run({"--create", "--advertise", "nonsense"}), 2, {"advertise", "nonsense"});
    check_says(run({"--craete"}), 2, {"did you mean '--create'"});
    check_says(refused(folder.path(), {"node", "run", "--create"}), 2, {"--data"});
    Words open = node_run(images, free_port(), {"--create"});
    open.at(5) = "0.0.0.0:" + std::to_string(free_port());
    check_says(refused(folder.path(), open), 2, {"--insecure"});
    CHECK_FALSE(fs::exists(images));
  }

  TEST_CASE("wrong node: a folder that another node uses is refused") {
    TestMesh& mesh = quiet_mesh();
    TempFolder folder;
    Words words = node_run(mesh.storage_of(1), free_port(), {"--create"});
    words.insert(words.end(), {"--state", (folder.path() / "state").string()});

    const ProcessAnswer answer = refused(folder.path(), words);

    CHECK(answer.exit > 0);
    check_says(answer, answer.exit, {mesh.storage_of(1).string()});
    CHECK(mesh.running(1));
    CHECK(mesh.json({"status"})["totals"]["nodes"] == 3);
  }

  TEST_CASE("wrong node: one of another mesh stays there, and says so") {
    TestMesh& mesh = quiet_mesh();
    TempFolder folder;
    const int port = free_port();
    const fs::path images = folder.path() / "d";
    ChildProcess founder = start_beside(folder.path(), node_run(images, port, {"--create"}));
    REQUIRE(becomes_true(10s, [&] { return answers(folder.path(), port); }));
    founder.signal(SIGTERM);
    REQUIRE(founder.wait(10s) == 0);
    fs::remove(folder.path() / "node.err");

    ChildProcess node =
        start_beside(folder.path(), node_run(images, port, {"--join", mesh.address(0)}));
    REQUIRE(becomes_true(10s, [&] { return answers(folder.path(), port); }));

    CHECK(text_of_file(folder.path() / "node.err").find("in_a_mesh_already") != std::string::npos);
    CHECK(mesh.json({"status"})["totals"]["nodes"] == 3);
    const ProcessAnswer own =
        run_pixmesh({"status", "--node", local(port), "--json"}, folder.path());
    CHECK(json_lines(own.out).at(0)["totals"]["nodes"] == 1);
  }

  TEST_CASE("wrong node: one that finds nobody to join waits and ends with 0") {
    TempFolder folder;
    const int port = free_port();
    ChildProcess node = start_beside(
        folder.path(), node_run(folder.path() / "d", port, {"--join", local(free_port())}));

    CHECK_FALSE(node.wait(3s).has_value());
    node.signal(SIGTERM);

    CHECK(node.wait(10s) == 0);
  }
}

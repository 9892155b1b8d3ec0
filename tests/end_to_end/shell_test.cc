#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include <array>

#include "pictures.h"
#include "test_mesh.h"

using namespace pixmesh;

namespace {

namespace fs = std::filesystem;

/// What stands behind `--` is the shell's.
Words shell_words(const TestMesh& mesh, const Words& more, const std::string& name = "odd") {
  Words words = mesh.words_at(0, {PIXMESH_PROGRAM, "shell", name});
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

ProcessAnswer shell_at(const TestMesh& mesh, const Words& more, const std::string& name = "odd") {
  Launch launch;
  launch.words = shell_words(mesh, more, name);
  return run_to_end(std::move(launch), mesh.folder(), 30s);
}

/// A mesh of one that holds a file of random bytes as "odd".
struct ShellMesh {
  TestMesh mesh;
  fs::path file = random_file(3'000'000, 11);

  explicit ShellMesh(const Words& more = {}) : mesh(options_with(more)) {
    mesh.must({"put", file.string(), "--name", "odd"});
  }
  static MeshOptions options_with(const Words& more) {
    MeshOptions options;
    options.nodes = 1;
    options.node_words = {"--native", "off"};  // a node's only children are its tools
    options.node_words.insert(options.node_words.end(), more.begin(), more.end());
    return options;
  }

  [[nodiscard]] Launch launch(const Words& words) const {
    Launch launch;
    launch.words = shell_words(mesh, words);
    return launch;
  }
  ProcessAnswer shell(const Words& words, const std::string& typed = {}) {
    Launch started = launch(words);
    started.input = mesh.folder() / "typed";
    write_file(started.input, typed);
    return run_to_end(std::move(started), mesh.folder(), 30s);
  }
  std::string digest() {
    Launch launch;
    launch.words = {"sha256sum", file.string()};
    return run_to_end(std::move(launch), mesh.folder(), 30s).out.substr(0, 64);
  }
  [[nodiscard]] bool has_shell() { return !children_of(mesh.pid(0)).empty(); }
  [[nodiscard]] std::string log() const { return mesh.log_of(0); }
};

/// A terminal with nobody at it but the test.
class OwnTerminal {
 public:
  OwnTerminal() : ours_(::posix_openpt(O_RDWR | O_NOCTTY)) {
    REQUIRE(ours_ >= 0);
    REQUIRE(::grantpt(ours_) == 0);
    REQUIRE(::unlockpt(ours_) == 0);
    theirs_ = ::open(path().c_str(), O_RDWR | O_NOCTTY);
    REQUIRE(theirs_ >= 0);
  }
  ~OwnTerminal() {
    ::close(theirs_);
    ::close(ours_);
  }
  OwnTerminal(const OwnTerminal&) = delete;
  OwnTerminal& operator=(const OwnTerminal&) = delete;

  [[nodiscard]] std::string path() const { return ::ptsname(ours_); }
  void type(const std::string& text) const {
    CHECK(::write(ours_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  void forget() { shown_.clear(); }
  bool shows(const std::string& text) {
    return becomes_true(20s, [&] {
      pollfd ready{ours_, POLLIN, 0};
      std::array<char, 4'096> bytes;
      while (::poll(&ready, 1, 0) > 0) {
        const ssize_t count = ::read(ours_, bytes.data(), bytes.size());
        if (count <= 0) break;
        shown_.append(bytes.data(), static_cast<std::size_t>(count));
      }
      return shown_.find(text) != std::string::npos;
    });
  }
  [[nodiscard]] bool echoes() const {
    termios modes{};
    return ::tcgetattr(theirs_, &modes) == 0 && (modes.c_lflag & (ECHO | ICANON)) != 0;
  }
  [[nodiscard]] const std::string& shown() const { return shown_; }

 private:
  int ours_;
  int theirs_ = -1;
  std::string shown_;
};

ChildProcess client_at(OwnTerminal& terminal, ShellMesh& rig) {
  Launch launch = rig.launch({});
  launch.input = launch.output = launch.errors = terminal.path();
  launch.variables = {"TERM=xterm"};
  terminal.forget();
  ChildProcess client(launch);
  CHECK_MESSAGE(terminal.shows("/job$ "), terminal.shown());
  return client;
}

}  // namespace

TEST_SUITE("operators") {
  TEST_CASE("shell: a command beside an image reads it, gets our input, and tells how it ended") {
    if (!sandbox_works()) return;
    ShellMesh rig;
    const ProcessAnswer summed = rig.shell({"--", "sh", "-c", "sha256sum /job/in.*"});
    CHECK_MESSAGE(summed.exit == 0, summed.err);
    CHECK(summed.out.substr(0, 64) == rig.digest());

    const std::string typed(700'000, 'y');
    const ProcessAnswer copied = rig.shell({"--", "cat"}, typed);
    CHECK_MESSAGE(copied.exit == 0, copied.err);
    CHECK(copied.out == typed);
    const ProcessAnswer whole = rig.shell({"--", "sh", "-c", "cat in.*"});
    CHECK(whole.out == text_of_file(rig.file));

    const ProcessAnswer failed = rig.shell({"--", "sh", "-c", "echo out; echo err >&2; exit 3"});
    CHECK(failed.exit == 10);
    CHECK(failed.out == "out\n");
    CHECK(failed.err.find("err\n") != std::string::npos);
    CHECK(failed.err.find("status 3") != std::string::npos);
    const ProcessAnswer script = rig.shell({}, "echo one\necho $((1 + 1))\n");
    CHECK(script.out == "one\n2\n");
    CHECK(rig.shell({"--", "true"}).exit == 0);
    check_says(shell_at(rig.mesh, {"--", "true"}, "even"), 3, {"even"});
  }

  TEST_CASE("shell: it changes nothing, reaches nothing and reads no secret of the node") {
    if (!sandbox_works()) return;
    ShellMesh rig;
    const std::string storage = rig.mesh.storage_of(0).string();
    const ProcessAnswer answer = rig.shell(
        {}, "for f in in.* /usr/x /job/x /etc/x '" + storage + "/x'; do echo bad > $f; done\n" +
                "rm -rf in.* '" + storage + "'; ls -R '" + storage + "' /root /home /proc\n" +
                "perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(\"" + rig.mesh.address(0) +
                "\") ? \"net\" : \"none\"'\n");
    CHECK(answer.out == "none");
    CHECK(rig.mesh.comes_back(0, "odd", rig.file));
    CHECK(rig.mesh.running(0));
    CHECK(becomes_true(5s, [&] { return run_folders_in(rig.mesh.storage_of(0)) == 0; }));
  }

  TEST_CASE("shell: a client that is killed takes its shell along in less than a second") {
    if (!sandbox_works()) return;
    ShellMesh rig;
    for (const std::string& line : {std::string("sleep 600"), std::string("yes")}) {
      CAPTURE(line);
      Launch launch = rig.launch({"--", "sh", "-c", line});
      launch.output = rig.mesh.folder() / "shell.out";
      ChildProcess client(launch);
      REQUIRE(becomes_true(20s, [&] { return rig.has_shell(); }));
      client.signal(SIGKILL);
      CHECK(becomes_true(1s, [&] { return !rig.has_shell(); }));
    }
    const auto has_logged = [&](const char* words) {
      return rig.log().find(words) != std::string::npos;
    };
    CHECK(becomes_true(5s, [&] { return has_logged("shell_ended"); }));
    CHECK(has_logged("shell_opened name=odd who="));
    CHECK(has_logged("nobody sits at it any more"));
  }

  TEST_CASE("shell: a node gives no more shells than it is told, and none without a sandbox") {
    MeshOptions options;
    options.nodes = 1;
    options.place = [](std::size_t) { return without_sandbox(); };
    TestMesh bare(options);
    bare.must({"put", random_file(1'000, 3).string(), "--name", "odd"});
    check_says(shell_at(bare, {"--", "true"}), 6, {"--sandbox=off"});

    if (!sandbox_works()) return;
    ShellMesh rig({"--shells", "1"});
    ChildProcess client(rig.launch({"--", "sleep", "600"}));
    REQUIRE(becomes_true(20s, [&] { return rig.has_shell(); }));
    check_says(rig.shell({"--", "true"}), 7, {"--shells"});
    CHECK(rig.mesh.json({"status"})["nodes"][0]["shells"] == 1);
    client.signal(SIGINT);
    CHECK(client.wait(10s) == 130);
    CHECK(becomes_true(1s, [&] { return !rig.has_shell(); }));
    CHECK(becomes_true(5s, [&] { return rig.shell({"--", "true"}).exit == 0; }));
    CHECK(rig.mesh.stop_node(0) == 0);
  }

  TEST_CASE("shell: at a terminal it is a terminal, which is put back in the end") {
    if (!sandbox_works()) return;
    ShellMesh rig;
    OwnTerminal terminal;
    ChildProcess client = client_at(terminal, rig);
    CHECK_FALSE(terminal.echoes());
    terminal.type("sha256sum in.*\r");
    CHECK_MESSAGE(terminal.shows(rig.digest()), terminal.shown());
    terminal.type("echo sle''eps; sleep 600\r");  // an interrupt before that may be lost
    CHECK(terminal.shows("sleeps"));
    terminal.type("\x03");
    terminal.type("echo al''ive\r");
    CHECK_MESSAGE(terminal.shows("alive"), terminal.shown());
    terminal.type("exit 5\r");
    CHECK(client.wait(10s) == 0);
    CHECK(terminal.echoes());

    ChildProcess ended = client_at(terminal, rig);
    CHECK_FALSE(terminal.echoes());
    ended.signal(SIGTERM);
    CHECK(ended.wait(10s) == 130);
    CHECK(terminal.echoes());
    CHECK(becomes_true(1s, [&] { return !rig.has_shell(); }));
  }
}

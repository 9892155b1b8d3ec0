#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

#include "pictures.h"
#include "test_mesh.h"

using namespace pixmesh;

namespace {

namespace fs = std::filesystem;

/// A put that runs beside the test.
class RunningPut {
 public:
  RunningPut(TestMesh& mesh, std::size_t node, Words words)
      : output_(mesh.folder() / "put.out"), errors_(mesh.folder() / "put.err") {
    fs::remove(output_);
    fs::remove(errors_);
    Launch launch;
    launch.words = mesh.words_at(node, std::move(words));
    launch.words.insert(launch.words.begin(), {PIXMESH_PROGRAM, "put"});
    launch.output = output_;
    launch.errors = errors_;
    launch.folder = mesh.folder();
    child_ = std::make_unique<ChildProcess>(launch);
  }

  [[nodiscard]] ChildProcess& process() { return *child_; }
  [[nodiscard]] ProcessAnswer finish() {
    ProcessAnswer answer;
    answer.exit = child_->wait(60s).value_or(-1);
    answer.out = text_of_file(output_);
    answer.err = text_of_file(errors_);
    return answer;
  }

 private:
  fs::path output_, errors_;
  std::unique_ptr<ChildProcess> child_;
};

/// A named pipe whose reader gets bytes when the test says so.
class Pipe {
 public:
  explicit Pipe(const fs::path& path) : path_(path) {
    fs::remove(path);
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    fd_ = ::open(path.c_str(), O_RDWR | O_CLOEXEC);  // both ends: neither waits for the other
    REQUIRE(fd_ >= 0);
  }
  ~Pipe() { close(); }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  /// @returns once the reader has taken all of it but a pipeful.
  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
      REQUIRE(written > 0);
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
  }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  fs::path path_;
  int fd_ = -1;
};

bool writes(const TestMesh& mesh, std::size_t node) {
  std::error_code gone;
  const fs::directory_iterator entries(mesh.storage_of(node) / "tmp", gone);
  return fs::begin(entries) != fs::end(entries);
}

/// A node gives up an upload after 20 s of silence, and a peer's after 30 s.
void check_nothing_stored(TestMesh& mesh, const std::string& name) {
  CHECK(mesh.cli({"stat", name}).exit == 3);
  CHECK(becomes_true(35s, [&] { return mesh.temp_files() == 0; }));
}

}  // namespace

TEST_SUITE("faults") {
  TEST_CASE("uploads: a holder may be killed in the middle, and the upload succeeds") {
    TestMesh mesh;
    const fs::path file = random_file(80'000'000, 7);

    for (const std::size_t victim : {std::size_t{0}, std::size_t{1}}) {
      CAPTURE(victim);
      const std::string name = "killed-" + std::to_string(victim);
      RunningPut put(mesh, (victim + 1) % mesh.size(), {file.string(), "--name", name});
      REQUIRE(becomes_true(20s, [&] { return writes(mesh, victim); }));
      mesh.kill_node(victim);
      const ProcessAnswer answer = put.finish();
      CHECK_MESSAGE(answer.exit == 0, answer.err);

      mesh.restart_node(victim);
      mesh.wait_calm();
      for (std::size_t node = 0; node < mesh.size(); ++node) {
        CHECK(mesh.comes_back(node, name, file));
      }
      CHECK(mesh.json({"status"})["totals"]["copies"] == 3 * (victim + 1));
    }
  }

  TEST_CASE("uploads: Ctrl-C ends one with 130 and leaves nothing behind") {
    TestMesh& mesh = quiet_mesh();
    const std::string half = text_of_file(random_file(6'000'000, 8));
    const fs::path path = mesh.folder() / "endless";
    Pipe pipe(path);

    RunningPut put(mesh, 0, {path.string(), "--name", "interrupted"});
    pipe.write(half);
    REQUIRE(becomes_true(10s, [&] { return mesh.temp_files() > 0; }));
    put.process().signal(SIGINT);

    check_says(put.finish(), 130, {"interrupted"});
    check_nothing_stored(mesh, "interrupted");
  }

  TEST_CASE("uploads: one whose client is killed leaves nothing behind") {
    TestMesh& mesh = quiet_mesh();
    const std::string half = text_of_file(random_file(6'000'000, 8));
    const fs::path path = mesh.folder() / "endless";
    Pipe pipe(path);

    RunningPut put(mesh, 0, {path.string(), "--name", "abandoned"});
    pipe.write(half);
    REQUIRE(becomes_true(10s, [&] { return mesh.temp_files() > 0; }));
    put.process().signal(SIGKILL);

    CHECK(put.finish().exit == 128 + SIGKILL);
    check_nothing_stored(mesh, "abandoned");
  }

  TEST_CASE("uploads: a slow pipe is waited for") {
    TestMesh& mesh = quiet_mesh();
    const fs::path file = random_file(6'000'000, 8);
    const std::string bytes = text_of_file(file);
    const fs::path path = mesh.folder() / "slow";
    Pipe pipe(path);

    RunningPut put(mesh, 0, {path.string(), "--name", "slow"});
    pipe.write(std::string_view(bytes).substr(0, 2'500'000));
    CHECK_FALSE(put.process().wait(6s).has_value());
    pipe.write(std::string_view(bytes).substr(2'500'000));
    pipe.close();

    const ProcessAnswer answer = put.finish();
    CHECK_MESSAGE(answer.exit == 0, answer.err);
    CHECK(mesh.comes_back(1, "slow", file));
  }

  TEST_CASE("uploads: a file that becomes shorter is not stored") {
    TestMesh& mesh = quiet_mesh();
    const fs::path file = mesh.folder() / "shrinks";
    write_file(file, "");
    fs::resize_file(file, 1'500'000'000);  // no block of it is on the disk

    RunningPut put(mesh, 0, {file.string(), "--name", "shrinks"});
    REQUIRE(becomes_true(10s, [&] { return mesh.temp_files() > 0; }));
    fs::resize_file(file, 1'000);

    check_says(put.finish(), 1, {"shorter", "nothing was stored"});
    check_nothing_stored(mesh, "shrinks");
  }

  TEST_CASE("uploads: a file that is written to meanwhile is not stored") {
    TestMesh& mesh = quiet_mesh();
    const fs::path file = mesh.folder() / "changes";
    write_file(file, "");
    fs::resize_file(file, 150'000'000);

    RunningPut put(mesh, 0, {file.string(), "--name", "changes"});
    REQUIRE(becomes_true(10s, [&] { return mesh.temp_files() > 0; }));
    fs::resize_file(file, 150'000'001);

    check_says(put.finish(), 1, {"changed", "nothing was stored"});
    check_nothing_stored(mesh, "changes");
    fs::remove(file);
  }
}

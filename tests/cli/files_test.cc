#include "cli/files.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <sstream>

#include "temp_folder.h"

using namespace pixmesh;

namespace {

std::string content_of(const std::filesystem::path& file) {
  std::ifstream stream(file);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

std::size_t count_in(const std::filesystem::path& folder) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++count;
  return count;
}

/// A descriptor that never becomes readable.
class Quiet {
 public:
  Quiet() { REQUIRE(::pipe(ends_.data()) == 0); }
  ~Quiet() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;
  [[nodiscard]] int fd() const { return ends_[0]; }
  void wake() const { REQUIRE(::write(ends_[1], "x", 1) == 1); }

 private:
  std::array<int, 2> ends_{};
};

}  // namespace

TEST_CASE("cli: a file is read whole, and again after a rewind") {
  const TempFolder folder;
  const std::string path = folder.path() / "a";
  std::ofstream(path) << "hello world";
  const auto source = open_source(path, -1);
  REQUIRE(source.has_value());
  CHECK(source.value()->size() == 11);
  std::array<std::uint8_t, 8> part{};
  CHECK(source.value()->read(part).value() == 8);
  CHECK(source.value()->read(part).value() == 3);
  CHECK(source.value()->read(part).value() == 0);
  CHECK(source.value()->rewind());
  CHECK(source.value()->read(part).value() == 8);
  CHECK(text_of(part) == "hello wo");
}

TEST_CASE("cli: an empty file and a folder are refused as usage, a missing file as failed") {
  const TempFolder folder;
  const std::string path = folder.path() / "a";
  std::ofstream(path).flush();
  const auto empty = open_source(path, -1);
  REQUIRE_FALSE(empty.has_value());
  CHECK(empty.error().code == ErrorCode::usage);
  CHECK(empty.error().detail.find("the file is empty") != std::string::npos);
  CHECK(open_source(folder.path(), -1).error().code == ErrorCode::usage);
  CHECK(open_source(folder.path() / "no", -1).error().code == ErrorCode::failed);
}

TEST_CASE("cli: a file that shrinks or changes while it is read gives no last byte") {
  const TempFolder folder;
  const std::string path = folder.path() / "a";
  std::array<std::uint8_t, 4> part{};
  std::ofstream(path) << "12345678";
  auto source = open_source(path, -1);
  CHECK(source.value()->read(part).value() == 4);
  std::filesystem::resize_file(path, 6);
  const auto shrunk = source.value()->read(part);
  REQUIRE_FALSE(shrunk.has_value());
  CHECK(shrunk.error().code == ErrorCode::failed);
  CHECK(shrunk.error().detail.find("became shorter") != std::string::npos);

  std::ofstream(path) << "12345678";
  source = open_source(path, -1);
  CHECK(source.value()->read(part).value() == 4);
  std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now() + 1h);
  const auto changed = source.value()->read(part);
  REQUIRE_FALSE(changed.has_value());
  CHECK(changed.error().detail.find("was changed") != std::string::npos);
}

TEST_CASE("cli: a pipe that nobody fills ends with the wish to stop") {
  const TempFolder folder;
  const std::string path = folder.path() / "pipe";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  const Quiet cancel;
  const auto source = open_source(path, cancel.fd());
  REQUIRE(source.has_value());
  CHECK_FALSE(source.value()->size().has_value());
  CHECK(source.value()->rewind());
  cancel.wake();
  std::array<std::uint8_t, 4> part{};
  CHECK(source.value()->read(part).error().code == ErrorCode::failed);
}

TEST_CASE("cli: a file appears under its name only when it is whole") {
  const TempFolder folder;
  const std::string target = folder.path() / "out.jpg";
  std::ofstream(target) << "old";
  {
    auto file = open_output(target, -1);
    REQUIRE(file.has_value());
    CHECK(file.value()->write(bytes_of("half")).has_value());
    CHECK(content_of(target) == "old");
    CHECK(count_in(folder.path()) == 2);
  }
  CHECK(content_of(target) == "old");
  CHECK(count_in(folder.path()) == 1);

  auto file = open_output(target, -1);
  CHECK(file.value()->write(bytes_of("first try")).has_value());
  CHECK(file.value()->restart().has_value());
  CHECK(file.value()->write(bytes_of("new")).has_value());
  CHECK(file.value()->publish(target).has_value());
  CHECK(content_of(target) == "new");
  CHECK(count_in(folder.path()) == 1);
}

TEST_CASE("cli: an output may get its name at the end") {
  const TempFolder folder;
  auto file = open_output_in(folder.path());
  CHECK(file.value()->write(bytes_of("x")).has_value());
  CHECK(file.value()->publish(folder.path() / "cat.info.json").has_value());
  CHECK(content_of(folder.path() / "cat.info.json") == "x");
  CHECK(inside_folder(folder.path(), "a.jpg") == (folder.path() / "a.jpg").string());
  CHECK(inside_folder("-", "a.jpg") == "-");
}

TEST_CASE("cli: devices are written and never replaced, links keep pointing") {
  const TempFolder folder;
  auto device = open_output("/dev/null", -1);
  REQUIRE(device.has_value());
  CHECK(device.value()->write(bytes_of("x")).has_value());
  CHECK(device.value()->publish("/dev/null").has_value());
  CHECK(std::filesystem::is_character_file("/dev/null"));

  const auto target = folder.path() / "real";
  const auto link = folder.path() / "link";
  std::ofstream(target) << "old";
  std::filesystem::create_symlink(target, link);
  auto file = open_output(link, -1);
  CHECK(file.value()->write(bytes_of("new")).has_value());
  CHECK(file.value()->publish(link).has_value());
  CHECK(std::filesystem::is_symlink(link));
  CHECK(content_of(target) == "new");
}

TEST_CASE("cli: a missing folder is named with what to do") {
  const auto file = open_output("/no/such/folder/a.jpg", -1);
  REQUIRE_FALSE(file.has_value());
  CHECK(file.error().code == ErrorCode::usage);
}

TEST_CASE("cli: text may go to a terminal, an image may not") {
  CHECK(is_text(bytes_of("{\"width\": 3}\r\n\tgr\xc3\xbc")));
  CHECK_FALSE(is_text(bytes_of("\xff\xd8\xff\xe0")));
  CHECK_FALSE(is_text(bytes_of(std::string_view("a\0b", 3))));
  CHECK_FALSE(is_text(bytes_of("\033[2J")));
}

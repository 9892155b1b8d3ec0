#include "cli/piece_writer.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <string>
#include <utility>

using namespace pixmesh;

namespace {

struct TestPipe {
  TestPipe() { REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0); }
  ~TestPipe() {
    for (const int end : ends) {
      if (end >= 0) ::close(end);
    }
  }
  std::string read(std::size_t bytes) const {
    std::string text(bytes, '\0');
    std::size_t filled = 0;
    while (filled < bytes) {
      const ssize_t count = ::read(ends[0], text.data() + filled, bytes - filled);
      if (count <= 0) break;
      filled += static_cast<std::size_t>(count);
    }
    return text.substr(0, filled);
  }
  std::array<int, 2> ends{};
};

Bytes piece_of(std::size_t bytes, std::uint8_t value) { return Bytes(bytes, value); }

bool rings(const PieceWriter& writer) {
  pollfd ready{writer.descriptor(), POLLIN, 0};
  return ::poll(&ready, 1, 30'000) == 1;
}

}  // namespace

TEST_CASE("cli: pieces are written in order, counted, and waited for") {
  TestPipe pipe;
  PieceWriter writer;
  writer.put(pipe.ends[1], piece_of(3, 'a'));
  writer.put(pipe.ends[1], piece_of(2, 'b'));
  REQUIRE(writer.finished_within(30s));
  CHECK(writer.written() == 2);
  CHECK(rings(writer));
  CHECK(pipe.read(5) == "aaabb");
  CHECK_FALSE(writer.broken());
}

TEST_CASE("cli: a reader that waits stops neither who puts pieces nor the end of the writer") {
  TestPipe pipe;
  {
    PieceWriter writer;
    for (int i = 0; i < 16; ++i) writer.put(pipe.ends[1], piece_of(16'384, 'x'));
    CHECK(pipe.read(1'000) == std::string(1'000, 'x'));
    CHECK(writer.written() < 16);
    CHECK_FALSE(writer.finished_within(20ms));
  }
  CHECK(pipe.read(1'000).size() == 1'000);
}

TEST_CASE("cli: a writer tells that its reader is gone") {
  ::signal(SIGPIPE, SIG_IGN);
  TestPipe pipe;
  ::close(std::exchange(pipe.ends[0], -1));
  PieceWriter writer;
  writer.put(pipe.ends[1], piece_of(1, 'x'));
  REQUIRE(writer.finished_within(30s));
  CHECK(rings(writer));
  CHECK(writer.broken());
  ::signal(SIGPIPE, SIG_DFL);
}

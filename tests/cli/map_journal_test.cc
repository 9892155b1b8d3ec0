#include "cli/map_journal.h"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "temp_folder.h"

using namespace pixmesh;

namespace {

const MapHeading heading{"thumbnail width=400 | sharpen", "/srv/results"};

MapLine done_line(const std::string& name) {
  MapLine line;
  line.name = name;
  line.done = true;
  line.file = name + ".thumbnail.jpg";
  line.digest = "abcd";
  line.bytes = 1234;
  line.node = "n";
  line.request = "r";
  line.wall_micros = 5;
  return line;
}

MapLine failed_line(const std::string& name) {
  MapLine line;
  line.name = name;
  line.error = "tool_failed";
  line.exit = 10;
  line.detail = "bad\nluck \"here\"";
  return line;
}

/// Meanwhile no file of this process gets longer.
struct SmallFiles {
  explicit SmallFiles(rlim_t bytes) : handler(::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before);
    const rlimit small{bytes, before.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &small);
  }
  ~SmallFiles() {
    ::setrlimit(RLIMIT_FSIZE, &before);
    ::signal(SIGXFSZ, handler);
  }
  SmallFiles(const SmallFiles&) = delete;
  SmallFiles& operator=(const SmallFiles&) = delete;
  rlimit before{};
  sighandler_t handler;
};

std::string file_text(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("cli: a journal says of each image what became of it last") {
  const std::string text = heading_line(heading) + journal_line(failed_line("a\nb")) +
                           journal_line(done_line("c")) + journal_line(done_line("a\nb"));

  const MapRecord record = parse_map_journal(text).value();

  CHECK(record.heading == heading);
  CHECK_FALSE(record.ended);
  REQUIRE(record.lines.size() == 2);
  const MapLine& line = record.lines.at("a\nb");
  CHECK(line.done);
  CHECK(line.file == "a\nb.thumbnail.jpg");
  CHECK(line.digest == "abcd");
  CHECK(line.bytes == 1234);
  CHECK(line.wall_micros == 5);
}

TEST_CASE("cli: wherever a journal is cut off, the whole lines before it count") {
  const std::string text =
      heading_line(heading) + journal_line(done_line("a")) + journal_line(failed_line("b"));
  const std::size_t first = heading_line(heading).size();
  const std::size_t second = first + journal_line(done_line("a")).size();

  for (std::size_t length = 0; length <= text.size(); ++length) {
    const auto record = parse_map_journal(text.substr(0, length));
    REQUIRE(record);
    const std::size_t lines = length == text.size() ? 2 : length >= second ? 1 : 0;
    CHECK(record->lines.size() == lines);
    CHECK(record->whole_bytes == (length == text.size() ? length
                                  : length >= second    ? second
                                  : length >= first     ? first
                                                        : 0));
  }
}

TEST_CASE("cli: what is no journal is refused") {
  CHECK_FALSE(parse_map_journal("hello\n"));
  CHECK_FALSE(parse_map_journal("{\"journal\":\"another\",\"format\":1}\n"));
  CHECK_FALSE(parse_map_journal(heading_line(heading) + "{}\n"));
  CHECK_FALSE(parse_map_journal(heading_line(heading) + "[1,2]\n"));
}

TEST_CASE("cli: a file without a whole line is a journal only if it begins as one") {
  TempFolder folder;
  const std::string path = (folder.path() / "precious").string();
  std::ofstream(path) << "{\"token\":\"1234\"}";
  CHECK_FALSE(MapJournal::open(path, heading, MapMode::fresh));
  CHECK(file_text(path) == "{\"token\":\"1234\"}");

  std::ofstream(path) << heading_line(heading).substr(0, 20);  // whoever wrote it was killed
  CHECK(MapJournal::open(path, heading, MapMode::fresh));
  CHECK(file_text(path) == heading_line(heading));
}

TEST_CASE("cli: a line that a full disk cut is taken back, and none comes behind it") {
  TempFolder folder;
  const std::string path = (folder.path() / "journal").string();
  const auto journal = MapJournal::open(path, heading, MapMode::fresh);
  REQUIRE(journal);
  REQUIRE(journal.value()->add(done_line("a")));
  const std::string whole = file_text(path);
  {
    const SmallFiles small(whole.size() + 10);
    CHECK_FALSE(journal.value()->add(done_line("b")));
  }
  CHECK_FALSE(journal.value()->add(done_line("c")));
  CHECK_FALSE(journal.value()->end());
  CHECK(file_text(path) == whole);
}

TEST_CASE("cli: a map goes on with its own journal only, and begins anew behind a finished one") {
  TempFolder folder;
  const std::string path = (folder.path() / "journal").string();
  CHECK_FALSE(MapJournal::open(path, heading, MapMode::resume));  // there is none
  {
    const auto journal = MapJournal::open(path, heading, MapMode::fresh);
    REQUIRE(journal);
    REQUIRE(journal.value()->add(done_line("a")));
    CHECK_FALSE(MapJournal::open(path, heading, MapMode::resume));  // the first is at work
  }
  CHECK_FALSE(MapJournal::open(path, heading, MapMode::fresh));  // it is not at its end
  CHECK_FALSE(MapJournal::open(path, {"rotate", heading.target}, MapMode::resume));
  {
    std::ofstream(path, std::ios::app) << "{\"name\":\"half a li";
    const auto journal = MapJournal::open(path, heading, MapMode::resume);
    REQUIRE(journal);
    CHECK(journal.value()->lines().contains("a"));
    REQUIRE(journal.value()->add(failed_line("b")));
    REQUIRE(journal.value()->end());
  }
  const MapRecord record = parse_map_journal(file_text(path)).value();
  CHECK(record.ended);
  CHECK(record.lines.size() == 2);
  CHECK(MapJournal::open(path, heading, MapMode::resume).value()->lines().size() == 2);
  CHECK(MapJournal::open(path, {"rotate", "x"}, MapMode::fresh).value()->lines().empty());
}

#include <doctest/doctest.h>

#include "cli/descriptions.h"
#include "cli/errors.h"
#include "cli/output.h"
#include "cli/table.h"

using namespace pixmesh;

TEST_CASE("cli: every error code has its documented exit code") {
  const std::vector<std::pair<ErrorCode, int>> codes{
      {ErrorCode::failed, 1},       {ErrorCode::usage, 2},       {ErrorCode::not_found, 3},
      {ErrorCode::fewer_copies, 4}, {ErrorCode::unreachable, 5}, {ErrorCode::denied, 6},
      {ErrorCode::overloaded, 7},   {ErrorCode::timed_out, 8},   {ErrorCode::corrupt, 9},
      {ErrorCode::tool_failed, 10}, {ErrorCode::no_space, 11},   {ErrorCode::malformed, 1},
      {ErrorCode::stale, 5}};
  for (const auto& [code, exit] : codes) CHECK(exit_code_of(code) == exit);
}

TEST_CASE("cli: an error says what to type next, once") {
  CHECK(message_of({ErrorCode::not_found, "no image 'cat.jpg'"}) ==
        "pixmesh: no image 'cat.jpg'. List the names with 'pixmesh ls'.");
  const std::string whole =
      "no node answers at 127.0.0.1:7600. Start one with 'pixmesh up' or "
      "name another with --node.";
  CHECK(message_of({ErrorCode::unreachable, whole}) == "pixmesh: " + whole);
  CHECK(message_of({ErrorCode::tool_failed, "vips: bad\nfile\n"}) ==
        "pixmesh: the tool failed:\nvips: bad\nfile\n");
}

TEST_CASE("cli: no text from the mesh can steer the terminal") {
  CHECK(printable("a\033[31mb\nc\x7f") == "a?[31mb?c?");
  CHECK(printable("a\nb\tc", true) == "a\nb\tc");
  CHECK(printable("\xc2\x9b"
                  "31m") == "?31m");
  CHECK(printable("gr\xc3\xbc\xc3\x9f") == "gr\xc3\xbc\xc3\x9f");
  TextTable table({{"NAME"}});
  table.add({"a\033]0;x\007"});
  CHECK(table.text() == "NAME\na?]0;x?\n");
}

TEST_CASE("cli: columns are as wide as their widest cell") {
  TextTable table({{"NODE"}, {"IMAGES", Align::right}, {"STATE"}});
  table.add({"5ad0c0d1", "7", "active"});
  table.add({"\xc3\xbc", "1234567", ""}, Colour::red);
  CHECK(table.text() ==
        "NODE       IMAGES  STATE\n"
        "5ad0c0d1        7  active\n"
        "\xc3\xbc         1234567\n");
  CHECK(table.text(true).find("\033[31m\xc3\xbc         1234567\033[0m\n") != std::string::npos);
}

TEST_CASE("cli: colours are only for terminals that want them") {
  CHECK(colour_allowed(true, nullptr, "xterm"));
  CHECK_FALSE(colour_allowed(false, nullptr, "xterm"));
  CHECK_FALSE(colour_allowed(true, "1", "xterm"));
  CHECK(colour_allowed(true, "", "xterm"));
  CHECK_FALSE(colour_allowed(true, nullptr, "dumb"));
  CHECK_FALSE(colour_allowed(true, nullptr, nullptr));
}

TEST_CASE("cli: sizes and spans at a glance have three digits at most") {
  CHECK(size_at_a_glance(0) == "0B");
  CHECK(size_at_a_glance(999) == "999B");
  CHECK(size_at_a_glance(1'000) == "1.00kB");
  CHECK(size_at_a_glance(13'238'471) == "13.2MB");
  CHECK(size_at_a_glance(999'950) == "1.00MB");
  CHECK(size_at_a_glance(128'000'000'000) == "128GB");
  CHECK(span_at_a_glance(850ms) == "850ms");
  CHECK(span_at_a_glance(2150ms) == "2.1s");
  CHECK(span_at_a_glance(185s) == "3m05s");
  CHECK(span_at_a_glance(2h + 7min) == "2h07m");
}

TEST_CASE("cli: progress shows share, rate and the time that is left") {
  CHECK(progress_text("a.jpg", 5'000'000, 20'000'000, 1s) ==
        "a.jpg  25%  5.00MB of 20.0MB  5.00MB/s  3.0s left");
  CHECK(progress_text("a.jpg", 5'000'000, 0, 1s) == "a.jpg  5.00MB  5.00MB/s");
  CHECK(progress_text("a.jpg", 0, 10, 0s) == "a.jpg  0%  0B of 10B");
}

TEST_CASE("cli: a write is told in one line and as an object") {
  WriteDone done;
  done.version.clock = 42;
  done.version.writer.raw[0] = 0xab;
  done.copies = 2;
  done.copies_wanted = 3;
  CHECK(line_of("cat.jpg", done) == "cat.jpg  version 42-ab000000  copies 2/3");
  const Json object = json_of("cat.jpg", done);
  CHECK(object["name"] == "cat.jpg");
  CHECK(object["stored"] == true);
  CHECK(object["version"]["clock"] == 42);
  CHECK(object["copies"] == 2);
  CHECK(object["copies_wanted"] == 3);
  CHECK(object["holders"].is_array());
}

TEST_CASE("cli: fewer copies than asked are exit 4, an image that was there is exit 0") {
  Output output(OutputOptions{.json = true, .result_fd = -1, .talk_fd = -1});
  WriteDone done;
  CHECK(report_write(output, "a", done) == 0);
  done.code = ErrorCode::fewer_copies;
  CHECK(report_write(output, "a", done) == 4);
  done.stored = false;
  CHECK(report_write(output, "a", done) == 0);
}

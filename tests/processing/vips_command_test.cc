#include "processing/vips_command.h"

#include <doctest/doctest.h>

using namespace pixmesh;

namespace {

using Words = std::vector<std::string>;

std::string fault_of(const Words& argv) {
  const auto command = parse_vips_command(argv);
  return command ? "" : command.error().detail;
}

}  // namespace

TEST_CASE("processing: a vipsthumbnail command is taken apart") {
  const Words argv{"vipsthumbnail", "{in}", "--size", "800x600", "-o", "{out}[Q=85]"};
  CHECK(parse_vips_command(argv).value() == VipsCommand{"thumbnail", {"800", "600"}, {}, "[Q=85]"});
  const Words square{"vipsthumbnail", "--size", "64",    "--no-rotate",
                     "--linear",      "-o",     "{out}", "{in}"};
  CHECK(parse_vips_command(square).value() ==
        VipsCommand{"thumbnail", {"64", "64"}, {{"no-rotate", "true"}, {"linear", "true"}}, ""});
}

TEST_CASE("processing: a vips command is taken apart") {
  const Words argv{"vips", "resize", "{in}", "{out}[Q=85]", "0.5", "--kernel", "cubic"};
  CHECK(parse_vips_command(argv).value() ==
        VipsCommand{"resize", {"0.5"}, {{"kernel", "cubic"}}, "[Q=85]"});
  const Words negative{"vips", "linear", "{in}", "{out}", "1", "-5"};
  CHECK(parse_vips_command(negative).value() == VipsCommand{"linear", {"1", "-5"}, {}, ""});
}

TEST_CASE("processing: holes of a recipe stay in the command") {
  const Words box{"vipsthumbnail", "{in}", "--size", "{max}x{height}", "-o", "{out}[Q={q}]"};
  CHECK(parse_vips_command(box).value() ==
        VipsCommand{"thumbnail", {"{max}", "{height}"}, {}, "[Q={q}]"});
  const Words side{"vipsthumbnail", "{in}", "--size", "{max}", "-o", "{out}"};
  CHECK(parse_vips_command(side).value() == VipsCommand{"thumbnail", {"{max}", "{max}"}, {}, ""});
}

TEST_CASE("processing: what a worker would do otherwise than the command is not read") {
  const std::vector<std::pair<Words, std::string>> faults{
      {{}, "argv is empty"},
      {{"convert", "{in}", "{out}"}, "neither vips nor vipsthumbnail"},
      {{"/usr/bin/vips", "copy", "{in}", "{out}"}, "neither vips nor vipsthumbnail"},
      {{"vips"}, "followed by an operation"},
      {{"vips", "copy", "{out}", "{in}"}, "followed by an operation"},
      {{"vips", "copy", "{in}[page=2]", "{out}"}, "followed by an operation"},
      {{"vips", "--vips-info", "{in}", "{out}.v"}, "only options in brackets"},
      {{"vips", "copy", "{in}", "{out}.v"}, "only options in brackets"},
      {{"vips", "copy", "{in}", "{out}[Q=1"}, "only options in brackets"},
      {{"vips", "join", "{in}", "{out}", "{in}", "horizontal"}, "only behind the operation"},
      {{"vips", "copy", "{in}", "{out}", "--kernel"}, "'--kernel' has no value"},
      {{"vips", "copy", "{in}", "{out}", "--profile", "{in}"}, "may not name a path"},
      {{"vipsthumbnail", "{in}", "-o", "{out}"}, "needs --size"},
      {{"vipsthumbnail", "{in}", "--size", "800x>", "-o", "{out}"}, "--size may only be"},
      {{"vipsthumbnail", "{in}", "--size", "x", "-o", "{out}"}, "--size may only be"},
      {{"vipsthumbnail", "{in}", "--size", "800", "-o", "x{out}"}, "-o may only name"},
      {{"vipsthumbnail", "{in}", "--size"}, "'--size' has no value"},
      {{"vipsthumbnail", "{in}", "--crop", "--size", "8", "-o", "{out}"}, "'--crop' is not one of"},
  };
  for (const auto& [argv, expected] : faults) {
    const std::string words = expected;  // clang 14 captures no binding
    const std::string fault = fault_of(argv);
    CAPTURE(words);
    CAPTURE(fault);
    CHECK((!fault.empty() && fault.find(words) != std::string::npos));
  }
}

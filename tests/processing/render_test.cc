#include "processing/render.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/rng.h"
#include "processing/closest.h"
#include "sample_recipe.h"

using namespace pixmesh;

namespace {

std::string refusal(const GivenParameters& given) {
  const Result<ToolCommand> command = render_arguments(sample_recipe(), given);
  if (command) return "";
  CHECK(command.error().code == ErrorCode::usage);
  return command.error().detail;
}

}  // namespace

TEST_CASE("processing: defaults fill the holes and paths stay for the executor") {
  const ToolCommand command = render_arguments(sample_recipe(), {}).value();

  CHECK(command.argv == std::vector<std::string>{"tool", "{in}", "--size", "800x800", "--sigma=0.5",
                                                 "true", "-o", "{out}[Q=85]"});
  CHECK(command.output_extension == "jpg");
}

TEST_CASE("processing: given values are printed anew from numbers") {
  const ToolCommand command =
      render_arguments(
          sample_recipe(),
          {{"width", "00064"}, {"sigma", "-1.250"}, {"strip", "false"}, {"format", "png"}})
          .value();

  CHECK(command.argv[3] == "64x800");
  CHECK(command.argv[4] == "--sigma=-1.25");
  CHECK(command.argv[5] == "false");
  CHECK(command.output_extension == "png");
}

TEST_CASE("processing: doubled braces are braces") {
  Recipe recipe = sample_recipe();
  recipe.argv[2] = "{{\"w\":{width}}}";
  CHECK(render_arguments(recipe, {}).value().argv[2] == "{\"w\":800}");
}

TEST_CASE("processing: a wrong key or value is refused with what may be typed") {
  CHECK(refusal({{"widht", "1"}}) ==
        "recipe 'thumbnail' has no parameter 'widht'; did you mean 'width'?");
  CHECK(refusal({{"zzzzzz", "1"}}) ==
        "recipe 'thumbnail' has no parameter 'zzzzzz'; it takes width, height, quality, sigma, "
        "strip, format");
  CHECK(refusal({{"width", "16385"}}) ==
        "'16385' does not fit 'width' of recipe 'thumbnail', which is a whole number from 1 to "
        "16384");
  CHECK(refusal({{"sigma", "10.000001"}}) ==
        "'10.000001' does not fit 'sigma' of recipe 'thumbnail', which is a number from -1.5 to "
        "10");
  CHECK(refusal({{"format", "gif"}}) ==
        "'gif' does not fit 'format' of recipe 'thumbnail', which is one of jpg, png");
  CHECK(refusal({{"width", "1"}, {"width", "2"}}) == "'width' is given twice");
}

TEST_CASE("processing: hostile values are refused and never shown raw") {
  const std::vector<std::string> hostile{"800;rm -rf /",
                                         "$(id)",
                                         "`id`",
                                         "-o",
                                         "--help",
                                         "800\n-o",
                                         "'800'",
                                         "\"800\"",
                                         "../../x",
                                         "{out}",
                                         "{in}",
                                         "@list",
                                         "%d",
                                         "8 0",
                                         "",
                                         "\x1b[2J",
                                         "800[strip]",
                                         "msl:x",
                                         "|ls",
                                         "png\0x",
                                         "\xff\xfe",
                                         "1e3",
                                         "jpg ",
                                         "-",
                                         std::string("png\0", 4),
                                         std::string(100'000, '9')};
  for (const char* key : {"width", "sigma", "strip", "format"}) {
    for (const std::string& value : hostile) {
      if (value == "png") continue;
      const std::string text = refusal({{key, value}});
      CAPTURE(value);
      CHECK_FALSE(text.empty());
      CHECK(text.size() < 300);
      CHECK(std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; }));
    }
  }
}

TEST_CASE("processing: no random value puts a byte of its own into the command line") {
  Rng rng(20'261);
  const std::string alphabet = "0123456789.-+ejpgn{}[]'\"$\n/tru";
  for (int round = 0; round < 20'000; ++round) {
    std::string value;
    for (auto left = 1 + rng.below(5); left > 0; --left) {
      value += alphabet[rng.below(alphabet.size())];
    }
    const char* keys[] = {"width", "sigma", "format"};
    const auto command = render_arguments(sample_recipe(), {{keys[rng.below(3)], value}});
    if (!command) continue;
    for (std::size_t at : {3U, 4U}) {
      const std::string_view text = command.value().argv[at];
      CHECK(text.find_first_not_of("0123456789x.-sigma=") == std::string_view::npos);
    }
    const std::string& extension = command.value().output_extension;
    CHECK((extension == "jpg" || extension == "png"));
  }
}

TEST_CASE("processing: only near names are suggested") {
  const std::vector<std::string> names{"width", "height", "quality"};
  CHECK(closest_name("heigth", names) == "height");
  CHECK(closest_name("with", names) == "width");
  CHECK(closest_name("colour", names) == std::nullopt);
  CHECK(closest_name("", names) == std::nullopt);
}

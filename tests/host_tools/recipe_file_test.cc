#include "host/config/recipe_file.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "processing/render.h"
#include "tool_bench.h"

using namespace pixmesh;

namespace {

std::string fault_of(std::string_view text) {
  const auto recipes = parse_recipes(text, "recipes.toml");
  if (recipes) return "";
  CHECK(recipes.error().code == ErrorCode::malformed);
  return recipes.error().detail;
}

constexpr std::string_view sample = R"(
[recipe.blur]
summary = "Make it soft"
argv    = ["tool", "{in}", "{sigma}", "{fast}", "{zoom}", "{out}"]
output  = "{format}"
accepts = ["jpeg"]
needs   = ["other"]
[recipe.blur.param]
zoom   = { type = "int", min = -5, max = 5, default = 0 }
sigma  = { type = "float", min = 0, max = 12.5, default = 1.5 }
fast   = { type = "bool", default = true }
format = { type = "enum", values = ["jpg", "png"], default = "png" }
[recipe.blur.limit]
wall = "5s"
cpu = "1m"
memory = "1GiB"
output = "10MB"
megapixels = 400
side = 30000
frames = 3
scans = 20
ancillary = "1MiB"
[recipe.filter]
argv = ["cat"]
output = "txt"
stdin = true
stdout = true
vips_modules = true
)";

}  // namespace

TEST_CASE("host_tools: a recipe file gives recipes with parameters in the order of the file") {
  const auto recipes = parse_recipes(sample, "recipes.toml");
  REQUIRE(recipes.has_value());
  REQUIRE(recipes.value().size() == 2);
  const Recipe& blur = recipes.value()[0];

  CHECK(blur.name == "blur");
  CHECK(blur.summary == "Make it soft");
  CHECK(blur.needs == std::vector<std::string>{"other"});
  const std::vector<Parameter> expected{
      {"zoom", ParameterType::integer, -5, 5, 0, {}},
      {"sigma", ParameterType::real, 0, 12'500'000, 1'500'000, {}},
      {"fast", ParameterType::boolean, 0, 0, 1, {}},
      {"format", ParameterType::choice, 0, 0, 1, {"jpg", "png"}}};
  CHECK(blur.parameters == expected);
  CHECK(blur.limits == ToolLimits{5s, 60s, 1ULL << 30, 10'000'000});
  CHECK(blur.header_limits == HeaderLimits{400'000'000, 30'000, 3, 20, 1U << 20});
  CHECK(recipes.value()[1].header_limits == HeaderLimits{});
  CHECK(recipes.value()[1].input_on_stdin);
  CHECK(recipes.value()[1].output_on_stdout);
  CHECK(recipes.value()[1].vips_modules);
  CHECK(!blur.vips_modules);
}

TEST_CASE("host_tools: faults of a recipe file name line and remedy") {
  const std::string head = "[recipe.a]\nargv = [\"t\", \"{in}\", \"{out}\"]\noutput = \"jpg\"\n";
  const std::vector<std::pair<std::string, std::string>> faults{
      {head + "acepts = [\"jpeg\"]\n",
       "recipes.toml:4: unknown key 'acepts'; did you mean 'accepts'?"},
      {"[recipes.a]\n", "recipes.toml:1: unknown key 'recipes'; did you mean 'recipe'?"},
      {head + "stdin = \"yes\"\n", "recipes.toml:4: 'stdin' must be true or false"},
      {"[recipe.a]\nargv = \"tool {in}\"\n", "recipes.toml:2: 'argv' must be a list"},
      {"[recipe.a]\nargv = [\"t\", 5]\n", "recipes.toml:2: 'argv' must be a text"},
      {head + "[recipe.a.limit]\nwall = \"60\"\n", "recipes.toml:5: '60' is no time span"},
      {head + "[recipe.a.limit]\nwal = \"60s\"\n", "did you mean 'wall'?"},
      {head + "[recipe.a.limit]\nframes = 0\n", "'frames' must be a whole number above 0"},
      {head + "[recipe.a.limit]\nmegapixels = \"250MP\"\n", "recipes.toml:5: 'megapixels' must be"},
      {head + "[recipe.a.param]\nw = { type = \"integer\" }\n", "it is int, float, bool or enum"},
      {head + "[recipe.a.param]\nw = { type = \"int\", min = 1, default = 2 }\n",
       "recipes.toml:5: parameter 'w' needs 'max = …'"},
      {head + "[recipe.a.param]\nw = { type = \"int\", min = 1, max = 2.5, default = 2 }\n",
       "recipes.toml:5: 'max' must be a whole number"},
      {head + "[recipe.a.param]\nw = { type = \"float\", min = nan, max = 1, default = 1 }\n",
       "'min' must be a number"},
      {head + "[recipe.a.param]\nw = { type = \"enum\", values = [\"a\"], default = \"b\" }\n",
       "default 'b' is none of a"},
      {head + "[recipe.a.param]\nw = { type = \"bool\", default = true }\n",
       "recipes.toml:1: recipe 'a': parameter 'w' is never used"},
      {"[recipe.a]\nargv = [\"t\", \"{in}\", \"{ou}\"]\noutput = \"jpg\"\n",
       "no parameter 'ou'; did you mean 'out'?"},
      {head + "engine = \"vip\"\n", "recipes.toml:4: unknown engine 'vip'; it is command or vips"},
      {head + "engine = \"vips\"\n", "recipes.toml:1: recipe 'a': engine \"vips\": its program is"},
      {"[recipe.a]\nargv = [\"vips\", \"copy\"]\noutput = \"jpg\"\nstdin = true\n"
       "stdout = true\nengine = \"vips\"\n",
       "goes with neither stdin"},
      {head + "fast_shrink_on_load = true\n", "goes only with vipsthumbnail and engine \"vips\""},
      {head + "fast_shrink_on_load = 1\n", "'fast_shrink_on_load' must be true or false"},
      {"[recipe.a\n", "recipes.toml:1: "},
      {"recipe = 5\n", "recipes.toml:1: 'recipe' must be a table"},
  };
  for (const auto& one : faults) {
    const std::string fault = fault_of(one.first);
    const std::string& expected = one.second;
    CAPTURE(fault);
    CAPTURE(expected);
    CHECK(fault.find(expected) != std::string::npos);
  }
}

TEST_CASE("host_tools: the built-in recipes are the promised ones") {
  std::vector<std::string> names;
  for (const Recipe& recipe : built_in_recipes()) names.push_back(recipe.name);
  CHECK(names == std::vector<std::string>{"thumbnail", "thumbnail-fast", "resize", "convert",
                                          "crop", "rotate", "sharpen", "info", "im-resize",
                                          "im-identify"});
}

TEST_CASE("recipe files: built-in recipes take one picture; 'info' tells how many there are") {
  for (const Recipe& recipe : built_in_recipes()) {
    CAPTURE(recipe.name);
    CHECK(recipe.header_limits.frames == (recipe.name == "info" ? 10'000 : 1));
  }
}

TEST_CASE("host_tools: an operator's file comes over the built-in recipes") {
  TestFolder folder;
  write_text(folder.path() / "recipes.toml",
             "[recipe.thumbnail]\nargv = [\"no-such-tool\", \"{in}\", \"{out}\"]\noutput = "
             "\"jpg\"\n");
  const auto book = load_recipe_book(folder.path() / "recipes.toml");
  REQUIRE(book.has_value());
  CHECK(book.value().entries().size() == 10);
  CHECK_FALSE(book.value().find("thumbnail")->available());
  CHECK(load_recipe_book(folder.path() / "absent.toml").error().code == ErrorCode::not_found);
  CHECK(load_recipe_book("").has_value());
}

TEST_CASE("host_tools: a recipe lacks nothing when every program it needs is installed") {
  Recipe recipe = parse_recipes(sample, "recipes.toml").value()[1];
  CHECK(missing_of(recipe).empty());
  recipe.needs = {"sh", "no-such-tool"};
  CHECK(missing_of(recipe) == "'no-such-tool'");
  CHECK(missing_of(recipe, {.path = ""}) == "'cat'");
  CHECK(find_program("sh", "relative::/nowhere:/bin") == "/bin/sh");
  CHECK(find_program("/bin/sh") == "/bin/sh");
  CHECK_FALSE(find_program("../bin/sh").has_value());
  CHECK_FALSE(find_program("/bin").has_value());
  CHECK_FALSE(find_program("").has_value());
}

TEST_CASE("host_tools: a recipe that only a native worker can do lacks one where there is none") {
  const std::vector<Recipe> recipes = built_in_recipes();
  Recipe fast = *std::ranges::find(recipes, "thumbnail-fast", &Recipe::name);
  CHECK(fast.fast_shrink_on_load);
  fast.argv.front() = "sh";  // is everywhere
  CHECK(missing_of(fast) == "a native worker");
  CHECK(missing_of(fast, {.native_worker = "/nonexistent"}) == "a native worker");
  CHECK(missing_of(fast, {.native_worker = "/bin/true"}).empty());
  CHECK_FALSE(load_recipe_book("")->find("thumbnail-fast")->available());
}

TEST_CASE("host_tools: the fast built-in recipe differs from its model in nothing but that") {
  const std::vector<Recipe> recipes = built_in_recipes();
  Recipe usual = *std::ranges::find(recipes, "thumbnail", &Recipe::name);
  Recipe fast = *std::ranges::find(recipes, "thumbnail-fast", &Recipe::name);
  CHECK(to_text(recipe_digest(usual)) ==  // of the time before there was a fast one
        "a8e8a48dd20f83b9783e2309fd8c7bda26945c0e587e385922be7530fb74e0d4");

  fast.name = usual.name;
  fast.summary = usual.summary;
  CHECK(recipe_digest(fast) != recipe_digest(usual));
  fast.fast_shrink_on_load = false;
  CHECK(fast == usual);
}

namespace {

/// A stored 120 x 80 image of each format, made by libvips itself.
class ImageBench {
 public:
  ImageBench() {
    ToolRun make = bench_.tool({"vips", "black", "{out}", "120", "80", "--bands", "3"});
    for (const char* extension : {"jpg", "png", "tif", "webp"}) {
      make.output_extension = extension;
      const ToolReport report = bench_.run(make);
      REQUIRE_MESSAGE(report.end == ToolEnd::finished, report.error_text);
      std::filesystem::copy(report.output_path,
                            bench_.disk() / "images" / (std::string("image.") + extension));
    }
  }

  ToolReport run(const Recipe& recipe, const GivenParameters& given, const char* extension) {
    const ToolCommand command = render_arguments(recipe, given).value();
    ToolRun tool = bench_.tool(command.argv);
    tool.input_path = std::string("images/image.") + extension;
    tool.input_extension = extension;
    tool.output_extension = command.output_extension;
    tool.output_on_stdout = recipe.output_on_stdout;
    tool.limits = recipe.limits;
    return bench_.run(tool);
  }

 private:
  ToolBench bench_;
};

const Recipe& recipe_of(const RecipeBook& book, std::string_view name) {
  return book.find(name)->recipe;
}

}  // namespace

TEST_CASE("host_tools: every installed built-in recipe works on every format it accepts") {
  const RecipeBook book = load_recipe_book("").value();
  if (!book.find("convert")->available()) return;
  ImageBench bench;
  for (const auto& named : book.entries()) {
    if (!named.second.available()) continue;
    for (const char* extension : {"jpg", "png", "tif", "webp"}) {
      const GivenParameters given = named.first == "crop"
                                        ? GivenParameters{{"width", "50"}, {"height", "40"}}
                                        : GivenParameters{};
      const ToolReport report = bench.run(named.second.recipe, given, extension);
      CAPTURE(named.first);
      CAPTURE(extension);
      CAPTURE(report.error_text);
      CHECK(report.end == ToolEnd::finished);
    }
  }
}

TEST_CASE("host_tools: the built-in recipes do what they say") {
  const RecipeBook book = load_recipe_book("").value();
  if (!book.find("info")->available() || !book.find("im-identify")->available()) return;
  ImageBench bench;
  const auto describe = [&](const ToolReport& made) {
    CHECK(made.end == ToolEnd::finished);
    ToolBench again;
    ToolRun look = again.tool({"vipsheader", made.output_path});
    look.output_on_stdout = true;
    return read_text(again.run(look).output_path);
  };
  const auto made = [&](const char* recipe, const GivenParameters& given) {
    return describe(bench.run(recipe_of(book, recipe), given, "jpg"));
  };

  CHECK(made("thumbnail", {{"width", "60"}, {"height", "60"}}).find("60x40") != std::string::npos);
  CHECK(made("resize", {{"scale", "0.25"}}).find("30x20") != std::string::npos);
  CHECK(made("rotate", {}).find("80x120") != std::string::npos);
  CHECK(made("crop", {{"left", "100"}, {"width", "20"}, {"height", "10"}}).find("20x10") !=
        std::string::npos);
  CHECK(made("convert", {{"format", "webp"}}).find("webpload") != std::string::npos);
  CHECK(made("im-resize", {{"width", "30"}, {"format", "png"}}).find("30x20") != std::string::npos);
  CHECK(bench.run(recipe_of(book, "crop"), {{"left", "119"}}, "jpg").end == ToolEnd::exit_status);

  const ToolReport header = bench.run(recipe_of(book, "info"), {}, "png");
  CHECK(read_text(header.output_path) ==
        "{\"width\":120,\"height\":80,\"bands\":3,\"format\":\"uchar\",\"interpretation\":"
        "\"srgb\",\"vips-loader\":\"pngload\"}\n");
  const ToolReport identified = bench.run(recipe_of(book, "im-identify"), {}, "tif");
  CHECK(read_text(identified.output_path).starts_with("{\"format\":\"TIFF\",\"width\":120,"));
}

TEST_CASE("host_tools: a file that lies about its type makes the tool fail, not the node") {
  const RecipeBook book = load_recipe_book("").value();
  if (!book.find("thumbnail")->available()) return;
  ToolBench bench;
  write_text(bench.disk() / "images/image.jpg",
             "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\" height=\"9\"/>");
  const ToolCommand command = render_arguments(recipe_of(book, "thumbnail"), {}).value();
  ToolRun tool = bench.tool(command.argv);
  tool.input_path = "images/image.jpg";
  tool.input_extension = "jpg";
  const ToolReport report = bench.run(tool);
  CHECK(report.end == ToolEnd::exit_status);
  CHECK_FALSE(report.error_text.empty());
}

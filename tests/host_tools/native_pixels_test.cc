#include <doctest/doctest.h>

#include <filesystem>
#include <memory>

#include "host/config/recipe_file.h"
#include "native_samples.h"
#include "processing/render.h"
#include "tool_bench.h"

using namespace pixmesh;

namespace {

namespace fs = std::filesystem;

/// Noise with 1 to 4 bands, of 8 and 16 bits, with and without alpha, CMYK.
constexpr const char* make_images = R"sh(
unset VIPS_BLOCK_UNTRUSTED  # it is about .v files
cd "$(dirname "$out")"
for n in 0 1 2 3; do vips gaussnoise n$n.v 611 407 --mean 120 --sigma 50 --seed $n; done
vips bandjoin "n0.v n1.v n2.v" f3.v
vips bandjoin "n0.v n1.v n2.v n3.v" f4.v
vips cast n0.v grey.v uchar
vips cast f3.v c3.v uchar
vips cast f4.v c4.v uchar
vips cast f3.v s3.v ushort --shift
vips copy grey.v b-w.v --interpretation b-w
vips copy c3.v rgb.v --interpretation srgb
vips copy c4.v rgba.v --interpretation srgb
vips copy c4.v cmyk.v --interpretation cmyk
vips copy s3.v rgb16.v --interpretation rgb16
for format in jpg png tif webp; do vips copy rgb.v rgb.$format; done
for format in png tif webp; do vips copy rgba.v rgba.$format; done
for format in jpg png tif; do vips copy b-w.v grey.$format; done
for format in png tif; do vips copy rgb16.v rgb16.$format; done
for format in jpg tif; do vips copy cmyk.v cmyk.$format; done
vips copy rgb.v progressive.jpg[interlace]
vips copy rgb.v full-colour.jpg[Q=98,subsample-mode=off]
vips copy rgb.v restarts.jpg[Q=95,restart-interval=7]
vips copy rgb.v tiles.tif[tile,pyramid,compression=jpeg]
rm *.v
echo done >"$out"
)sh";

/// Bytes in the middle are others, a marker that does not belong there among them.
std::string spoilt(std::string jpeg) {
  jpeg.replace(jpeg.size() / 3, 4, "\xff\xd3\x12\x34", 4);
  jpeg.replace(jpeg.size() / 2, 2, "\x55\x55", 2);
  return jpeg;
}

struct Picture {
  std::string name;  // "rgb.jpg"
  std::string extension;
};

/// The same pictures for the command and for workers that have no command to fall back on.
class TwoWays {
 public:
  explicit TwoWays(bool forked, std::optional<Sandbox> sandbox = {}) {
    NativeWorkersOptions native;
    native.program = vips_worker;
    native.fork_per_job = forked;
    native_ = std::make_unique<ToolBench>(std::move(sandbox), native, "/nonexistent");
    const ToolReport made = command_.run(command_.shell(make_images));
    REQUIRE_MESSAGE(made.end == ToolEnd::finished, made.error_text);
    for (const auto& entry : fs::directory_iterator(fs::path(made.output_path).parent_path())) {
      const std::string name = entry.path().filename();
      if (!name.starts_with("in.") && !name.starts_with("out.")) {
        add(name, read_text(entry.path()));
      }
      if (name != "rgb.jpg") continue;
      const std::string jpeg = read_text(entry.path());
      add("turned.jpg", turned(jpeg));
      add("spoilt.jpg", spoilt(jpeg));
      add("cut.jpg", jpeg.substr(0, jpeg.size() * 2 / 3));
    }
  }

  const std::vector<Picture>& pictures() const { return pictures_; }

  /// Whether both ways make the same bytes of it, or both fail.
  void compare(const Recipe& recipe, const GivenParameters& given, const Picture& picture) {
    const ToolCommand command = render_arguments(recipe, given).value();
    ToolRun tool = command_.tool(command.argv);
    tool.input_path = "images/" + picture.name;
    tool.input_extension = picture.extension;
    tool.output_extension = command.output_extension;
    tool.limits = recipe.limits;
    tool.engine = ToolEngine::command;
    const ToolReport expected = command_.run(tool);
    tool.engine = recipe.engine;
    const ToolReport native = native_->run(tool);
    CAPTURE(recipe.name);
    CAPTURE(picture.name);
    CAPTURE(expected.error_text);
    CAPTURE(native.error_text);
    CHECK(native.end == expected.end);
    if (expected.end == ToolEnd::finished) {
      CHECK((read_text(native.output_path) == read_text(expected.output_path)));
      ++finished_;
    }
    command_.executor().discard(expected.run);
    native_->executor().discard(native.run);
  }
  int finished() const { return finished_; }

 private:
  void add(const std::string& name, const std::string& bytes) {
    pictures_.push_back({name, name.substr(name.rfind('.') + 1)});
    write_text(command_.disk() / "images" / name, bytes);
    write_text(native_->disk() / "images" / name, bytes);
  }

  ToolBench command_;
  std::unique_ptr<ToolBench> native_;
  std::vector<Picture> pictures_;
  int finished_ = 0;
};

struct Case {
  const char* recipe;
  GivenParameters given;
};

std::vector<Case> cases() {
  std::vector<Case> all{{"thumbnail", {}},
                        {"thumbnail", {{"width", "60"}, {"height", "60"}}},
                        {"thumbnail", {{"width", "200"}, {"height", "100"}, {"quality", "60"}}},
                        {"resize", {{"scale", "1.3"}, {"kernel", "cubic"}}},
                        {"rotate", {{"angle", "270"}}},
                        {"sharpen", {}},
                        {"sharpen", {{"sigma", "2.5"}, {"strength", "10"}, {"format", "png"}}},
                        {"crop", {{"left", "600"}, {"width", "100"}}}};
  for (const char* format : {"jpg", "png", "tif", "webp"}) {
    all.push_back({"convert", {{"format", format}}});
    all.push_back({"resize", {{"scale", "0.37"}, {"format", format}}});
  }
  for (const char* scale : {"0.93", "0.5", "0.19", "0.06"}) {
    all.push_back({"resize", {{"scale", scale}, {"format", "png"}}});
  }
  all.push_back({"crop", {{"left", "7"}, {"top", "9"}, {"width", "100"}, {"format", "png"}}});
  all.push_back({"rotate", {{"format", "tif"}}});
  return all;
}

}  // namespace

TEST_CASE("host_tools: a worker in the sandbox makes the bytes that the command line makes") {
  const RecipeBook book = load_recipe_book("").value();
  if (vips_worker.empty() || !book.find("thumbnail")->available()) return;
  TwoWays ways(false, sandbox_if_it_works());
  REQUIRE(ways.pictures().size() == 21);
  for (const Case& one : cases()) {
    const Recipe& recipe = book.find(one.recipe)->recipe;
    REQUIRE(recipe.engine == ToolEngine::vips);
    for (const Picture& picture : ways.pictures()) ways.compare(recipe, one.given, picture);
  }
  CHECK(ways.finished() > 200);
}

TEST_CASE("host_tools: a worker makes them without a sandbox too, and if it forks for each job") {
  const RecipeBook book = load_recipe_book("").value();
  if (vips_worker.empty() || !book.find("thumbnail")->available()) return;
  std::vector<std::pair<bool, std::optional<Sandbox>>> kinds{{false, {}}, {true, {}}};
  if (const auto sandbox = sandbox_if_it_works()) kinds.emplace_back(true, sandbox);
  for (const auto& [forked, sandbox] : kinds) {
    TwoWays ways(forked, sandbox);
    for (const Picture& picture : ways.pictures()) {
      ways.compare(book.find("thumbnail")->recipe, {}, picture);
      ways.compare(book.find("rotate")->recipe, {{"format", "png"}}, picture);
    }
    CHECK(ways.finished() == static_cast<int>(2 * ways.pictures().size()));
  }
}

// libvips reads VIPS_DISC_THRESHOLD as an int: of 2^32 bytes and of 2^40 it makes 0, and spills.
TEST_CASE("host_tools: a picture that is larger than a sandbox's /tmp is turned in memory") {
  const RecipeBook book = load_recipe_book("").value();
  const auto sandbox = sandbox_if_it_works();
  if (vips_worker.empty() || !sandbox || !book.find("rotate")->available()) return;
  ToolBench maker;
  const ToolReport made = maker.run(maker.shell(
      R"(vips black "$out.jpg" 5200 5200 --bands 3 && mv "$out.jpg" "$out")"));  // 77 MiB of pixels
  REQUIRE_MESSAGE(made.end == ToolEnd::finished, made.error_text);
  NativeWorkersOptions native;
  native.program = vips_worker;
  ToolBench bench(sandbox, native);
  write_text(bench.disk() / "images" / "large.jpg", read_text(made.output_path));

  for (const ToolEngine engine : {ToolEngine::vips, ToolEngine::command}) {
    ToolRun tool = bench.tool(render_arguments(book.find("rotate")->recipe, {})->argv);
    tool.input_path = "images/large.jpg";
    tool.input_extension = tool.output_extension = "jpg";
    tool.limits.memory_bytes = 4ULL << 30;
    tool.limits.wall = 60s;
    tool.engine = engine;
    const ToolReport report = bench.run(tool);
    CHECK_MESSAGE(report.end == ToolEnd::finished, report.error_text);
  }
}

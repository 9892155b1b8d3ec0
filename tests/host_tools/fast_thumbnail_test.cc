#include <doctest/doctest.h>

#include <filesystem>

#include "host/config/recipe_file.h"
#include "native_samples.h"
#include "odd_bench.h"
#include "processing/header_scan.h"
#include "processing/render.h"

using namespace pixmesh;

namespace {

namespace fs = std::filesystem;

/// Smooth pictures of sizes that the decoder and libvips round in different ways, of all kinds that
/// libvips loads; one is turned, one hardly a line.
constexpr const char* make_smooth_images = R"sh(
unset VIPS_BLOCK_UNTRUSTED  # it is about .v files
cd "$(dirname "$out")"
smooth() { # WIDTH HEIGHT: of three waves
  for n in 2 3 5; do vips sines w$n.v $1 $2 --hfreq $n --vfreq $((7 - n)) --uchar; done
  vips bandjoin "w2.v w3.v w5.v" s.v
  vips copy s.v smooth.v --interpretation srgb
}
for size in 611x407 150x211 1039x729 885x618 815x174 1221x840 1200x3 5x900; do
  smooth ${size%x*} ${size#*x}
  vips copy smooth.v $size.jpg[Q=95]
done
smooth 1504 1000
vips copy smooth.v plain.jpg[Q=95]
vips copy smooth.v progressive.jpg[Q=95,interlace]
vips copy smooth.v full-colour.jpg[Q=95,subsample-mode=off]
vips extract_band smooth.v grey.v 1 && vips copy grey.v bw.v --interpretation b-w
vips copy bw.v grey.jpg
vips bandjoin "smooth.v bw.v" four.v && vips copy four.v cmyk.v --interpretation cmyk
vips copy cmyk.v cmyk.jpg
for format in png tif webp; do vips copy smooth.v other.$format; done
rm *.v
echo done >"$out"
)sh";

/// Two recipes on a worker that has no command to fall back on.
class Thumbnails {
 public:
  Thumbnails() : bench_({}, workers(), "/nonexistent"), book_(load_recipe_book("").value()) {
    const ToolReport made = commands_.run(commands_.shell(make_smooth_images));
    REQUIRE_MESSAGE(made.end == ToolEnd::finished, made.error_text);
    for (const auto& entry : fs::directory_iterator(fs::path(made.output_path).parent_path())) {
      const std::string name = entry.path().filename();
      if (name.starts_with("in.") || name.starts_with("out.")) continue;
      add(name, read_text(entry.path()));
      if (name == "1039x729.jpg") add("turned.jpg", turned(read_text(entry.path())));
      if (name == "plain.jpg") add("cut.jpg", read_text(entry.path()).substr(0, 20'000));
    }
    REQUIRE(names_.size() == 18);
  }

  const std::vector<std::string>& names() const { return names_; }

  /// @returns its report; the output stays.
  ToolReport run(const Recipe& recipe, const std::string& name, int width, int height) {
    const ToolCommand command = render_arguments(recipe, {{"width", std::to_string(width)},
                                                          {"height", std::to_string(height)}})
                                    .value();
    ToolRun tool = bench_.tool(command.argv);
    tool.input_path = "images/" + name;
    tool.input_extension = name.substr(name.rfind('.') + 1);
    tool.output_extension = command.output_extension;
    tool.limits = recipe.limits;
    tool.engine = recipe.engine;
    tool.fast_shrink_on_load = recipe.fast_shrink_on_load;
    return bench_.run(tool);
  }
  std::string bytes(const Recipe& recipe, const std::string& name, int width, int height) {
    const ToolReport report = run(recipe, name, width, height);
    CHECK_MESSAGE(report.end == ToolEnd::finished, report.error_text);
    return report.end == ToolEnd::finished ? read_text(report.output_path) : "";
  }
  const Recipe& usual() const { return book_.find("thumbnail")->recipe; }
  const Recipe& fast() const { return book_.find("thumbnail-fast")->recipe; }
  /// What a line of shell writes.
  std::string said(const std::string& line) {
    return read_text(commands_.run(commands_.shell(line)).output_path);
  }

 private:
  static NativeWorkersOptions workers() {
    NativeWorkersOptions native;
    native.program = vips_worker;
    return native;
  }
  void add(const std::string& name, const std::string& bytes) {
    write_text(bench_.disk() / "images" / name, bytes);
    names_.push_back(name);
  }

  ToolBench commands_;
  ToolBench bench_;
  RecipeBook book_;
  std::vector<std::string> names_;
};

bool can_be_tried() {
  return !vips_worker.empty() && load_recipe_book("")->find("thumbnail")->available();
}

std::string size_in(const std::string& image) {
  const ImageHeader header = header_of(bytes_of(image), {});
  return header.type + " " + std::to_string(header.width) + "x" + std::to_string(header.height);
}

/// The recipe with lossless output, so that pixels can be compared.
Recipe lossless(Recipe recipe) {
  recipe.argv.back() = "{out}";
  recipe.output = "png";
  std::erase_if(recipe.parameters, [](const Parameter& one) { return one.name == "quality"; });
  return recipe;
}

}  // namespace

TEST_CASE("host_tools: a fast thumbnail has the size of the usual one, to the pixel") {
  if (!can_be_tried()) return;
  Thumbnails made;
  int other_bytes = 0;
  const std::pair<int, int> boxes[] = {{200, 200}, {64, 64}, {160, 90}, {333, 50}, {17, 1000}};
  for (const std::string& name : made.names()) {
    for (const auto& [width, height] : boxes) {
      CAPTURE(name);
      CAPTURE(width);
      const std::string usual = made.bytes(made.usual(), name, width, height);
      const std::string fast = made.bytes(made.fast(), name, width, height);
      CHECK(size_in(fast) == size_in(usual));
      other_bytes += fast != usual ? 1 : 0;
    }
  }
  CHECK(other_bytes > 30);  // of those of JPEGs
}

TEST_CASE("host_tools: of other types, and where the decoder shrinks alike, it is the usual one") {
  if (!can_be_tried()) return;
  Thumbnails made;
  const auto same = [&](const std::string& name, int side) {
    return made.bytes(made.fast(), name, side, side) == made.bytes(made.usual(), name, side, side);
  };
  for (const char* name : {"other.png", "other.tif", "other.webp"}) CHECK(same(name, 200));
  CHECK(same("plain.jpg", 900));  // less than half: nothing is left to the decoder
  CHECK(same("plain.jpg", 60));   // by more than 16: it shrinks by 8 in both ways
  CHECK(same("plain.jpg", 2000));
  CHECK_FALSE(same("plain.jpg", 700));
  CHECK_FALSE(same("plain.jpg", 100));
  CHECK(made.bytes(made.fast(), "turned.jpg", 500, 600) ==  // upright it is 729x1039
        made.bytes(made.usual(), "turned.jpg", 500, 600));
  Recipe usual = made.usual(), fast = made.fast();
  for (Recipe* recipe : {&usual, &fast}) recipe->argv.emplace_back("--linear");
  CHECK(made.bytes(fast, "plain.jpg", 200, 200) == made.bytes(usual, "plain.jpg", 200, 200));
}

TEST_CASE("host_tools: the pixels of a fast thumbnail are nearly those of the usual one") {
  if (!can_be_tried()) return;
  Thumbnails made;
  const Recipe usual = lossless(made.usual()), fast = lossless(made.fast());
  const auto difference = [&](const std::string& name, int side) {
    const std::string a = made.run(usual, name, side, side).output_path;
    const std::string b = made.run(fast, name, side, side).output_path;
    const std::string mean = made.said("cd \"$(dirname \"$out\")\"; unset VIPS_BLOCK_UNTRUSTED; " +
                                       ("vips subtract " + a + " " + b) +
                                       " d.v && vips abs d.v e.v && vips avg e.v >\"$out\"");
    REQUIRE_FALSE(mean.empty());
    return std::stod(mean);  // of 255
  };
  for (const int side : {500, 333, 120}) {
    CAPTURE(side);
    for (const std::string name :
         {"plain.jpg", "progressive.jpg", "grey.jpg", "cmyk.jpg", "full-colour.jpg"}) {
      CAPTURE(name);
      CHECK(difference(name, side) <= 1.0);
    }
  }
  // By the last part of a pixel that the decoder leaves out it is wider: nowhere by a pixel.
  CHECK(difference("turned.jpg", 300) <= 3.0);
}

TEST_CASE("host_tools: a fast thumbnail keeps the metadata, and ends alike on a file cut short") {
  if (!can_be_tried()) return;
  Thumbnails made;
  const auto described = [&](const Recipe& recipe, const char* name) {
    const std::string path = made.run(recipe, name, 200, 200).output_path;
    return made.said("vipsheader -a " + path + " | tail -n +2 | grep -v ^filename >\"$out\"");
  };
  for (const char* name : {"turned.jpg", "cmyk.jpg", "cut.jpg"}) {
    CAPTURE(name);
    const std::string usual = described(made.usual(), name);
    CHECK(usual.find("width: ") != std::string::npos);
    CHECK(described(made.fast(), name) == usual);
  }
}

TEST_CASE("host_tools: what only a worker can do is never done by the command") {
  for (const NativeWorkersOptions& native : workers_that_do_nothing()) {
    OddBench bench(native);
    for (int i = 0; i < 3; ++i) {
      ToolRun only = bench.job("copy");
      only.fast_shrink_on_load = true;
      const ToolReport report = bench.bench().run(only);
      CHECK(report.end == ToolEnd::not_started);
      CHECK(report.error_text.find("native worker") != std::string::npos);
      CHECK(report.output_size == 0);
    }
  }
  OddBench bench(odd_workers());
  ToolRun only = bench.job("copy");
  only.fast_shrink_on_load = true;
  CHECK(read_text(bench.bench().run(only).output_path) == "stored bytes");
  ToolRun greedy = bench.job("copy");
  greedy.fast_shrink_on_load = true;
  greedy.limits.memory_bytes = worker_memory_bytes_max + 1;
  CHECK(bench.bench().run(greedy).end == ToolEnd::not_started);
}

TEST_CASE("host_tools: a side without a limit is no fast thumbnail, and said to be none") {
  if (!can_be_tried()) return;
  Thumbnails made;
  Recipe recipe = made.fast();
  for (Parameter& one : recipe.parameters) one.minimum = 0;

  const ToolReport report = made.run(recipe, "plain.jpg", 0, 100);

  CHECK(report.end == ToolEnd::exit_status);
  CHECK(report.error_text == "thumbnail: width and height have to be above 0\n");
}

#include <doctest/doctest.h>

#include "image_bytes.h"
#include "tool_bench.h"

using namespace pixmesh;
using namespace pixmesh::test;
namespace fs = std::filesystem;

// What a node refuses by the header before any tool starts (tests/end_to_end/hostile_test.cc),
// given to the tools all the same: the second wall has to hold without the first.
namespace {

struct HostileImage {
  std::string name;
  std::string ending;  // what the tool is told that it is
  Bytes bytes;
};

Bytes joined(Bytes first, std::string_view second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

std::vector<HostileImage> hostile_images() {
  const std::string drawing =
      "<svg xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink' "
      "width='9' height='9'><image xlink:href='/etc/hostname' width='9' height='9'/></svg>";
  const std::string script = "push graphic-context\nimage over 0,0 0,0 'label:@/etc/hostname'\n";
  Bytes cut = jpeg_bytes({.scan_bytes = 5'000});
  cut.resize(600);
  Bytes text;
  return {{"gif of 65,535 x 65,535", "gif", gif_bytes({65'535, 65'535, 65'535, 65'535})},
          {"png of 60,000 x 60,000", "png", png_bytes({.width = 60'000, .height = 60'000})},
          {"jpeg of 65,500 x 65,500", "jpg", jpeg_bytes({.width = 65'500, .height = 65'500})},
          {"jpeg of 1,000 scans", "jpg",
           jpeg_bytes({.progressive = true, .scans = 1'000, .scan_bytes = 2'000})},
          {"cut jpeg", "jpg", cut},
          {"svg as jpeg", "jpg", joined(text, drawing)},
          {"mvg as png", "png", joined(text, script)},
          {"gif and drawing", "svg", joined(gif_bytes({}), drawing)},
          {"jpeg and script", "mvg", joined(jpeg_bytes({}), script)},
          {"tiff without end", "tif", tiff_bytes({.reduced = 1, .ring = true})},
          {"animation of 5,000 frames", "gif", gif_bytes({.frames = 5'000})}};
}

std::vector<std::vector<std::string>> tool_lines() {
  return {{"vipsthumbnail", "{in}", "--size", "90x90", "-o", "{out}"},
          {"convert", "{in}[0]", "-resize", "90x90", "{out}"}};
}

}  // namespace

TEST_CASE("hostile: bombs, polyglots and cut files end tools in time and in their memory") {
  const auto sandbox = sandbox_if_it_works();
  if (!sandbox) return;
  ToolBench bench(sandbox);
  for (const HostileImage& image : hostile_images()) {
    write_text(bench.disk() / "images/hostile",
               {reinterpret_cast<const char*>(image.bytes.data()), image.bytes.size()});
    for (const auto& line : tool_lines()) {
      ToolRun tool = bench.tool(line);
      tool.input_path = "images/hostile";
      tool.input_extension = image.ending;
      tool.output_extension = "png";
      tool.limits.memory_bytes = 1ULL << 30;
      tool.limits.wall = 4s;
      CAPTURE(image.name);
      CAPTURE(line.front());

      const ToolReport report = bench.run(tool);

      CHECK(report.end != ToolEnd::not_started);
      CHECK(report.wall < 8s);
      CHECK(report.memory_bytes <= 1ULL << 30);
      if (report.end == ToolEnd::finished) {
        CHECK(read_text(report.output_path).starts_with("\x89PNG"));
      }
      CHECK(read_text(report.output_path).find("hostname") == std::string::npos);
      bench.executor().discard(report.run);
    }
  }
  CHECK(bench.run(bench.tool({"cp", "{in}", "{out}"})).end == ToolEnd::finished);
}

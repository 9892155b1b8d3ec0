#include "pictures.h"

#include <doctest/doctest.h>

#include <random>

#include "child_process.h"
#include "test_mesh.h"

namespace pixmesh {
namespace {

namespace fs = std::filesystem;

const fs::path& studio() {
  static const TempFolder folder;
  return folder.path();
}

std::string run_tool(Words words) {
  Launch launch;
  launch.words = std::move(words);
  launch.folder = studio();
  const std::string program = launch.words.front() + " " + launch.words.back();
  const ProcessAnswer answer = run_to_end(std::move(launch), studio(), 60s);
  REQUIRE_MESSAGE(answer.exit == 0, program << ": " << answer.err);
  return answer.out;
}

std::string saver_options(const std::string& ending) {
  if (ending == "jpg") return "[Q=92]";
  if (ending == "png") return "[compression=1]";
  return "[tile,compression=none]";
}

}  // namespace

PictureSize picture_size_of(const std::string& ending) {
  return ending == "jpg" ? PictureSize{3000, 2000} : PictureSize{2000, 1400};
}

fs::path picture(const std::string& ending, int seed) {
  const fs::path made = studio() / (std::to_string(seed) + "." + ending);
  if (fs::exists(made)) return made;
  const auto [width, height] = picture_size_of(ending);
  std::string bands;
  for (const int band : {0, 1, 2}) {
    const std::string file = "band-" + std::to_string(band) + ".v";
    run_tool({"vips", "gaussnoise", file, std::to_string(width), std::to_string(height), "--mean",
              "128", "--sigma", "30", "--seed", std::to_string(10 * seed + band)});
    bands += (bands.empty() ? "" : " ") + file;
  }
  run_tool({"vips", "bandjoin", bands, "joined.v"});
  run_tool({"vips", "cast", "joined.v", "bytes.v", "uchar"});
  run_tool({"vips", "copy", "bytes.v", made.filename().string() + saver_options(ending),
            "--interpretation", "srgb"});
  return made;
}

PictureSize size_of_picture(const fs::path& file) {
  PictureSize size;
  for (const auto& [field, number] : {std::pair{"width", &size.width}, {"height", &size.height}}) {
    Launch launch;
    launch.words = {"vipsheader", "-f", field, file.string()};
    const ProcessAnswer answer = run_to_end(std::move(launch), studio(), 20s);
    if (answer.exit == 0) *number = std::stoi(answer.out);
  }
  return size;
}

fs::path random_file(std::uint64_t bytes, int seed) {
  const fs::path made = studio() / (std::to_string(seed) + "-" + std::to_string(bytes) + ".bin");
  if (fs::exists(made)) return made;
  std::mt19937_64 noise(static_cast<std::uint64_t>(seed));
  std::string text(bytes, '\0');
  for (std::uint64_t at = 0; at < bytes; at += sizeof(std::uint64_t)) {
    const std::uint64_t word = noise();
    for (std::uint64_t byte = at; byte < std::min(bytes, at + 8); ++byte) {
      text[byte] = static_cast<char>(word >> (8 * (byte - at)) & 0xff);
    }
  }
  write_file(made, text);
  return made;
}

std::string b2sum_of(const fs::path& file) {
  const std::string line = run_tool({"b2sum", "-l", "256", file.string()});
  return line.substr(0, line.find(' '));
}

}  // namespace pixmesh

#include "cli/result_paths.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <vector>

#include "base/rng.h"

using namespace pixmesh;

namespace {

const ResultNaming naming{"thumbnail", "jpg", false};
const ResultNaming folded{"thumbnail", "jpg", true};

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text;
}

/// A name of pieces that are dangerous side by side.
std::string odd_name(Rng& rng) {
  static const std::vector<std::string> pieces{
      "a",  "A",  "/",    "/", "..", ".",  "%", "~",  "%2E", ".thumbnail.jpg",
      "\\", "\n", "\x7f", "é", "É",  "%~", " ", "-o", "C:",  ".jpg",
      "//", "x",  "%25"};
  std::string name;
  for (std::uint64_t count = 1 + rng.below(8); count > 0; --count) {
    name += pieces[rng.below(pieces.size())];
  }
  if (rng.below(20) == 0) name += std::string(200 + rng.below(3), 'l');
  return name;
}

void check_safe(const std::string& path) {
  CHECK(path.size() <= 3'000);
  CHECK(path.front() != '/');
  for (const auto& part : std::filesystem::path(path)) {
    CHECK_FALSE(part.empty());
    CHECK(part.string().front() != '.');
    CHECK(part.string().size() <= 255);
  }
  CHECK(std::ranges::none_of(path, [](char c) { return static_cast<unsigned char>(c) < 0x20; }));
  CHECK(std::filesystem::path(path).lexically_normal() == std::filesystem::path(path));
}

}  // namespace

TEST_CASE("cli: a result is called like its image, its recipe and its type") {
  CHECK(result_path_of("cat.tif", naming) == "cat.tif.thumbnail.jpg");
  CHECK(result_path_of("2024/may/cat.png", naming) == "2024/may/cat.png.thumbnail.jpg");
  CHECK(result_path_of("Été 1.jpg", naming) == "Été 1.jpg.thumbnail.jpg");
}

TEST_CASE("cli: no name of an image leads out of the folder") {
  CHECK(result_path_of("../../etc/passwd", naming) == "%2E./%2E./etc/passwd.thumbnail.jpg");
  CHECK(result_path_of("/etc/passwd", naming) == "%/etc/passwd.thumbnail.jpg");
  CHECK(result_path_of("a//b", naming) == "a/%/b.thumbnail.jpg");
  CHECK(result_path_of("..", naming) == "%2E..thumbnail.jpg");
  CHECK(result_path_of(".pixmesh-map.jsonl", naming) == "%2Epixmesh-map.jsonl.thumbnail.jpg");
  CHECK(result_path_of("a/", naming) == "a/%.thumbnail.jpg");
  check_safe(result_path_of(std::string(1024, '/'), naming));
  check_safe(result_path_of(std::string(1024, '.'), naming));
  check_safe(result_path_of(std::string(1024, '\x01'), naming));
}

TEST_CASE("cli: a long name is cut between characters and keeps apart from others") {
  std::string name;
  for (int i = 0; i < 300; ++i) name += "é";
  const std::string one = result_path_of(name + "1", naming);
  const std::string other = result_path_of(name + "2", naming);
  check_safe(one);
  CHECK(one != other);
  CHECK(one.substr(0, 160).find("\xc3%") == std::string::npos);
}

TEST_CASE("cli: a folder and a result never want one path") {
  const std::string file = result_path_of("a", naming);
  const std::string below = result_path_of("a.thumbnail.jpg/b", naming);
  CHECK(file == "a.thumbnail.jpg");
  CHECK(below == "a%2Ethumbnail.jpg/b.thumbnail.jpg");
}

TEST_CASE("cli: 100,000 odd names have paths that are safe and all differ") {
  Rng rng(20261129);
  std::map<std::string, std::string> image_of;
  std::map<std::string, std::string> folded_image_of;
  for (int i = 0; i < 100'000; ++i) {
    const std::string name = odd_name(rng);
    const std::string path = result_path_of(name, naming);
    if (i < 2'000) check_safe(path);
    const auto [known, fresh] = image_of.emplace(path, name);
    if (!fresh) CHECK_MESSAGE(known->second == name, path);
    const std::string fold = lower(result_path_of(name, folded));
    const auto [same, first] = folded_image_of.emplace(fold, name);
    if (!first) CHECK_MESSAGE(same->second == name, fold);
  }
  // No path of a file is a folder of another one.
  for (const auto& [path, name] : image_of) {
    const auto next = image_of.lower_bound(path + "/");
    const bool is_below = next != image_of.end() && next->first.starts_with(path + "/");
    CHECK_MESSAGE(!is_below, path);
  }
}

TEST_CASE("cli: a stored result keeps an extension that is right") {
  CHECK(stored_name_of("t/", "cat.jpg", "jpg") == "t/cat.jpg");
  CHECK(stored_name_of("t/", "cat.JPEG", "jpg") == "t/cat.JPEG");
  CHECK(stored_name_of("t/", "cat.tiff", "tif") == "t/cat.tiff");
  CHECK(stored_name_of("t/", "cat.png", "jpg") == "t/cat.png.jpg");
  CHECK(stored_name_of("t/", "a.b/cat", "png") == "t/a.b/cat.png");
}

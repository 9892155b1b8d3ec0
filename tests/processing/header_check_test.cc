#include "processing/header_check.h"

#include <doctest/doctest.h>

#include "image_bytes.h"
#include "processing/header_scan.h"

using namespace pixmesh;
using namespace pixmesh::test;

namespace {

Recipe recipe_for(std::vector<std::string> accepts) {
  Recipe recipe;
  recipe.name = "thumbnail";
  recipe.argv = {"tool", "{in}", "{out}"};
  recipe.output = "jpg";
  recipe.accepts = std::move(accepts);
  return recipe;
}

const std::vector<std::string> all_types{"jpeg", "png", "tiff", "webp", "gif"};

void check_refused(const Result<Done>& answer, ErrorCode code, std::vector<std::string> words) {
  REQUIRE_FALSE(answer.has_value());
  CHECK(answer.error().code == code);
  for (const std::string& word : words) {
    CHECK_MESSAGE(answer.error().detail.find(word) != std::string::npos,
                  answer.error().detail << " lacks " << word);
  }
}

Result<Done> tried(const Bytes& image, const Recipe& recipe = recipe_for(all_types)) {
  return check_header(recipe, header_of(image, recipe.header_limits));
}

}  // namespace

TEST_CASE("processing: an image within the limits may be processed") {
  for (const auto& image :
       {jpeg_bytes({}), png_bytes({}), tiff_bytes({.reduced = 6}), webp_bytes({}), gif_bytes({})}) {
    CHECK(tried(image).has_value());
  }
}

TEST_CASE("processing: each limit refuses what is over it, by name") {
  check_refused(tried(png_bytes({.width = 20'000, .height = 15'000})), ErrorCode::denied,
                {"20000x15000", "300 megapixels", "at most 250", "'megapixels'", "thumbnail"});
  check_refused(tried(png_bytes({.width = 60'001, .height = 1})), ErrorCode::denied,
                {"60001x1", "60000 a side", "'side'"});
  check_refused(tried(gif_bytes({.frames = 2})), ErrorCode::denied, {"2 frames", "'frames'"});
  check_refused(tried(jpeg_bytes({.progressive = true, .scans = 1'000})), ErrorCode::denied,
                {"101 scans", "at most 100", "'scans'"});
  check_refused(tried(tiff_bytes({.big_tiff = true, .profile_bytes = 1ULL << 40})),
                ErrorCode::denied, {"64MiB", "'ancillary'"});
}

TEST_CASE("processing: a recipe has limits of its own") {
  Recipe generous = recipe_for(all_types);
  generous.header_limits.pixels = 400'000'000;
  generous.header_limits.frames = 3;
  Recipe strict = recipe_for(all_types);
  strict.header_limits.pixels = 1'000'000;

  CHECK(tried(png_bytes({.width = 20'000, .height = 15'000}), generous).has_value());
  CHECK(tried(gif_bytes({.frames = 3}), generous).has_value());
  check_refused(tried(jpeg_bytes({}), strict), ErrorCode::denied, {"24 megapixels", "at most 1"});
}

TEST_CASE("processing: bytes of another type than the recipe accepts are refused") {
  const Bytes svg(2'000, '<');

  check_refused(tried(svg), ErrorCode::usage, {"no image we know", "jpeg, png"});
  check_refused(tried(gif_bytes({}), recipe_for({"jpeg"})), ErrorCode::usage, {"gif", "jpeg"});
  CHECK(tried(svg, recipe_for({})).has_value());
}

TEST_CASE("processing: a damaged header is refused, but not by a recipe that takes any bytes") {
  Bytes cut = jpeg_bytes({});
  cut.resize(40);

  check_refused(tried(cut), ErrorCode::denied, {"jpeg", "ends inside its header", "pixmesh put"});
  check_refused(tried(png_bytes({.width = 0})), ErrorCode::denied, {"png", "damaged"});
  check_refused(tried(tiff_bytes({.reduced = 1, .ring = true})), ErrorCode::denied, {"tiff"});
  CHECK(tried(cut, recipe_for({})).has_value());
}

#include "processing/recipe.h"

#include <doctest/doctest.h>

#include <functional>

#include "processing/recipe_book.h"
#include "sample_recipe.h"

using namespace pixmesh;

namespace {

std::string fault_after(const std::function<void(Recipe&)>& change) {
  Recipe recipe = sample_recipe();
  change(recipe);
  const Result<Done> checked = check_recipe(recipe);
  return checked ? "" : checked.error().detail;
}

/// Has a libvips worker do this command line, which has no parameters.
void by_vips(Recipe& recipe, std::vector<std::string> argv) {
  recipe.argv = std::move(argv);
  recipe.output = "jpg";
  recipe.parameters.clear();
  recipe.engine = ToolEngine::vips;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("processing: a sound recipe passes its check") {
  CHECK(check_recipe(sample_recipe()).has_value());
}

TEST_CASE("processing: a hole that is no parameter is refused with the nearest name") {
  const std::string fault = fault_after([](Recipe& r) { r.argv[3] = "{widht}x{height}"; });
  CHECK(contains(fault, "no parameter 'widht'; did you mean 'width'?"));
}

TEST_CASE("processing: every fault of a recipe is found") {
  const std::vector<std::pair<std::function<void(Recipe&)>, std::string>> faults{
      {[](Recipe& r) { r.name = "Thumb"; }, "name"},
      {[](Recipe& r) { r.name = "a/b"; }, "name"},
      {[](Recipe& r) { r.argv.clear(); }, "argv is empty"},
      {[](Recipe& r) { r.argv[0] = "{width}"; }, "may not have holes"},
      {[](Recipe& r) { r.argv[0] = "../tool"; }, "neither a plain name"},
      {[](Recipe& r) { r.argv[1] = "x"; }, "{in} is missing"},
      {[](Recipe& r) { r.argv[7] = "[Q={quality}]"; }, "{out} is missing"},
      {[](Recipe& r) { r.input_on_stdin = true; }, "{in} occurs although stdin"},
      {[](Recipe& r) { r.output_on_stdout = true; }, "{out} occurs although stdout"},
      {[](Recipe& r) { r.argv[2] = "--size}"; }, "brace"},
      {[](Recipe& r) { r.argv[2] = "{size"; }, "brace"},
      {[](Recipe& r) { r.argv[3] = "{width}"; }, "'height' is never used"},
      {[](Recipe& r) { r.parameters[0].minimum = 20'000; }, "min above its max"},
      {[](Recipe& r) { r.parameters[0].default_value = 0; }, "outside its range"},
      {[](Recipe& r) { r.parameters[0].name = "in"; }, "parameter 'in'"},
      {[](Recipe& r) { r.parameters[1].name = "width"; }, "'width' twice"},
      {[](Recipe& r) { r.parameters[4].default_value = 2; }, "true or false"},
      {[](Recipe& r) {
         r.parameters[5].choices = {"jpg", "a b"};
       },
       "letters"},
      {[](Recipe& r) {
         r.parameters[5].choices = {"jpg", "jpg"};
       },
       "twice"},
      {[](Recipe& r) {
         r.parameters[5].choices = {"jpg", "JPG"};
       },
       "not all extensions"},
      {[](Recipe& r) { r.parameters[5].default_value = 2; }, "none of its values"},
      {[](Recipe& r) { r.output = "../x"; }, "no extension"},
      {[](Recipe& r) { r.output = "{width}"; }, "no enum parameter"},
      {[](Recipe& r) { r.limits.wall = 0s; }, "limit of zero"},
      {[](Recipe& r) { r.header_limits.scans = 0; }, "limit of zero"},
      {[](Recipe& r) { r.accepts = {"image/jpeg"}; }, "media types"},
      {[](Recipe& r) { r.engine = ToolEngine::vips; }, "engine \"vips\": "},
      {[](Recipe& r) { r.fast_shrink_on_load = true; }, "goes only with vipsthumbnail"},
      {[](Recipe& r) {
         by_vips(r, {"vips", "copy", "{in}", "{out}"});
         r.fast_shrink_on_load = true;
       },
       "goes only with vipsthumbnail"},
      {[](Recipe& r) {
         by_vips(r, {"vipsthumbnail", "{in}", "--size", "9", "-o", "{out}"});
         r.fast_shrink_on_load = true;
         r.limits.memory_bytes = worker_memory_bytes_max + 1;
       },
       "at most 8GiB of memory"},
  };
  for (const auto& one : faults) {
    const std::string& words = one.second;
    const std::string fault = fault_after(one.first);
    CAPTURE(words);
    CAPTURE(fault);
    CHECK(contains(fault, words));
  }
}

TEST_CASE("processing: the digest tells apart whatever changes a run, and not the summary") {
  const Digest original = recipe_digest(sample_recipe());
  const auto digest_after = [](const std::function<void(Recipe&)>& change) {
    Recipe recipe = sample_recipe();
    change(recipe);
    return recipe_digest(recipe);
  };

  CHECK(digest_after([](Recipe& r) { r.summary = "other"; }) == original);
  CHECK(digest_after([](Recipe& r) { r.argv[2] = "--box"; }) != original);
  CHECK(digest_after([](Recipe& r) { r.parameters[0].maximum = 2; }) != original);
  CHECK(digest_after([](Recipe& r) { r.parameters[5].choices = {"png", "jpg"}; }) != original);
  CHECK(digest_after([](Recipe& r) { r.limits.memory_bytes = 1; }) != original);
  CHECK(digest_after([](Recipe& r) { r.header_limits.frames = 2; }) != original);
  CHECK(digest_after([](Recipe& r) { r.output_on_stdout = true; }) != original);
  CHECK(digest_after([](Recipe& r) { r.vips_modules = true; }) != original);
  CHECK(digest_after([](Recipe& r) { r.engine = ToolEngine::vips; }) != original);
  CHECK(digest_after([](Recipe& r) { r.fast_shrink_on_load = true; }) != original);
  CHECK(to_text(original) == "16d170493ea6578b3580394ddef8f4bee5a8ca04867df6795fb0ebf949ec0982");
}

TEST_CASE("processing: a book replaces a recipe of the same name and suggests near names") {
  RecipeBook book;
  REQUIRE(book.add(sample_recipe()).has_value());
  const Digest old_digest = book.find("thumbnail")->digest;
  Recipe changed = sample_recipe();
  changed.limits.wall = 5s;

  REQUIRE(book.add(changed, "'tool'").has_value());

  CHECK(book.entries().size() == 1);
  CHECK(book.require("thumbnail", old_digest).error().code == ErrorCode::overloaded);
  CHECK(contains(book.require("thumbnail", recipe_digest(changed)).error().detail, "'tool'"));
  CHECK(contains(book.look_up("thumbnial").error().detail, "did you mean 'thumbnail'?"));
  CHECK(book.look_up("zzz\n").error().code == ErrorCode::usage);
  CHECK_FALSE(book.add(Recipe{}).has_value());
}

TEST_CASE("processing: an image of another type is refused by its name and the accepted types") {
  CHECK(check_media(sample_recipe(), "cat.jpg", "jpeg").has_value());
  CHECK(check_media(sample_recipe(), "text.txt", "").error().detail ==
        "text.txt is no image that 'thumbnail' accepts (jpeg, png, tiff, webp)");
}

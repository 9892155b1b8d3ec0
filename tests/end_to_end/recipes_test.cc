#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>

#include "pictures.h"
#include "test_mesh.h"

using namespace pixmesh;

namespace {

namespace fs = std::filesystem;

/// Runs a recipe at a node and measures what comes out.
PictureSize size_of_run(TestMesh& mesh, std::size_t node, const std::string& recipe,
                        const std::string& name, const Words& arguments) {
  const fs::path out = mesh.folder() / ("out." + recipe);
  Words words{"run", recipe, name};
  words.insert(words.end(), arguments.begin(), arguments.end());
  words.insert(words.end(), {"-o", out.string()});
  const ProcessAnswer answer = mesh.cli_at(node, words);
  CHECK_MESSAGE(answer.exit == 0, answer.err);
  const PictureSize size = size_of_picture(out);
  fs::remove(out);
  return size;
}

bool has_native_workers() {
  return fs::exists(fs::path(PIXMESH_PROGRAM).parent_path() / "pixmesh-vips-worker");
}

/// A file of recipes with one that answers `said`.
std::string recipe_that_says(const std::string& said) {
  return "[recipe.say]\nargv = [\"echo\", \"" + said +
         "\"]\noutput = \"txt\"\nstdin = true\nstdout = true\n";
}

}  // namespace

TEST_SUITE("images") {
  TEST_CASE("recipes: a run through each node gives a picture of the size asked for") {
    TestMesh& mesh = quiet_mesh();
    for (const char* ending : {"jpg", "png", "tif"}) {
      const std::string name = std::string("runs/photo.") + ending;
      mesh.must({"put", picture(ending, 1).string(), "--name", name});
      for (std::size_t node = 0; node < mesh.size(); ++node) {
        const PictureSize size =
            size_of_run(mesh, node, "thumbnail", name, {"width=300", "height=300"});
        CHECK(size.width == 300);
        CHECK(size.height == (std::string(ending) == "jpg" ? 200 : 210));
      }
    }
  }

  TEST_CASE("recipes: every built-in one that makes a picture makes the right one") {
    TestMesh& mesh = quiet_mesh();
    mesh.must({"put", picture("jpg", 1).string(), "--name", "built-in.jpg"});
    struct Case {
      std::string recipe;
      Words arguments;
      PictureSize expected;
    };
    const std::vector<Case> cases{
        {"resize", {"scale=0.1", "format=png"}, {300, 200}},
        {"convert", {"format=png"}, {3000, 2000}},
        {"crop", {"left=10", "top=20", "width=640", "height=480"}, {640, 480}},
        {"rotate", {"angle=90"}, {2000, 3000}},
        {"sharpen", {"sigma=1"}, {3000, 2000}},
        {"im-resize", {"width=150", "height=150"}, {150, 100}}};

    for (const Case& tried : cases) {
      CAPTURE(tried.recipe);
      CHECK(size_of_run(mesh, 0, tried.recipe, "built-in.jpg", tried.arguments) == tried.expected);
    }
  }

  TEST_CASE("recipes: 'info' answers JSON through a pipe") {
    TestMesh& mesh = quiet_mesh();
    mesh.must({"put", picture("tif", 1).string(), "--name", "info.tif"});

    const Json said = Json::parse(mesh.must({"run", "info", "info.tif", "-o", "-"}));

    CHECK(said["width"] == 2000);
    CHECK(said["height"] == 1400);
  }

  TEST_CASE("recipes: without -o the picture gets a name from image and recipe") {
    TestMesh& mesh = quiet_mesh();
    mesh.must({"put", picture("png", 1).string(), "--name", "deep/down.png"});

    mesh.must({"run", "thumbnail", "deep/down.png", "width=100"});

    CHECK(size_of_picture(mesh.folder() / "down.thumbnail.jpg").width == 100);
  }

  TEST_CASE("recipes: the list tells all of them with their parameters and ranges") {
    TestMesh& mesh = quiet_mesh();

    std::vector<std::string> names;
    for (const Json& recipe : json_lines(mesh.must({"recipe", "ls", "--json"}))) {
      CHECK(recipe["available"] == (recipe["name"] != "thumbnail-fast" || has_native_workers()));
      names.push_back(recipe["name"]);
    }
    std::sort(names.begin(), names.end());
    const Json thumbnail = mesh.json({"recipe", "show", "thumbnail"});

    CHECK(names == std::vector<std::string>{"convert", "crop", "im-identify", "im-resize", "info",
                                            "resize", "rotate", "sharpen", "thumbnail",
                                            "thumbnail-fast"});
    REQUIRE(thumbnail["parameters"].size() == 3);
    const std::string range = thumbnail["parameters"][0]["range"];
    CHECK(range.find("16384") != std::string::npos);
  }

  TEST_CASE("recipes: what only native workers can do is done where there is one, or nowhere") {
    if (!has_native_workers()) return;
    MeshOptions options;
    options.place = [](std::size_t node) {
      NodePlace place;
      if (node != 2) place.words = {"--native", "off"};
      return place;
    };
    TestMesh mesh(options);
    mesh.must({"put", picture("jpg", 1).string(), "--name", "fast.jpg", "--wait", "all"});

    const Json shown = mesh.json_at(0, {"recipe", "show", "thumbnail-fast"});
    CHECK(shown["available"] == false);
    CHECK(shown["missing"] == "a native worker");
    const Json plan = mesh.json_at(0, {"run", "thumbnail-fast", "fast.jpg", "--explain"});
    REQUIRE(plan["candidates"].size() == 1);
    CHECK(plan["candidates"][0]["address"] == mesh.address(2));
    CHECK(size_of_run(mesh, 0, "thumbnail-fast", "fast.jpg", {"width=300"}) ==
          PictureSize{300, 200});
    CHECK(size_of_run(mesh, 1, "thumbnail-fast | sharpen", "fast.jpg", {}) ==
          PictureSize{800, 533});

    const fs::path usual = mesh.folder() / "usual.jpg", fast = mesh.folder() / "fast.jpg";
    mesh.must({"run", "thumbnail", "fast.jpg", "-o", usual.string()});
    mesh.must({"run", "thumbnail-fast", "fast.jpg", "-o", fast.string()});
    CHECK_FALSE(same_bytes(usual, fast));

    mesh.kill_node(2);
    check_says(mesh.cli_at(0, {"run", "thumbnail-fast", "fast.jpg", "width=301", "-o", "-"}), 7,
               {"needs is missing"});
    CHECK(size_of_run(mesh, 0, "thumbnail", "fast.jpg", {"width=301"}).width == 301);
  }

  TEST_CASE("recipes: --explain shows command and candidates and runs nothing") {
    TestMesh& mesh = quiet_mesh();
    mesh.must({"put", picture("jpg", 1).string(), "--name", "explained.jpg", "--wait", "all"});

    const Json plan = mesh.json({"run", "thumbnail", "explained.jpg", "width=123", "--explain"});

    CHECK(plan["argv"][0] == "vipsthumbnail");
    CHECK(plan["argv"].dump().find("123x800") != std::string::npos);
    CHECK(plan["candidates"].size() == 3);
    CHECK(plan["lost"].empty());
    for (const Json& one : plan["candidates"]) {  // a reader can do the sum again
      const std::uint64_t run = one["run_micros"], workers = one["workers"];
      const std::uint64_t wait = one["wait_micros"], moving = one["moving_micros"];
      REQUIRE(workers > 0);
      CHECK(one["score_micros"] == (wait * workers + run) / workers + moving);
      CHECK(one["burst_micros"] == 0);  // nobody else asks
    }
    CHECK_FALSE(fs::exists(mesh.folder() / "explained.thumbnail.jpg"));
  }

  TEST_CASE("recipes: SIGHUP has a node read them again, and keep the old ones if they are wrong") {
    TempFolder folder;
    const fs::path file = folder.path() / "recipes.toml";
    write_file(file, recipe_that_says("before"));
    MeshOptions options;
    options.nodes = 1;
    options.node_words = {"--recipes", file.string()};
    TestMesh mesh(options);
    mesh.must({"put", random_file(100'000, 9).string(), "--name", "input"});
    const auto said = [&] { return mesh.must({"run", "say", "input", "-o", "-"}); };
    const auto logged = [&](const char* event) {
      return becomes_true(10s, [&] { return mesh.log_of(0).find(event) != std::string::npos; });
    };
    CHECK(said() == "before\n");

    write_file(file, recipe_that_says("after"));
    mesh.signal_node(0, SIGHUP);
    REQUIRE(logged("recipes_reloaded"));
    CHECK(said() == "after\n");  // not the kept result of the recipe before

    write_file(file, "[recipe.say\n");
    mesh.signal_node(0, SIGHUP);
    REQUIRE(logged("recipes_not_reloaded"));
    CHECK(said() == "after\n");
  }
}

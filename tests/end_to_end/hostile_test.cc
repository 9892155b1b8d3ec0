#include <doctest/doctest.h>

#include <algorithm>

#include "image_bytes.h"
#include "pictures.h"
#include "test_mesh.h"

using namespace pixmesh;
using namespace pixmesh::test;

namespace {

namespace fs = std::filesystem;

/// `witness` is a tool that copies the image and leaves a file where it ran: whoever never saw it
/// was refused before. `generous` is the same with wider limits.
std::string recipes_with_witness(const fs::path& witness) {
  const std::string argv = "argv = [\"tee\", \"" + witness.string() + "\"]\n";
  const std::string rest =
      "output = \"bin\"\nstdin = true\nstdout = true\n"
      "accepts = [\"jpeg\", \"png\", \"tiff\", \"webp\", \"gif\"]\n";
  return "[recipe.witness]\n" + argv + rest + "[recipe.generous]\n" + argv + rest +
         "[recipe.generous.limit]\nmegapixels = 400\nframes = 3\n";
}

/// One node with these recipes.
class HostileMesh {
 public:
  HostileMesh() : mesh_(options()) {}
  TestMesh& mesh() { return mesh_; }

  void store(const std::string& name, const Bytes& bytes) {
    write_file(mesh_.folder() / name, text_of(bytes));
    mesh_.must({"put", (mesh_.folder() / name).string()});
  }
  ProcessAnswer run(const std::string& recipe, const std::string& name) {
    return mesh_.cli({"run", recipe, name, "-o", (mesh_.folder() / "out").string()});
  }
  /// Whether the tool has run since this was asked last.
  bool tool_ran() { return fs::remove(witness()); }

 private:
  [[nodiscard]] fs::path witness() const { return folder_.path() / "witness"; }
  MeshOptions options() {
    write_file(folder_.path() / "recipes.toml", recipes_with_witness(witness()));
    MeshOptions made;
    made.nodes = 1;
    made.node_words = {"--recipes", (folder_.path() / "recipes.toml").string()};
    // The witness writes beside its output, which a sandbox exists to prevent.
    made.place = [](std::size_t) { return without_sandbox(); };
    return made;
  }

  TempFolder folder_;
  TestMesh mesh_;
};

}  // namespace

TEST_SUITE("wrong_input") {
  TEST_CASE("hostile: what is over a limit or no whole image is refused, and no tool has seen it") {
    HostileMesh hostile;
    struct Case {
      std::string name;
      Bytes bytes;
      int exit = 6;
      std::vector<std::string> words;
    };
    Bytes cut = jpeg_bytes({});
    cut.resize(100);
    Bytes svg(3'000, '\n');
    const std::string drawing = "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>";
    std::copy(drawing.begin(), drawing.end(), svg.begin());
    const std::vector<Case> cases{
        {"bomb.png", png_bytes({.width = 60'000, .height = 60'000}), 6, {"3600", "megapixels"}},
        {"300.png", png_bytes({.width = 20'000, .height = 15'000}), 6, {"300 megapixels", "250"}},
        {"bomb.gif", gif_bytes({.screen_width = 65'535, .screen_height = 65'535}), 6, {"side"}},
        {"wide.gif", gif_bytes({.screen_width = 1, .frame_width = 65'535}), 6, {"65535", "side"}},
        {"scans.jpg",
         jpeg_bytes({.progressive = true, .scans = 1'000, .scan_bytes = 2'000}),
         6,
         {"scans", "at most 100"}},
        {"many.gif", gif_bytes({.frames = 9}), 6, {"2 frames", "recipe show witness"}},
        {"pages.tif", tiff_bytes({.frames = 2}), 6, {"2 frames"}},
        {"profile.tif", tiff_bytes({.profile_bytes = 1U << 31}), 6, {"'ancillary'"}},
        {"ring.tif", tiff_bytes({.reduced = 1, .ring = true}), 6, {"no end"}},
        {"cut.jpg", cut, 6, {"no whole jpeg", "ends inside its header"}},
        {"drawing.jpg", svg, 2, {"drawing.jpg", "jpeg, png"}}};

    for (const Case& tried : cases) {
      CAPTURE(tried.name);
      hostile.store(tried.name, tried.bytes);
      check_says(hostile.run("witness", tried.name), tried.exit, tried.words);
      CHECK_FALSE(hostile.tool_ran());
    }
    CHECK_FALSE(fs::exists(hostile.mesh().folder() / "out"));
  }

  TEST_CASE("hostile: a sound image passes, and a recipe with wider limits takes a larger one") {
    HostileMesh hostile;
    hostile.store("good.jpg", jpeg_bytes({}));
    hostile.store("300.png", png_bytes({.width = 20'000, .height = 15'000}));
    hostile.store("three.gif", gif_bytes({.frames = 3}));

    for (const auto& tried :
         {std::pair{"witness", "good.jpg"}, {"generous", "300.png"}, {"generous", "three.gif"}}) {
      const char* name = tried.second;
      CAPTURE(name);
      const ProcessAnswer answer = hostile.run(tried.first, name);
      CHECK_MESSAGE(answer.exit == 0, answer.err);
      CHECK(hostile.tool_ran());
      CHECK(same_bytes(hostile.mesh().folder() / "out", hostile.mesh().folder() / name));
    }
    const Json shown = hostile.mesh().json({"recipe", "show", "generous"});
    CHECK(shown["limits"].get<std::string>().find("400 megapixels") != std::string::npos);
  }

  TEST_CASE("hostile: a flipped bit in a header is a damaged copy, and another holder is asked") {
    TestMesh mesh;
    mesh.wait_calm();
    const fs::path good = picture("png", 3);
    mesh.must({"put", good.string(), "--name", "hurt.png", "--wait", "all"});
    for (const std::size_t node : {0U, 1U}) {
      for (const auto& entry : fs::recursive_directory_iterator(mesh.storage_of(node) / "blobs")) {
        if (!entry.is_regular_file()) continue;
        std::string bytes = text_of_file(entry.path());
        bytes[18] = static_cast<char>(bytes[18] ^ 0x7f);  // the width: half a billion pixels
        write_file(entry.path(), bytes);
      }
    }

    const ProcessAnswer answer = mesh.cli({"run", "thumbnail", "hurt.png", "width=100", "-o",
                                           (mesh.folder() / "small.jpg").string()});

    CHECK_MESSAGE(answer.exit == 0, answer.err);
    CHECK(size_of_picture(mesh.folder() / "small.jpg").width == 100);
  }
}

TEST_SUITE("images") {
  TEST_CASE("recipes: what runs take is learned by size, shown, and measured by 'calibrate'") {
    TestMesh& mesh = quiet_mesh();
    const std::string image = picture("png", 4).string();
    mesh.must({"put", picture("jpg", 4).string(), "--name", "costs.jpg"});

    const std::vector<Json> measured = json_lines(mesh.must(
        {"recipe", "calibrate", "thumbnail", "costs.jpg", image, "--runs", "3", "--json"}));

    REQUIRE(measured.size() == 2);
    CHECK(measured[0]["pixels"] == 3'000 * 2'000);
    CHECK(measured[1]["pixels"] == 2'000 * 1'400);
    for (const Json& told : measured) {
      CHECK(told["runs"] == 3);
      CHECK(told["wall_micros"] >= 1'000);
      CHECK(told["cpu_micros"] >= 1'000);
      CHECK(told["memory_bytes"] >= 1'000'000);
    }
    // Every holder that ran it has learned the sizes that it ran.
    std::uint64_t runs = 0;
    for (std::size_t node = 0; node < mesh.size(); ++node) {
      const ProcessAnswer said = mesh.cli_at(node, {"recipe", "cost", "--json"});
      REQUIRE(said.exit == 0);
      for (const Json& cost : json_lines(said.out)) {
        if (cost["recipe"] != "thumbnail") continue;
        for (const Json& point : cost["points"]) runs += point["runs"].get<std::uint64_t>();
        const ProcessAnswer table = mesh.cli_at(node, {"recipe", "cost"});
        CHECK(table.out.find("MEGAPIXELS") != std::string::npos);
      }
    }
    CHECK(runs >= 6);
    CHECK(mesh.must({"ls", "pixmesh-calibrate/"}).empty());
  }
}

#include <doctest/doctest.h>

#include "image_bytes.h"
#include "pictures.h"
#include "test_mesh.h"

using namespace pixmesh;

namespace {

namespace fs = std::filesystem;

const std::string& stored_picture(TestMesh& mesh) {
  static const std::string name = "good.jpg";
  static const std::string once = mesh.must({"put", picture("jpg", 1).string(), "--name", name});
  return name;
}

}  // namespace

TEST_SUITE("wrong_input") {
  TEST_CASE("wrong input: an unknown name is not found, by every command") {
    TestMesh& mesh = quiet_mesh();
    for (const Words& words :
         {Words{"get", "nobody", "-o", "-"}, Words{"stat", "nobody"}, Words{"where", "nobody"},
          Words{"rm", "nobody"}, Words{"tag", "nobody", "a=b"}, Words{"cp", "nobody", "x"},
          Words{"mv", "nobody", "x"}, Words{"run", "thumbnail", "nobody"}}) {
      CAPTURE(words.front());
      check_says(mesh.cli(words), 3, {"nobody"});
    }
    CHECK(mesh.cli({"stat", "x"}).exit == 3);
  }

  TEST_CASE("wrong input: a recipe or parameter that does not exist, with what was meant") {
    TestMesh& mesh = quiet_mesh();
    const std::string& name = stored_picture(mesh);

    check_says(mesh.cli({"run", "thumbnial", name}), 2, {"thumbnial", "did you mean 'thumbnail'"});
    check_says(mesh.cli({"run", "thumbnail", name, "widht=3"}), 2, {"did you mean 'width'"});
    check_says(mesh.cli({"run", "thumbnail", name, "colour=red"}), 2, {"width", "height"});
    check_says(mesh.cli({"run", "thumbnail", name, "width"}), 2, {"key=value"});
    check_says(mesh.cli({"recipe", "show", "thumbnial"}), 3, {"did you mean 'thumbnail'"});
  }

  TEST_CASE("wrong input: a parameter outside its range, with the range") {
    TestMesh& mesh = quiet_mesh();
    const std::string& name = stored_picture(mesh);

    check_says(mesh.cli({"run", "thumbnail", name, "width=0"}), 2, {"width", "1", "16384"});
    check_says(mesh.cli({"run", "thumbnail", name, "width=16385"}), 2, {"16384"});
    check_says(mesh.cli({"run", "thumbnail", name, "width=ten"}), 2, {"ten", "16384"});
    check_says(mesh.cli({"run", "rotate", name, "angle=45"}), 2, {"90", "180", "270"});
    check_says(mesh.cli({"run", "thumbnail", name, "width=10; rm -rf /"}), 2, {"width"});
    CHECK(run_folders_in(mesh.storage_of(0)) == 0);
  }

  TEST_CASE("wrong input: any file is stored, but only a picture is processed") {
    TestMesh& mesh = quiet_mesh();
    write_file(mesh.folder() / "notes.jpg", "these are my notes\n");
    mesh.must({"put", (mesh.folder() / "notes.jpg").string()});

    CHECK(mesh.comes_back(0, "notes.jpg", mesh.folder() / "notes.jpg"));
    check_says(mesh.cli({"run", "thumbnail", "notes.jpg"}), 2, {"jpeg", "png"});
  }

  TEST_CASE("wrong input: what a tool says about a damaged picture is shown") {
    TestMesh& mesh = quiet_mesh();
    // Sound headers, and no picture behind them.
    write_file(mesh.folder() / "damaged.jpg", text_of(test::jpeg_bytes({})));
    write_file(mesh.folder() / "damaged.png", text_of(test::png_bytes({})));
    mesh.must({"put", (mesh.folder() / "damaged.jpg").string()});
    mesh.must({"put", (mesh.folder() / "damaged.png").string()});

    check_says(mesh.cli({"run", "thumbnail", "damaged.jpg", "-o", "none"}), 10,
               {"the tool failed", "VipsJpeg"});
    check_says(mesh.cli({"run", "thumbnail", "damaged.png", "-o", "none"}), 10,
               {"the tool failed"});
    CHECK_FALSE(fs::exists(mesh.folder() / "none"));
  }

  TEST_CASE("wrong input: files that cannot be put") {
    TestMesh& mesh = quiet_mesh();
    write_file(mesh.folder() / "empty", "");
    fs::create_directories(mesh.folder() / "folder");

    check_says(mesh.cli({"put", "empty"}), 2, {"empty"});
    check_says(mesh.cli({"put", "/dev/null", "--name", "null"}), 2, {"empty"});
    check_says(mesh.cli({"put", "missing"}), 1, {"there is no file 'missing'"});
    check_says(mesh.cli({"put", "folder"}), 2, {"--recursive"});
    for (const char* name : {"empty", "null", "missing", "folder"}) {
      CHECK(mesh.cli({"stat", name}).exit == 3);
    }
  }

  TEST_CASE("wrong input: one file that cannot be put does not keep the others from it") {
    TestMesh& mesh = quiet_mesh();
    write_file(mesh.folder() / "fine-1", "one");
    write_file(mesh.folder() / "fine-2", "two");

    check_says(mesh.cli({"put", "fine-1", "missing", "fine-2"}), 1, {"missing", "2 of 3 stored"});

    CHECK(mesh.comes_back(1, "fine-1", mesh.folder() / "fine-1"));
    CHECK(mesh.comes_back(1, "fine-2", mesh.folder() / "fine-2"));
  }

  TEST_CASE("wrong input: places where nothing can be written") {
    TestMesh& mesh = quiet_mesh();
    const std::string& name = stored_picture(mesh);

    check_says(mesh.cli({"get", name, "-o", "no/such/folder/x"}), 2, {"no/such/folder", "mkdir"});
    CHECK(mesh.cli({"get", name, "-o", "/proc/x"}).exit != 0);
    check_says(mesh.cli({"get", name, "-o", "/dev/full"}), 11, {"/dev/full"});
  }

  TEST_CASE("wrong input: commands and flags that do not exist, with what was meant") {
    TestMesh& mesh = quiet_mesh();

    check_says(mesh.cli({"pup"}), 2, {"pup"});
    check_says(mesh.cli({"recipee"}), 2, {"did you mean 'recipe'"});
    check_says(mesh.cli({"ls", "--jsn"}), 2, {"did you mean '--json'"});
    check_says(mesh.cli({"get"}), 2, {"NAME"});
    check_says(run_pixmesh({}, mesh.folder()), 2, {"put", "get"});
  }

  TEST_CASE("wrong input: --json tells a failure as an object as well") {
    TestMesh& mesh = quiet_mesh();

    const ProcessAnswer answer = mesh.cli({"stat", "nobody", "--json"});

    CHECK(answer.exit == 3);
    const std::vector<Json> told = json_lines(answer.out);
    REQUIRE(told.size() == 1);
    CHECK(told[0]["error"] == "not_found");
    CHECK(told[0]["exit"] == 3);
  }

  TEST_CASE("wrong input: no node at all, and addresses that are none") {
    TempFolder folder;
    const std::string nobody = "127.0.0.1:" + std::to_string(free_port());

    check_says(run_pixmesh({"status", "--node", nobody}, folder.path()), 5,
               {"no node answers at " + nobody, "pixmesh up", "--node"});
    for (const char* garbage : {"nonsense", "host:", ":1", "host:port", "host:70000", "a b:1"}) {
      CAPTURE(garbage);
      check_says(run_pixmesh({"status", "--node", garbage}, folder.path()), 2, {"--node"});
    }
  }

  TEST_CASE("wrong input: of several nodes one that answers is enough") {
    TestMesh& mesh = quiet_mesh();
    const std::string nobody = "127.0.0.1:" + std::to_string(free_port());

    const ProcessAnswer answer = run_pixmesh(
        {"status", "--node", nobody, "--node", mesh.address(1), "--json"}, mesh.folder());

    CHECK_MESSAGE(answer.exit == 0, answer.err);
  }
}

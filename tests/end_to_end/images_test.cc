#include <doctest/doctest.h>

#include "pictures.h"
#include "test_mesh.h"

using namespace pixmesh;

namespace {

namespace fs = std::filesystem;

std::vector<std::string> names_under(TestMesh& mesh, const std::string& prefix) {
  std::vector<std::string> names;
  for (const Json& entry : json_lines(mesh.must({"ls", prefix, "--json"}))) {
    names.push_back(entry["name"]);
  }
  return names;
}

/// A shell pipeline in which "$pixmesh" is the command, told the node.
ProcessAnswer run_shell(TestMesh& mesh, const std::string& script, const fs::path& file) {
  Launch launch;
  const std::string set = "pixmesh='" PIXMESH_PROGRAM "'; export PIXMESH_NODE=" + mesh.address(0);
  launch.words = {"bash", "-c", set + "; set -o pipefail; " + script, "bash", file.string()};
  launch.folder = mesh.folder();
  return run_to_end(std::move(launch), mesh.folder(), 30s);
}

}  // namespace

TEST_SUITE("images") {
  TEST_CASE("images: JPEG, PNG and TIFF come back byte-equal from every node") {
    TestMesh& mesh = quiet_mesh();
    const std::vector<std::pair<std::string, std::string>> kinds{
        {"jpg", "jpeg"}, {"png", "png"}, {"tif", "tiff"}};

    for (const auto& [ending, type] : kinds) {
      const fs::path file = picture(ending, 1);
      const std::string name = "kinds/photo." + ending;
      const Json put = mesh.json({"put", file.string(), "--name", name, "--wait", "all"});
      CHECK(put["copies"] == 3);
      CHECK(put["digest"] == b2sum_of(file));

      for (std::size_t node = 0; node < mesh.size(); ++node) {
        const Json stat = mesh.json_at(node, {"stat", name});
        CHECK(stat["size"] == fs::file_size(file));
        CHECK(stat["media"]["type"] == type);
        CHECK(stat["media"]["width"] == picture_size_of(ending).width);
        CHECK(stat["media"]["height"] == picture_size_of(ending).height);
        CHECK(mesh.comes_back(node, name, file));
      }
    }
  }

  TEST_CASE("images: a name that is put again has the new bytes at every node") {
    TestMesh& mesh = quiet_mesh();
    const fs::path before = random_file(3'000'000, 1);
    const fs::path after = random_file(2'000'001, 2);

    mesh.must({"put", before.string(), "--name", "replaced"});
    mesh.must({"put", after.string(), "--name", "replaced"});

    for (std::size_t node = 0; node < mesh.size(); ++node) {
      CHECK(mesh.comes_back(node, "replaced", after));
    }
  }

  TEST_CASE("images: what is removed is gone from lists and for every node") {
    TestMesh& mesh = quiet_mesh();
    const fs::path file = random_file(10'000, 3);
    for (const char* name : {"rm/a", "rm/b", "rm/c", "rm/d"}) {
      mesh.must({"put", file.string(), "--name", name});
    }

    mesh.must({"rm", "rm/b"});

    CHECK(names_under(mesh, "rm/") == std::vector<std::string>{"rm/a", "rm/c", "rm/d"});
    for (std::size_t node = 0; node < mesh.size(); ++node) {
      CHECK(mesh.cli_at(node, {"get", "rm/b", "-o", "-"}).exit == 3);
      CHECK(mesh.comes_back(node, "rm/c", file));
    }
    mesh.must({"rm", "--prefix", "rm/"});
    CHECK(names_under(mesh, "rm/").empty());
  }

  TEST_CASE("images: a folder is listed under its prefix in the order of the names") {
    TestMesh& mesh = quiet_mesh();
    const fs::path folder = mesh.folder() / "many";
    fs::create_directories(folder / "deep");
    std::vector<std::string> expected;
    for (int number = 10; number < 40; ++number) {
      const std::string name = (number < 20 ? "deep/" : "") + std::to_string(number) + ".txt";
      write_file(folder / name, "number " + std::to_string(number));
      expected.push_back("many/" + name);
    }
    std::sort(expected.begin(), expected.end());

    mesh.must({"put", folder.string(), "--recursive", "--prefix", "many/"});
    write_file(mesh.folder() / "other", "other");
    mesh.must({"put", (mesh.folder() / "other").string(), "--name", "manz"});

    CHECK(names_under(mesh, "many/") == expected);
    CHECK(names_under(mesh, "many/deep/").size() == 10);
    CHECK(names_under(mesh, "nothing/").empty());
  }

  TEST_CASE("images: copies and moves carry bytes and tags without another upload") {
    TestMesh& mesh = quiet_mesh();
    const fs::path file = picture("jpg", 1);
    mesh.must({"put", file.string(), "--name", "cp/one", "--tag", "place=Oslo"});

    mesh.must({"cp", "cp/one", "cp/two"});
    mesh.must({"mv", "cp/one", "cp/three"});
    mesh.must({"tag", "cp/three", "place=", "year=1999"});

    CHECK(names_under(mesh, "cp/") == std::vector<std::string>{"cp/three", "cp/two"});
    CHECK(mesh.json({"stat", "cp/two"})["tags"] == Json{{"place", "Oslo"}});
    CHECK(mesh.json({"stat", "cp/three"})["tags"] == Json{{"year", "1999"}});
    for (std::size_t node = 0; node < mesh.size(); ++node) {
      CHECK(mesh.comes_back(node, "cp/two", file));
      CHECK(mesh.comes_back(node, "cp/three", file));
      CHECK(mesh.cli_at(node, {"stat", "cp/one"}).exit == 3);
    }
  }

  TEST_CASE("images: the file that 'where' names holds the digest that 'stat' names") {
    TestMesh& mesh = quiet_mesh();
    mesh.must({"put", picture("png", 1).string(), "--name", "where.png", "--wait", "all"});

    const std::string digest = mesh.json({"stat", "where.png"})["digest"];
    const Json where = mesh.json({"where", "where.png", "--path"});

    REQUIRE(where["holders"].size() == 3);
    for (const Json& holder : where["holders"]) {
      const std::size_t node = mesh.node_at(holder["address"]);
      const fs::path file = mesh.storage_of(node) / std::string(where["path"]);
      CHECK(file.extension() == ".png");
      CHECK(b2sum_of(file) == digest);
    }
  }

  TEST_CASE("images: --if-absent leaves what is there") {
    TestMesh& mesh = quiet_mesh();
    const fs::path first = random_file(20'000, 4);
    const fs::path second = random_file(20'000, 5);

    CHECK(mesh.json({"put", first.string(), "--name", "absent", "--if-absent"})["stored"] == true);
    CHECK(mesh.json({"put", second.string(), "--name", "absent", "--if-absent"})["stored"] ==
          false);

    CHECK(mesh.comes_back(1, "absent", first));
  }

  TEST_CASE("images: pipes work in both directions") {
    TestMesh& mesh = quiet_mesh();
    const fs::path file = picture("jpg", 1);

    const ProcessAnswer put =
        run_shell(mesh, "cat \"$1\" | \"$pixmesh\" put - --name piped -q", file);
    CHECK_MESSAGE(put.exit == 0, put.err);
    const ProcessAnswer got =
        run_shell(mesh, "\"$pixmesh\" get piped -o - | cat > out && cmp out \"$1\"", file);

    CHECK_MESSAGE(got.exit == 0, got.err);
    CHECK(mesh.comes_back(2, "piped", file));
  }

  TEST_CASE("images: a reader that goes away ends a get soon") {
    TestMesh& mesh = quiet_mesh();
    const fs::path file = picture("jpg", 1);
    mesh.must({"put", file.string(), "--name", "headed"});

    const ProcessAnswer got =
        run_shell(mesh, "\"$pixmesh\" get headed -o - | head -c 1000 > out; cat out", file);

    CHECK(got.out == text_of_file(file).substr(0, 1000));
  }
}

#include <doctest/doctest.h>

#include "pictures.h"
#include "test_mesh.h"

using namespace pixmesh;

namespace {

namespace fs = std::filesystem;

/// All files below a folder, with the folder's own path left out.
std::vector<std::string> files_below(const fs::path& folder) {
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files.push_back(entry.path().lexically_relative(folder));
  }
  return files;
}

}  // namespace

TEST_SUITE("wrong_input") {
  TEST_CASE("names: any bytes that are a name are stored and come back") {
    TestMesh& mesh = quiet_mesh();
    const fs::path file = random_file(50'000, 6);
    const std::vector<std::string> names{
        "../../etc/passwd",  "a\nb",     "/absolute", "..",
        "sp ace/ü/日本.jpg", "a;rm -rf", "x=y",       std::string(1024, 'n')};

    for (const std::string& name : names) {
      CAPTURE(name);
      mesh.must({"put", file.string(), "--name", name});
      CHECK(mesh.comes_back(1, name, file));
      CHECK(mesh.json({"stat", name})["name"] == name);
      mesh.must({"rm", name});
      CHECK(mesh.cli({"stat", name}).exit == 3);
    }
  }

  TEST_CASE("names: a get without -o never leaves the folder it runs in") {
    TestMesh& mesh = quiet_mesh();
    const fs::path file = random_file(50'000, 6);
    const fs::path outside = mesh.folder() / "outside";
    const fs::path inside = outside / "inside";
    fs::create_directories(inside);

    for (const char* name : {"../escaped", "/tmp/../../escaped-too", "a\nb"}) {
      mesh.must({"put", file.string(), "--name", name});
      const ProcessAnswer got = run_pixmesh(mesh.words_at(0, {"get", name}), inside);
      CHECK_MESSAGE(got.exit == 0, got.err);
    }
    for (const char* name : {"a/..", ".", "b/"}) {
      mesh.must({"put", file.string(), "--name", name});
      check_says(run_pixmesh(mesh.words_at(0, {"get", name}), inside), 2, {"-o"});
    }

    std::vector<std::string> files = files_below(outside);
    std::sort(files.begin(), files.end());
    CHECK(files == std::vector<std::string>{"inside/a\nb", "inside/escaped", "inside/escaped-too"});
  }

  TEST_CASE("names: what is no name is refused before anything is sent") {
    TestMesh& mesh = quiet_mesh();
    const std::string file = random_file(50'000, 6).string();

    check_says(mesh.cli({"put", file, "--name", std::string(1025, 'n')}), 2, {"1024"});
    check_says(mesh.cli({"put", file, "--name", "broken \xff\xfe"}), 2, {"UTF-8"});
    check_says(mesh.cli({"put", "-"}), 2, {"--name"});
    check_says(mesh.cli({"put", file, file}), 2, {"would both get the name", "--name"});
  }
}

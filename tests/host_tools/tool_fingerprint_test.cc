#include "host/tools/tool_fingerprint.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>

using namespace pixmesh;

namespace {

namespace fs = std::filesystem;

struct Folder {
  Folder() {
    std::string name = "/tmp/pixmesh-fingerprint-XXXXXX";
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Folder() { fs::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  fs::path path;
};

fs::path script(const fs::path& folder, const std::string& text) {
  const fs::path path = folder / "tool";
  std::ofstream(path, std::ios::trunc) << text;
  chmod(path.c_str(), 0755);
  return path;
}

bool has_file_like(const std::vector<fs::path>& files, const std::string& name) {
  return std::ranges::any_of(
      files, [&](const fs::path& file) { return file.filename().string().starts_with(name); });
}

}  // namespace

TEST_CASE("fingerprints: a program is its file, its dynamic linker and the libraries it loads") {
  const std::vector<fs::path> files = files_of_program("/bin/sh");

  CHECK(has_file_like(files, "sh"));
  CHECK(has_file_like(files, "libc.so"));
  CHECK(has_file_like(files, "ld-linux"));
}

TEST_CASE("fingerprints: a script counts with its interpreter, and changes with its text") {
  const Folder folder;
  const fs::path tool = script(folder.path, "#!/bin/sh\necho one\n");
  CHECK(has_file_like(files_of_program(tool), "libc.so"));
  ToolFingerprints fingerprints;
  const auto before = fingerprints.of({tool});
  CHECK(before);
  CHECK(fingerprints.of({tool}) == before);

  script(folder.path, "#!/bin/sh\necho two\n");

  CHECK(fingerprints.of({tool}) != before);
  script(folder.path, "#!/bin/sh\necho one\n");
  CHECK(fingerprints.of({tool}) == before);
  CHECK(fingerprints.of({tool, "/bin/sh"}) != before);
}

TEST_CASE("fingerprints: what cannot be read has none") {
  const Folder folder;
  ToolFingerprints fingerprints;

  CHECK(files_of_program(folder.path / "nothing").empty());
  CHECK_FALSE(fingerprints.of({folder.path / "nothing"}));
}

TEST_CASE("fingerprints: the recipes of a book whose tool is installed get one") {
  const Folder folder;
  script(folder.path, "#!/bin/sh\n");
  Recipe recipe;
  recipe.name = "here";
  recipe.argv = {"tool", "{in}", "{out}"};
  recipe.output = "jpg";
  RecipeBook book;
  REQUIRE(book.add(recipe));
  recipe.name = "elsewhere";
  REQUIRE(book.add(recipe, "'tool'"));
  ToolFingerprints fingerprints;

  fingerprints.add_to(book, {.path = folder.path.string()});

  CHECK(book.find("here")->fingerprint == fingerprints.of({folder.path / "tool"}));
  CHECK_FALSE(book.find("elsewhere")->fingerprint);
}

TEST_CASE("fingerprints: the native worker counts for what nothing else can do") {
  const Folder folder;
  script(folder.path, "#!/bin/sh\n");
  const fs::path program = folder.path / "tool";
  Recipe recipe;
  recipe.name = "usual";
  recipe.argv = {"vipsthumbnail", "{in}", "--size", "9", "-o", "{out}"};
  recipe.output = "jpg";
  recipe.engine = ToolEngine::vips;
  RecipeBook book;
  REQUIRE(book.add(recipe));
  recipe.name = "fast";
  recipe.fast_shrink_on_load = true;
  REQUIRE(book.add(recipe));
  fs::copy_file(program, folder.path / "vipsthumbnail");
  ToolFingerprints fingerprints;

  fingerprints.add_to(book, {.path = folder.path.string(), .native_worker = "/bin/sh"});

  CHECK(book.find("usual")->fingerprint == fingerprints.of({folder.path / "vipsthumbnail"}));
  CHECK(book.find("fast")->fingerprint ==
        fingerprints.of({folder.path / "vipsthumbnail", "/bin/sh"}));
}

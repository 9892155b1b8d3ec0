#include "cli/map_target.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <fstream>

#include "temp_folder.h"

using namespace pixmesh;

namespace {

namespace fs = std::filesystem;

std::size_t count_files(const fs::path& folder) {
  std::size_t count = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    count += entry.is_regular_file();
  return count;
}

}  // namespace

TEST_CASE("cli: a result that is not published leaves nothing behind") {
  TempFolder folder;
  const auto target = open_folder_target((folder.path() / "made" / "here").string(), "thumbnail");
  REQUIRE(target);
  {
    const auto output = target.value()->open().value();
    REQUIRE(output->write(bytes_of("half a picture")));
    CHECK(count_files(folder.path()) == 1);
  }
  CHECK(count_files(folder.path()) == 0);
}

TEST_CASE("cli: parts of a killed process are removed, those of one that lives stay") {
  TempFolder folder;
  const fs::path mine = folder.path() / (".pixmesh-" + std::to_string(::getpid()) + "-0.part");
  const fs::path dead = folder.path() / ".pixmesh-2147483646-7.part";
  const fs::path other = folder.path() / ".pixmesh-map.jsonl";
  for (const fs::path& path : {mine, dead, other}) std::ofstream(path) << "x";

  remove_stale_parts(folder.path().string());

  CHECK(fs::exists(mine));
  CHECK_FALSE(fs::exists(dead));
  CHECK(fs::exists(other));
}

TEST_CASE("cli: a result in the folder counts as there only with its size") {
  TempFolder folder;
  const auto target = open_folder_target(folder.path().string(), "thumbnail").value();
  MapLine line;
  line.file = "a.thumbnail.jpg";
  line.bytes = 3;
  CHECK_FALSE(target->still_has(line));
  std::ofstream(folder.path() / line.file) << "abc";
  CHECK(target->still_has(line));
  line.bytes = 4;
  CHECK_FALSE(target->still_has(line));
}

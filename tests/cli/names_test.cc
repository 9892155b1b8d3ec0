#include "cli/names.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "temp_folder.h"

using namespace pixmesh;

namespace {

std::vector<std::string> names_in(const PutPlan& plan) {
  std::vector<std::string> names;
  for (const PutItem& item : plan.items) names.push_back(item.name);
  return names;
}

}  // namespace

TEST_CASE("cli: a file's own name is the image's, behind the prefix") {
  PutNaming naming;
  CHECK(names_in(plan_put({"x/a.jpg"}, naming).value()) == std::vector<std::string>{"a.jpg"});
  naming.prefix = "holiday/";
  CHECK(names_in(plan_put({"x/a.jpg", "b.jpg"}, naming).value()) ==
        std::vector<std::string>{"holiday/a.jpg", "holiday/b.jpg"});
  naming.name = "cat";
  CHECK(names_in(plan_put({"-"}, naming).value()) == std::vector<std::string>{"holiday/cat"});
}

TEST_CASE("cli: names of a folder's files are their paths below it, sorted") {
  const TempFolder folder;
  std::filesystem::create_directories(folder.path() / "2024/may");
  for (const char* file : {"z.jpg", "2024/may/b.jpg", "2024/a.jpg"}) {
    std::ofstream(folder.path() / file) << "x";
  }
  PutNaming naming;
  naming.recursive = true;
  const std::vector<std::string> expected{"2024/a.jpg", "2024/may/b.jpg", "z.jpg"};
  CHECK(names_in(plan_put({folder.path().string()}, naming).value()) == expected);
  CHECK(names_in(plan_put({folder.path().string() + "/"}, naming).value()) == expected);

  naming.recursive = false;
  const auto refused = plan_put({folder.path().string()}, naming);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().detail.find("--recursive") != std::string::npos);
}

TEST_CASE("cli: no two files of one put get the same name") {
  const auto plan = plan_put({"x/a.jpg", "y/a.jpg"}, {});
  REQUIRE_FALSE(plan.has_value());
  CHECK(plan.error().code == ErrorCode::usage);
  CHECK(plan.error().detail.find("'x/a.jpg' and 'y/a.jpg'") != std::string::npos);

  PutNaming naming;
  naming.name = "one";
  CHECK_FALSE(plan_put({"a", "b"}, naming).has_value());
  CHECK_FALSE(plan_put({"-"}, {}).has_value());
}

TEST_CASE("cli: an image's name never leads out of the current folder") {
  CHECK(file_name_of("a.jpg").value() == "a.jpg");
  CHECK(file_name_of("../../etc/passwd").value() == "passwd");
  CHECK(file_name_of("/a").value() == "a");
  for (const char* name : {"", "a/", "..", "a/..", "."})
    CHECK_FALSE(file_name_of(name).has_value());
}

TEST_CASE("cli: an output is named after image, recipe and extension") {
  CHECK(output_name_of("2024/cat.tif", "thumbnail", "jpg").value() == "cat.thumbnail.jpg");
  CHECK(output_name_of("cat", "info", "json").value() == "cat.info.json");
  CHECK(output_name_of(".hidden", "info", "json").value() == ".hidden.info.json");
}

TEST_CASE("cli: a node is named by as much of its id as is needed") {
  NodeId a, b, c;
  a.raw[0] = 0x12;
  b.raw[0] = 0x13;
  c.raw[0] = 0xab;
  CHECK(node_of_prefix("AB", {a, b, c}).value() == c);
  CHECK(node_of_prefix("12", {a, b, c}).value() == a);
  CHECK(node_of_prefix("1", {a, b, c}).error().detail.find("several") == 0);
  CHECK(node_of_prefix("ff", {a, b, c}).error().code == ErrorCode::usage);
  CHECK_FALSE(node_of_prefix("", {a}).has_value());
  CHECK(node_of_prefix(to_text(b), {}).value() == b);
}

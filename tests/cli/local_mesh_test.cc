#include "cli/local_mesh.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>

#include "temp_folder.h"

using namespace pixmesh;

namespace {

bool has(const LocalNode& node, const std::string& word) {
  return std::ranges::find(node.arguments, word) != node.arguments.end();
}

std::string value_of(const LocalNode& node, const std::string& option) {
  const auto at = std::ranges::find(node.arguments, option);
  return at == node.arguments.end() ? "" : *std::next(at);
}

}  // namespace

TEST_CASE("cli: the first node founds, the others join it; ports start at 7600") {
  const TempFolder folder;
  const auto local = LocalFolder::open(folder.path());
  REQUIRE(local.has_value());
  const auto nodes = plan_local_mesh({}, local.value(), {false, false, false}, {4, 0});
  REQUIRE(nodes.size() == 3);
  CHECK(nodes[0].address == "127.0.0.1:7600");
  CHECK(nodes[2].address == "127.0.0.1:7602");
  CHECK(nodes[2].bulk == "127.0.0.1:8602");
  CHECK(has(nodes[0], "--create"));
  CHECK_FALSE(has(nodes[0], "--join"));
  CHECK(has(nodes[1], "--join"));
  CHECK_FALSE(has(nodes[1], "--create"));
}

TEST_CASE("cli: every node of 'up' has the sandbox that was asked for, or its own setting") {
  const TempFolder folder;
  const auto local = LocalFolder::open(folder.path());
  LocalMeshOptions options;
  options.sandbox = "off";
  for (const LocalNode& node :
       plan_local_mesh(options, local.value(), {false, false, false}, {4, 0})) {
    CHECK(has(node, "--sandbox"));
    CHECK(has(node, "off"));
  }
  for (const LocalNode& node : plan_local_mesh({}, local.value(), {false, false, false}, {4, 0})) {
    CHECK_FALSE(has(node, "--sandbox"));
  }
}

TEST_CASE("cli: the nodes of 'up' share cores and half of the memory, or have what was asked for") {
  const TempFolder folder;
  const auto local = LocalFolder::open(folder.path());
  LocalMeshOptions options;
  const LocalMachine machine{8, 6ULL << 30};
  for (const LocalNode& node :
       plan_local_mesh(options, local.value(), {false, false, false}, machine)) {
    CHECK(value_of(node, "--workers") == "2");
    CHECK(value_of(node, "--memory") == "1GiB");
  }
  options.memory = 512ULL << 20;
  const auto asked = plan_local_mesh(options, local.value(), {false, false, false}, machine);
  CHECK(value_of(asked[2], "--memory") == "512MiB");
  const auto unknown = plan_local_mesh({}, local.value(), {false, false, false}, {8, 0});
  CHECK(value_of(unknown[0], "--memory") == "");
}

TEST_CASE("cli: a mesh that exists is never founded again") {
  const TempFolder folder;
  const auto local = LocalFolder::open(folder.path());
  const auto again = plan_local_mesh({}, local.value(), {true, true, true}, {4, 0});
  for (const LocalNode& node : again) {
    CHECK_FALSE(has(node, "--create"));
    CHECK_FALSE(has(node, "--join"));
  }
  const auto first_lost = plan_local_mesh({}, local.value(), {false, true, true}, {4, 0});
  CHECK_FALSE(has(first_lost[0], "--create"));
  CHECK(has(first_lost[0], "127.0.0.1:7601"));
}

TEST_CASE("cli: cleaning removes only folders that were made here") {
  const TempFolder folder;
  std::filesystem::create_directories(folder.path() / "node-2/photos");
  std::ofstream(folder.path() / "keep.jpg") << "x";
  LocalFolder local = LocalFolder::open(folder.path()).value();
  REQUIRE(local.make_nodes(3).has_value());
  std::filesystem::create_directories(local.node_folder(1) / "state/x");
  CHECK(local.has_state(1));
  CHECK_FALSE(local.has_state(3));

  CHECK(local.clean().value() == 2);
  CHECK_FALSE(std::filesystem::exists(folder.path() / "node-1"));
  CHECK_FALSE(std::filesystem::exists(folder.path() / "node-3"));
  CHECK(std::filesystem::exists(folder.path() / "node-2/photos"));
  CHECK(std::filesystem::exists(folder.path() / "keep.jpg"));
  CHECK(local.clean().value() == 0);
}

TEST_CASE("cli: a marker cannot be talked into removing other folders") {
  const TempFolder folder;
  std::filesystem::create_directories(folder.path() / "data");
  std::filesystem::create_directories(folder.path() / "photos");
  std::ofstream(folder.path() / "data/.pixmesh-up") << "../photos\nnode-1/../../photos\nphotos\n";
  LocalFolder local = LocalFolder::open(folder.path() / "data").value();
  CHECK(local.clean().value() == 0);
  CHECK(std::filesystem::exists(folder.path() / "photos"));
}

TEST_CASE("cli: two meshes do not share a folder") {
  const TempFolder folder;
  const auto first = LocalFolder::open(folder.path());
  REQUIRE(first.has_value());
  const auto second = LocalFolder::open(folder.path());
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().code == ErrorCode::overloaded);
}

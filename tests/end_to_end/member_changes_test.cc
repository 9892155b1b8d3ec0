#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <map>
#include <set>

#include "pictures.h"
#include "test_mesh.h"

using namespace pixmesh;

namespace {

namespace fs = std::filesystem;

/// What is stored, and puts and gets that go on while the mesh changes.
class Traffic {
 public:
  explicit Traffic(TestMesh& mesh) : mesh_(mesh) {}

  void put_one(std::size_t node) {
    const std::size_t number = puts_++;
    const std::string name = "traffic/" + std::to_string(number);
    const fs::path file = random_file(700'000 + 1'000 * number, static_cast<int>(100 + number));
    const ProcessAnswer answer = mesh_.cli_at(node, {"put", file.string(), "--name", name});
    CHECK_MESSAGE(answer.exit == 0, "put " << name << " at " << node << ": " << answer.err);
    stored_[name] = file;
  }

  /// One put and three gets of what was stored before.
  void round(std::size_t node) {
    put_one(node);
    for (int times = 0; times < 3; ++times) {
      const auto image =
          std::next(stored_.begin(), static_cast<std::ptrdiff_t>(reads_++ * 7 % stored_.size()));
      CHECK(mesh_.comes_back(node, image->first, image->second));
    }
  }

  void check_all(std::size_t node) const {
    for (const auto& [name, file] : stored_) CHECK(mesh_.comes_back(node, name, file));
  }

  void forget_if(const std::function<bool(const std::string& name)>& is_gone) {
    std::erase_if(stored_, [&](const auto& image) { return is_gone(image.first); });
  }

  [[nodiscard]] std::size_t count() const { return stored_.size(); }
  [[nodiscard]] std::size_t reads() const { return reads_; }

 private:
  TestMesh& mesh_;
  std::map<std::string, fs::path> stored_;
  std::size_t puts_ = 0;
  std::size_t reads_ = 0;
};

std::map<std::string, Json> nodes_by_address(TestMesh& mesh) {
  std::map<std::string, Json> nodes;
  const Json status = mesh.json({"status"});
  for (const Json& node : status["nodes"]) nodes[node["address"]] = node;
  return nodes;
}

bool is_calm_with(TestMesh& mesh, std::size_t nodes) {
  const Json totals = mesh.json({"status"})["totals"];
  return totals["calm"] == true && totals["nodes"] == nodes;
}

}  // namespace

TEST_SUITE("members") {
  TEST_CASE("members: a node joins a quiet mesh, and what it fetches is what the others drop") {
    TestMesh mesh;
    Traffic traffic(mesh);
    for (int number = 0; number < 30; ++number) traffic.put_one(0);
    mesh.wait_calm();
    const auto before = nodes_by_address(mesh);

    const std::size_t fourth = mesh.add_node();
    mesh.wait_calm();
    // A copy is dropped some time after the others confirmed it.
    const auto copies = [&] { return mesh.json({"status"})["totals"]["copies"]; };
    CHECK(becomes_true(30s, [&] { return copies() == 3 * traffic.count(); }));

    auto after = nodes_by_address(mesh);
    std::uint64_t left = 0;
    for (const auto& [address, node] : before) {
      left += node["bytes"].get<std::uint64_t>() - after[address]["bytes"].get<std::uint64_t>();
    }
    const Json joined = after[mesh.address(fourth)];
    CHECK(joined["images"] > 0);
    CHECK(joined["bytes"] == left);
    CHECK(joined["moved_bytes"] == left);
    const Json totals = mesh.json({"status"})["totals"];
    CHECK(totals["moved_bytes"] == left);
    CHECK(totals["ideal_slots"] > 0);
    CHECK(100 * totals["planned_slots"].get<std::uint64_t>() <=
          115 * totals["ideal_slots"].get<std::uint64_t>());
    traffic.check_all(fourth);
  }

  TEST_CASE("members: one joins and one leaves while puts and gets go on, and none fails") {
    TestMesh mesh;
    Traffic traffic(mesh);
    for (int number = 0; number < 12; ++number) traffic.put_one(0);

    const std::size_t fourth = mesh.add_node();
    const bool joined = becomes_true(60s, [&] {
      traffic.round(traffic.count() % 3);
      return is_calm_with(mesh, 4);
    });
    CHECK(joined);
    mesh.wait_calm();
    CHECK(becomes_true(
        30s, [&] { return mesh.json({"status"})["totals"]["copies"] == 3 * traffic.count(); }));
    traffic.check_all(fourth);

    check_says(mesh.cli_at(1, {"node", "leave"}), 0, {});
    const bool left = becomes_true(60s, [&] {
      traffic.round(traffic.count() % 2 == 0 ? 0 : fourth);
      return !mesh.running(1);
    });
    CHECK(left);
    CHECK(mesh.wait_end(1, 10s) == 0);
    mesh.wait_calm();
    traffic.check_all(2);
    CHECK(becomes_true(
        30s, [&] { return mesh.json({"status"})["totals"]["copies"] == 3 * traffic.count(); }));
    MESSAGE(traffic.count() << " images, " << traffic.reads() << " reads");
  }

  TEST_CASE(
      "members: of four nodes one that was killed is voted out, and its copies are made anew") {
    TestMesh mesh({.nodes = 4});
    Traffic traffic(mesh);
    for (std::size_t i = 0; i < 24; ++i) traffic.put_one(i % 4);
    mesh.wait_calm();
    const std::string lost = nodes_by_address(mesh).at(mesh.address(3))["node"];
    mesh.kill_node(3);
    CHECK(becomes_true(30s, [&] {
      return mesh.cli_at(1, {"node", "forget", lost}).exit == 0;  // until it is held dead: usage
    }));

    CHECK(becomes_true(60s, [&] {
      const Json totals = mesh.json({"status"})["totals"];
      return totals["calm"] == true && totals["copies"] == 3 * traffic.count();
    }));
    for (std::size_t node = 0; node < 3; ++node) traffic.check_all(node);

    // Three nodes are left for three copies: no vote takes another one out.
    const std::string third = nodes_by_address(mesh).at(mesh.address(2))["node"];
    mesh.kill_node(2);
    CHECK(becomes_true(30s, [&] {
      const ProcessAnswer refused = mesh.cli_at(0, {"node", "forget", third});
      return refused.exit != 0 && refused.err.find("add a node first") != std::string::npos;
    }));
    traffic.put_one(0);
    traffic.check_all(1);
  }

  TEST_CASE(
      "members: of five nodes one is killed for good and then another: both are evicted by "
      "themselves, "
      "and every image stays readable") {
    TestMesh mesh({.nodes = 5, .node_words = {"--out-delay", "5s"}});
    Traffic traffic(mesh);
    for (std::size_t i = 0; i < 20; ++i) traffic.put_one(i % 5);
    mesh.wait_calm();
    for (const std::size_t lost : {4U, 3U}) {
      const auto killed_at = std::chrono::steady_clock::now();
      mesh.kill_node(lost);
      CHECK(becomes_true(90s, [&] {
        traffic.round(0);
        return is_calm_with(mesh, lost);
      }));
      const Duration took = std::chrono::steady_clock::now() - killed_at;
      const Json totals = mesh.json({"status"})["totals"];
      CHECK(totals["copies"] == 3 * traffic.count());
      MESSAGE("calm " << seconds(took) << " s after the kill; copied "
                      << totals["moved_bytes"].get<std::uint64_t>() / 1'000'000 << " of "
                      << totals["bytes"].get<std::uint64_t>() / 1'000'000 << " MB");
    }
    for (std::size_t node = 0; node < 3; ++node) traffic.check_all(node);
  }

  TEST_CASE(
      "members: of five nodes two are killed at once: what may be with them alone is waited for "
      "until "
      "it is given up, the rest is complete") {
    TestMesh mesh({.nodes = 5, .node_words = {"--out-delay", "5s"}});
    Traffic traffic(mesh);
    for (std::size_t i = 0; i < 20; ++i) traffic.put_one(i % 5);
    mesh.wait_calm();
    const auto before = nodes_by_address(mesh);
    const std::string first = before.at(mesh.address(3))["node"];
    const std::string second = before.at(mesh.address(4))["node"];
    mesh.kill_node(3);
    mesh.kill_node(4);

    const auto awaited = [&] {
      std::set<std::string> nodes;
      const Json status = mesh.json({"status"});
      for (const Json& one : status["awaited"]) nodes.insert(one["node"]);
      return nodes;
    };
    CHECK(becomes_true(90s, [&] { return awaited() == std::set{first, second}; }));
    // Nothing else is left to do but what waits for those two.
    CHECK(becomes_true(60s, [&] {
      const Json status = mesh.json({"status"});
      return status["totals"]["to_sync"] == 0 && status["totals"]["nodes"] == 3;
    }));
    const std::string said = mesh.must({"status"});
    CHECK(said.find("'pixmesh node forget " + first + " --force' gives that up") !=
          std::string::npos);
    for (std::size_t node = 0; node < 3; ++node) traffic.check_all(node);

    for (const std::string& lost : {first, second}) {
      const std::string told = mesh.must({"node", "forget", lost, "--force"});
      CHECK(told.find("giving up what only node " + lost + " may have of ") == 0);
    }
    CHECK(becomes_true(60s, [&] { return is_calm_with(mesh, 3); }));
    CHECK(mesh.json({"status"})["totals"]["copies"] == 3 * traffic.count());
    CHECK(awaited().empty());
    for (std::size_t node = 0; node < 3; ++node) traffic.check_all(node);
  }

  TEST_CASE("members: a leave that is taken back leaves every copy where it was wanted") {
    TestMesh mesh({.nodes = 4});
    Traffic traffic(mesh);
    for (std::size_t i = 0; i < 8; ++i) traffic.put_one(i % 4);
    mesh.wait_calm();
    CHECK(mesh.cli_at(3, {"node", "leave"}).exit == 0);
    REQUIRE(becomes_true(10s, [&] {
      const Json status = mesh.json({"status"});
      return status["totals"]["unsettled"] > 0;
    }));

    CHECK(mesh.cli_at(3, {"node", "leave", "--cancel"}).exit == 0);

    mesh.wait_calm();
    CHECK(mesh.running(3));
    CHECK(mesh.json({"status"})["totals"]["copies"] == 3 * traffic.count());
    for (std::size_t node = 0; node < 4; ++node) traffic.check_all(node);
    check_says(mesh.cli_at(3, {"node", "leave", "--cancel"}), 2, {"not leaving"});
  }

  TEST_CASE(
      "members: a node that is stopped and started again within the out delay moves nothing") {
    TestMesh mesh({.nodes = 4});
    Traffic traffic(mesh);
    for (std::size_t i = 0; i < 12; ++i) traffic.put_one(i % 4);
    mesh.wait_calm();
    for (const std::size_t node : {1U, 2U}) {
      if (node == 1) CHECK(mesh.stop_node(node) == 0);
      if (node == 2) mesh.kill_node(node);
      traffic.check_all(0);
      mesh.restart_node(node);
      mesh.wait_calm();
    }
    const Json totals = mesh.json({"status"})["totals"];
    CHECK(totals["moved_bytes"] == 0);
    CHECK(totals["copies"] == 3 * traffic.count());
  }

  TEST_CASE("members: the number of copies changes while puts and gets go on") {
    TestMesh mesh({.nodes = 4});
    Traffic traffic(mesh);
    for (std::size_t i = 0; i < 8; ++i) traffic.put_one(i % 4);
    for (const std::uint64_t copies : {4U, 2U, 3U}) {
      mesh.must({"ring", "set", "--replicas", std::to_string(copies)});
      CHECK(becomes_true(60s, [&] {
        traffic.round(traffic.count() % 4);
        return is_calm_with(mesh, 4);
      }));
      mesh.wait_calm();
      CHECK(becomes_true(30s, [&] {
        const Json totals = mesh.json({"status"})["totals"];
        return totals["copies"] == copies * traffic.count();
      }));
      for (std::size_t node = 0; node < 4; ++node) traffic.check_all(node);
    }
    check_says(mesh.cli({"ring", "set", "--replicas", "5", "--write-quorum", "2"}), 2, {});
  }

  TEST_CASE(
      "members: what only nodes that are given up had is gone, and said to be; all else is "
      "complete") {
    TestMesh mesh({.nodes = 5, .node_words = {"--out-delay", "off"}});
    Traffic traffic(mesh);
    for (std::size_t i = 0; i < 30; ++i) traffic.put_one(i % 5);
    mesh.wait_calm();
    std::size_t gone = 0;
    const std::set lost{mesh.address(2), mesh.address(3), mesh.address(4)};
    traffic.forget_if([&](const std::string& name) {
      std::set<std::string> holders;
      const Json where = mesh.json({"where", name});
      for (const Json& holder : where["holders"]) {
        holders.insert(holder["address"].get<std::string>());
      }
      gone += holders == lost ? 1 : 0;
      return holders == lost;
    });
    const auto before = nodes_by_address(mesh);
    for (std::size_t node = 2; node < 5; ++node) mesh.kill_node(node);
    for (const std::string& address : lost) {
      const std::string node = before.at(address)["node"];
      CHECK(becomes_true(30s, [&] {
        return mesh.cli_at(0, {"node", "forget", node, "--force"}).exit == 0;
      }));
    }

    CHECK(becomes_true(90s, [&] { return is_calm_with(mesh, 2); }));
    const Json totals = mesh.json({"status"})["totals"];
    CHECK(totals["begun_anew"] > 0);
    CHECK(totals["copies"] == 2 * traffic.count());
    for (std::size_t node = 0; node < 2; ++node) traffic.check_all(node);
    MESSAGE(gone << " images of 30 lay on the lost nodes alone");
    traffic.put_one(0);
    traffic.check_all(1);
  }

  TEST_CASE("members: of three nodes one that is killed for good is not evicted, and puts go on") {
    TestMesh mesh({.node_words = {"--out-delay", "5s"}});
    Traffic traffic(mesh);
    for (std::size_t i = 0; i < 6; ++i) traffic.put_one(i % 3);
    mesh.kill_node(2);
    const auto until = std::chrono::steady_clock::now() + 15s;
    while (std::chrono::steady_clock::now() < until) traffic.round(0);
    CHECK(nodes_by_address(mesh).at(mesh.address(2))["member"]["state"] == "active");
  }

  TEST_CASE("members: a node does not leave when the copies could not be kept") {
    TestMesh& mesh = quiet_mesh();

    const ProcessAnswer answer = mesh.cli_at(2, {"node", "leave"});

    CHECK(answer.exit != 0);
    check_says(answer, answer.exit, {"--accept-fewer-copies"});
    CHECK(mesh.running(2));
  }

  TEST_CASE("members: a drained node keeps its images and runs nothing") {
    TestMesh& mesh = quiet_mesh();
    const fs::path file = picture("jpg", 9);
    mesh.must({"put", file.string(), "--name", "drained.jpg", "--wait", "all"});

    check_says(mesh.cli_at(1, {"node", "drain"}), 0, {});
    const auto candidates = [&] {
      const Json plan = mesh.json({"run", "thumbnail", "drained.jpg", "--explain"});
      return plan["candidates"].size();
    };
    CHECK(becomes_true(10s, [&] { return candidates() == 2; }));
    CHECK(mesh.comes_back(1, "drained.jpg", file));

    check_says(mesh.cli_at(1, {"node", "undrain"}), 0, {});
    CHECK(becomes_true(10s, [&] { return candidates() == 3; }));
  }
}

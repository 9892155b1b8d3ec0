#include <doctest/doctest.h>

#include <chrono>
#include <map>

#include "pictures.h"
#include "test_mesh.h"

using namespace pixmesh;

namespace {

namespace fs = std::filesystem;

using Stored = std::map<std::string, fs::path>;

Stored put_some(TestMesh& mesh, int count) {
  Stored stored;
  for (int number = 0; number < count; ++number) {
    const std::string name = "image/" + std::to_string(number);
    stored[name] = random_file(600'000 + 1'000 * static_cast<std::uint64_t>(number), 200 + number);
    mesh.must({"put", stored[name].string(), "--name", name, "--wait", "all"});
  }
  mesh.wait_calm();
  return stored;
}

void check_all(TestMesh& mesh, std::size_t node, const Stored& stored) {
  for (const auto& [name, file] : stored) CHECK(mesh.comes_back(node, name, file));
}

std::string id_of(TestMesh& mesh, std::size_t node) {
  const Json status = mesh.json({"status"});
  for (const Json& one : status["nodes"]) {
    if (one["address"] == mesh.address(node)) return one["node"];
  }
  FAIL("no node at " << mesh.address(node) << " in " << status.dump());
  return {};
}

std::uint64_t copied(TestMesh& mesh) {
  std::uint64_t sum = 0;
  const Json status = mesh.json({"status"});
  for (const Json& one : status["nodes"]) {
    if (one["answered"] == true) sum += one["repair"]["copied_bytes"].get<std::uint64_t>();
  }
  return sum;
}

std::string state_of(TestMesh& mesh, const std::string& id) {
  const Json status = mesh.json({"status"});
  for (const Json& one : status["nodes"]) {
    if (one["node"] == id && one.contains("member")) return one["member"]["state"];
  }
  return "unknown";
}

/// Every word is in what it prints, or says on stderr.
void check_tells(ProcessAnswer answer, int exit, const std::vector<std::string>& words) {
  answer.err += answer.out;
  check_says(answer, exit, words);
}

}  // namespace

TEST_SUITE("operators") {
  TEST_CASE(
      "operators: a plan says what a leave moves, and applied it moves that and nothing else") {
    TestMesh mesh({.nodes = 5});
    const Stored stored = put_some(mesh, 15);
    const std::string first = id_of(mesh, 1);
    const std::string last = id_of(mesh, 4);
    const Json weight = mesh.json({"ring", "plan", "weight", first, "7"});
    const Json plan = mesh.json({"ring", "plan", "leave", last});
    CHECK(plan["live_copies_before"] == 3);
    CHECK(plan["live_copies_after"] == 3);
    CHECK(plan["moved_bytes"] > 0);
    CHECK(mesh.json_at(2, {"ring", "plan", "leave", last})["plan"] == plan["plan"]);
    CHECK(state_of(mesh, last) == "active");
    const std::uint64_t before = copied(mesh);

    const ProcessAnswer done = mesh.cli_at(2, {"ring", "apply", plan["plan"]});
    check_tells(done, 0, {"hands over its copies"});
    CHECK(becomes_true(60s, [&] { return !mesh.running(4); }));
    mesh.wait_calm();
    CHECK(copied(mesh) - before == plan["moved_bytes"].get<std::uint64_t>());
    const Json ring = mesh.json({"ring", "show"});
    for (const Json& then : plan["nodes"]) {
      for (const Json& now : ring["nodes"]) {
        if (now["node"] == then["node"]) CHECK(now["slots"] == then["slots_after"]);
      }
    }
    check_all(mesh, 0, stored);

    const ProcessAnswer old = mesh.cli({"ring", "apply", weight["plan"]});
    check_tells(old, 1, {"have changed since the plan", "pixmesh ring plan"});
    CHECK(mesh.cli({"ring", "apply", std::string(32, '0')}).exit == 3);
    CHECK(mesh.cli({"ring", "plan", "weight", first, "256"}).exit == 2);
  }

  TEST_CASE("operators: a node that joins to be held holds nothing until its plan is applied") {
    TestMesh mesh({.nodes = 3});
    const Stored stored = put_some(mesh, 9);
    const std::size_t held = mesh.add_node({"--hold"});
    const auto seen = [&] {
      const Json status = mesh.json({"status"});
      for (const Json& one : status["nodes"]) {
        if (one["address"] == mesh.address(held) && one["answered"] == true) return one;
      }
      return Json();
    };
    REQUIRE(becomes_true(30s, [&] { return !seen().is_null(); }));
    const std::string id = seen()["node"];
    CHECK(state_of(mesh, id) == "joining");
    CHECK(mesh.must({"status"}).find("waits for: a place in the ring") != std::string::npos);
    const Json plan = mesh.json({"ring", "plan", "join", id});
    CHECK(plan["live_copies_after"] == 3);
    CHECK(seen()["bytes"] == 0);

    check_tells(mesh.cli({"ring", "apply", plan["plan"]}), 0, {"takes its place"});
    mesh.wait_calm();
    CHECK(seen()["bytes"] == plan["moved_bytes"]);
    check_all(mesh, held, stored);
  }

  TEST_CASE("operators: a node gets another weight, keeps it over a restart, and nothing is lost") {
    TestMesh mesh({.nodes = 4});
    const Stored stored = put_some(mesh, 12);
    const std::string id = id_of(mesh, 2);
    const Json plan = mesh.json({"ring", "plan", "weight", id, "9"});
    check_tells(mesh.cli_at(0, {"ring", "apply", plan["plan"]}), 0, {"weight 9"});
    const auto weight_seen = [&] {
      const Json ring = mesh.json({"ring", "show"});
      for (const Json& now : ring["nodes"]) {
        if (now["node"] == id) return now["weight"].get<int>();
      }
      return 0;
    };
    CHECK(becomes_true(30s, [&] { return weight_seen() == 9; }));
    mesh.wait_calm();
    CHECK(mesh.stop_node(2) == 0);
    mesh.restart_node(2);
    mesh.wait_calm();
    CHECK(weight_seen() == 9);
    check_all(mesh, 2, stored);
  }

  TEST_CASE(
      "operators: while repair is paused nothing is copied and no vote goes on; then both do") {
    TestMesh mesh({.nodes = 5});
    const Stored stored = put_some(mesh, 20);
    const std::string heavy = id_of(mesh, 0);
    const std::string lost = id_of(mesh, 4);
    check_tells(mesh.cli({"repair", "pause", "--for", "30m"}), 0, {"5 nodes", "30m"});
    const Json plan = mesh.json({"ring", "plan", "weight", heavy, "40"});
    REQUIRE(plan["moved_bytes"] > 0);
    mesh.must({"ring", "apply", plan["plan"]});
    CHECK(becomes_true(30s, [&] {
      const Json totals = mesh.json({"status"})["totals"];
      return totals["to_copy_bytes"] > 0 && totals["paused"] == 5;
    }));
    CHECK(mesh.must({"status"}).find("paused for ") != std::string::npos);

    mesh.kill_node(4);
    ProcessAnswer late;
    CHECK(becomes_true(40s, [&] {  // until it is held dead: usage
      late = mesh.cli_at(1, {"node", "forget", lost, "--timeout", "2s"});
      return late.exit == 8;
    }));
    check_tells(late, 8,
                {"partitions that are in motion", "pixmesh node forget " + lost, "--force"});
    const Json votes = mesh.json({"status"})["votes"];
    REQUIRE(votes.size() == 1);
    CHECK(votes[0]["node"] == lost);
    CHECK(votes[0]["told"] == true);
    CHECK(copied(mesh) == 0);
    check_all(mesh, 0, stored);

    mesh.kill_node(1);  // the wish and the pause lie in its state folder
    mesh.restart_node(1);
    CHECK(becomes_true(30s, [&] {
      const Json status = mesh.json({"status"});
      return status["totals"]["paused"] == 4 && status["votes"].size() == 1;
    }));
    CHECK(copied(mesh) == 0);
    check_tells(mesh.cli({"repair", "resume"}), 5, {"4 nodes", "was not told"});
    CHECK(becomes_true(60s, [&] { return state_of(mesh, lost) == "evicted"; }));
    mesh.wait_calm();
    CHECK(copied(mesh) > 0);
    check_all(mesh, 0, stored);
  }

  TEST_CASE("operators: forget returns when the members have decided") {
    TestMesh mesh({.nodes = 4});
    const Stored stored = put_some(mesh, 8);
    const std::string lost = id_of(mesh, 3);
    mesh.kill_node(3);
    ProcessAnswer answer;
    CHECK(becomes_true(40s, [&] {
      answer = mesh.cli_at(1, {"node", "forget", lost});
      return answer.exit != 2;  // until it is held dead: usage
    }));
    check_tells(answer, 0, {"is forgotten"});
    CHECK(state_of(mesh, lost) == "evicted");
    mesh.wait_calm();
    check_all(mesh, 0, stored);
  }

  TEST_CASE("operators: a bound of bytes a second is kept to") {
    TestMesh mesh({.nodes = 4});
    const Stored stored = put_some(mesh, 16);
    check_tells(mesh.cli({"repair", "throttle", "200kB"}), 0, {"200kB a second"});
    const std::string last = id_of(mesh, 3);
    const Json plan = mesh.json({"ring", "plan", "leave", last});
    mesh.must({"ring", "apply", plan["plan"]});
    const auto began = std::chrono::steady_clock::now();
    CHECK(becomes_true(60s, [&] { return copied(mesh) >= 3'000'000; }));
    const Duration took = std::chrono::steady_clock::now() - began;
    // Three nodes copy; each has one image more than it has paid for.
    CHECK(took >= (3'000'000 - 3 * 616'000) / (3 * 200'000) * Duration(1s));
    check_tells(mesh.cli({"repair", "throttle", "off"}), 0, {"without a bound"});
    CHECK(becomes_true(60s, [&] { return !mesh.running(3); }));
    mesh.wait_calm();
    check_all(mesh, 0, stored);
  }
}

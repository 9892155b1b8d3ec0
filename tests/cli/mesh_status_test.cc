#include "cli/mesh_status.h"

#include <doctest/doctest.h>

using namespace pixmesh;

namespace {

NodeId node(std::uint8_t number) {
  NodeId id;
  id.raw[0] = number;
  return id;
}

MemberStatus member(std::uint8_t number, const char* state, const char* life) {
  MemberStatus status;
  status.node = node(number);
  status.control = "10.0.0." + std::to_string(number) + ":7600";
  status.zone = "rack-1";
  status.state = state;
  status.life = life;
  status.slots = 1030;
  status.target_slots_micro = 1'000'000'000;
  return status;
}

/// Nodes 1 and 2, both well; 10 images of 1 MB on each.
std::vector<NodeReport> two_nodes() {
  std::vector<NodeReport> reports;
  for (std::uint8_t number = 1; number <= 2; ++number) {
    NodeReport report;
    report.node = node(number);
    report.control = "10.0.0." + std::to_string(number) + ":7600";
    StatusAnswer status;
    status.node = report.node;
    status.partition_bits = 14;
    status.images = 10;
    status.bytes = 10'000'000;
    status.workers = 2;
    status.members = {member(1, "active", "alive"), member(2, "active", "alive")};
    report.status = status;
    reports.push_back(report);
  }
  return reports;
}

}  // namespace

TEST_CASE("cli: the sums of all reports tell whether the mesh is calm") {
  auto reports = two_nodes();
  CHECK(sums_of(reports).copies == 20);
  CHECK(is_calm(sums_of(reports)));
  CHECK_FALSE(is_calm(sums_of({})));

  for (const auto member_of_status : {&StatusAnswer::under_replicated, &StatusAnswer::hints}) {
    auto restless = two_nodes();
    (*restless[1].status).*member_of_status = 1;
    CHECK_FALSE(is_calm(sums_of(restless)));
  }
  reports[0].status->unsettled = 12;
  CHECK(unrest_of(sums_of(reports)) == "12 partitions unsettled");
}

TEST_CASE("cli: a disk that failed or is full is named, and keeps a mesh from being calm") {
  for (const std::string state : {"failed", "full", "ok"}) {
    auto reports = two_nodes();
    reports[0].status->disks = {{"/data/a", "ok", 50, 100, 1, 10},
                                {"/data/b", state, 1, 100, 1, 10}};
    const bool well = state == "ok";
    CHECK(unrest_of(sums_of(reports)) == (well ? "" : "1 disk " + state));
    const Json json = status_json(reports);
    CHECK(json["nodes"][0]["disks"][1]["folder"] == "/data/b");
    CHECK(json["nodes"][0]["disks"][1]["state"] == state);
    CHECK(json["totals"]["disks_failed"] == (state == "failed" ? 1 : 0));
  }
}

TEST_CASE("cli: a silent node, a joining one and differing epochs keep a mesh from being calm") {
  auto silent = two_nodes();
  silent[1].status.reset();
  CHECK(unrest_of(sums_of(silent)) == "1 node silent");

  auto joining = two_nodes();
  for (NodeReport& report : joining) report.status->members[1].state = "joining";
  CHECK(unrest_of(sums_of(joining)) == "1 joining or leaving");

  auto differing = two_nodes();
  differing[1].status->epoch.raw[0] = 1;
  CHECK(unrest_of(sums_of(differing)) == "a new member list spreads");
}

TEST_CASE("cli: a node that was evicted or left counts no more") {
  for (const char* state : {"left", "evicted"}) {
    auto reports = two_nodes();
    reports[1].status.reset();
    reports[0].status->members[1].state = state;
    CHECK(sums_of(reports).nodes == 1);
    CHECK(is_calm(sums_of(reports)));
  }
}

TEST_CASE("cli: the status table has a row for each node, with what is wrong") {
  auto reports = two_nodes();
  reports[1].status.reset();
  reports[0].status->members[1].life = "dead";
  CHECK(status_table(reports).text() ==
        "NODE      ADDRESS        ZONE    STATE         IMAGES   BYTES  SLOTS (OF TARGET)  "
        "RUNNING  QUEUED  MOVING\n"
        "01000000  10.0.0.1:7600  rack-1  active            10  10.0MB     1030 (103.00%)  "
        "    0/2       0       0\n"
        "02000000  10.0.0.2:7600  rack-1  active, dead       -       -     1030 (103.00%)  "
        "      -       -       -\n");
}

TEST_CASE("cli: evicted members that partitions wait for are summed over the reports") {
  auto reports = two_nodes();
  CHECK(awaited_members(reports).empty());
  for (NodeReport& report : reports) {
    MemberStatus evicted = member(3, "evicted", "dead");
    evicted.awaited_by = 4;
    evicted.awaited_images = 7;
    report.status->members.push_back(evicted);
  }
  const auto awaited = awaited_members(reports);
  REQUIRE(awaited.size() == 1);
  CHECK(awaited[0].node == node(3));
  CHECK(awaited[0].partitions == 8);
  CHECK(awaited[0].images == 14);
  CHECK(status_json(reports)["awaited"][0]["partitions"] == 8);
}

TEST_CASE("cli: the status object names totals and nodes") {
  auto reports = two_nodes();
  reports[1].status.reset();
  reports[1].problem = "no answer";
  const Json object = status_json(reports);
  CHECK(object["partitions"] == 16'384);
  CHECK(object["totals"]["silent"] == 1);
  CHECK(object["totals"]["calm"] == false);
  CHECK(object["nodes"].size() == 2);
  CHECK(object["nodes"][0]["images"] == 10);
  CHECK(object["nodes"][1]["problem"] == "no answer");
  CHECK(object["nodes"][1]["member"]["state"] == "active");
}

TEST_CASE("cli: the ring's balance is slots over target") {
  const auto shares = ring_shares(two_nodes());
  REQUIRE(shares.size() == 2);
  CHECK(shares[0].ratio == "1.03");
}

TEST_CASE("cli: a clock that is notably off is shown, with what to do") {
  auto reports = two_nodes();
  CHECK(clock_trouble_of(reports[0]).empty());
  reports[0].status->clock = {5, 4'900, 0, true};
  CHECK(clock_trouble_of(reports[0]).empty());

  reports[0].status->clock = {5, 74'300, 0, false};
  reports[1].status->clock = {5, 0, 12'000, true};

  CHECK(clock_trouble_of(reports[0]) ==
        "node 01000000: clock 74 s ahead of the lower median, so it coordinates no writes until it "
        "is right. Set it right there (chronyc makestep); the node notices by itself.\n");
  CHECK(clock_trouble_of(reports[1]) ==
        "node 02000000: clock 12 s behind the lower median. Set it right there (chronyc "
        "makestep); the node notices by itself.\n");
  CHECK(status_json(reports)["nodes"][0]["clock"]["ahead_ms"] == 74'300);
}

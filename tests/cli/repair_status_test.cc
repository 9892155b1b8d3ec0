#include "cli/repair_status.h"

#include <doctest/doctest.h>

using namespace pixmesh;

namespace {

NodeId numbered(std::uint8_t number) {
  NodeId id;
  id.raw[0] = number;
  return id;
}

/// Nodes 1 and 2 answer and know node 3, which is dead.
std::vector<NodeReport> two_of_three() {
  std::vector<NodeReport> reports;
  for (std::uint8_t number = 1; number <= 3; ++number) {
    NodeReport report;
    report.node = numbered(number);
    if (number < 3) {
      StatusAnswer status;
      status.node = report.node;
      MemberStatus dead;
      dead.node = numbered(3);
      dead.control = "10.0.0.3:7600";
      dead.state = "active";
      dead.life = "dead";
      status.members = {dead};
      report.status = status;
    }
    reports.push_back(report);
  }
  return reports;
}

}  // namespace

TEST_CASE("cli: who is to be evicted is told once, with what the vote waits for anywhere") {
  auto reports = two_of_three();
  CHECK(voted_members(reports).empty());
  reports[0].status->votes = {{numbered(3), true, ""}};
  reports[1].status->votes = {{numbered(3), false, "partitions that are in motion"}};
  const auto voted = voted_members(reports);
  REQUIRE(voted.size() == 1);
  CHECK(voted[0].control == "10.0.0.3:7600");
  CHECK(voted[0].told);
  CHECK(voted[0].waits_for == "partitions that are in motion");
  CHECK(status_json(reports)["votes"][0]["told"] == true);

  for (const std::size_t index : {0U, 1U}) reports[index].status->members[0].state = "evicted";
  CHECK(voted_members(reports).empty());
}

TEST_CASE("cli: repair tells what is left, at which pace, and how long that takes") {
  auto reports = two_of_three();
  CHECK(repair_text(sums_of(reports)) == "");
  CHECK(repair_eta(sums_of(reports)) == Duration{});
  reports[0].status->under_replicated = 3;
  reports[0].status->repair.short_bytes = 30'000'000;
  reports[0].status->repair.to_copy_bytes = 40'000'000;
  reports[1].status->repair.running = 2;
  CHECK(repair_text(sums_of(reports)) ==
        "3 images (30.0MB) short of copies, 40.0MB to copy, 2 partitions in work at 0B/s, no "
        "telling how long");
  CHECK(repair_eta(sums_of(reports)) == std::nullopt);
  CHECK(status_json(reports)["totals"]["eta_seconds"].is_null());

  reports[1].status->repair.bytes_a_second = 2'000'000;
  reports[1].status->repair.paused_seconds = 10;
  CHECK(repair_text(sums_of(reports)).find("about 21.0s left; paused on 1 nodes") !=
        std::string::npos);
  CHECK(status_json(reports)["totals"]["eta_seconds"] == 21);
}

TEST_CASE("cli: what a lost disk had is still to be copied, as much as the others have") {
  auto reports = two_of_three();
  reports[0].status->members[0].slots = 200;  // of all nodes together
  reports[0].status->bytes = 50'000'000;
  reports[1].status->bytes = 10'000'000;
  reports[1].status->repair.recovering = 100;
  reports[1].status->repair.recovering_bytes = 10'000'000;
  reports[1].status->repair.bytes_a_second = 4'000'000;
  CHECK(sums_of(reports).to_copy_bytes == 40'000'000);
  CHECK(repair_eta(sums_of(reports)) == 11s);

  reports[1].status->bytes = reports[1].status->repair.recovering_bytes = 50'000'000;
  CHECK(sums_of(reports).to_copy_bytes == 0);
}

TEST_CASE("cli: an operator's orders are told with what ends them") {
  RepairStatus repair;
  CHECK(orders_text(repair) == "");
  repair.rate = 20'000'000;
  CHECK(orders_text(repair) == "at most 20.0MB/s ('pixmesh repair throttle off' ends that)");
  repair.paused_seconds = 90;
  CHECK(orders_text(repair) ==
        "paused for 1m30s more ('pixmesh repair resume' ends that), at most 20.0MB/s ('pixmesh "
        "repair throttle off' ends that)");
}

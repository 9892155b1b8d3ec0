#include <numeric>

#include "sample_images.h"

using namespace pixmesh;

namespace {

RingChange leave_of(NodeId node) {
  RingChange change;
  change.node = node;
  return change;
}

RingChange weight_of_node(NodeId node, std::uint32_t weight) {
  RingChange change;
  change.kind = RingChangeKind::weigh;
  change.node = node;
  change.weight = weight;
  return change;
}

/// Every running node's answer.
std::vector<PlanAnswer> plans_of(MeshWorld& world, const RingChange& change) {
  std::vector<PlanAnswer> answers;
  for (const std::uint32_t via : world.running()) answers.push_back(world.plan(via, change));
  return answers;
}

/// The slots of each node, as this node sees them.
std::map<NodeId, std::uint32_t> slots_of(MeshWorld& world, std::uint32_t via) {
  std::map<NodeId, std::uint32_t> slots;
  for (const MemberStatus& member : world.status(via).members) slots[member.node] = member.slots;
  return slots;
}

std::uint64_t sum_of(const std::vector<PlanAnswer>& answers, std::uint64_t PlannedShare::*bytes) {
  std::uint64_t sum = 0;
  for (const PlanAnswer& answer : answers) {
    for (const PlannedShare& share : answer.shares) sum += share.*bytes;
  }
  return sum;
}

std::uint64_t bytes_stored(MeshWorld& world) {
  std::uint64_t sum = 0;
  for (const std::uint32_t node : world.running()) sum += world.status(node).bytes;
  return sum;
}

std::uint64_t bytes_copied(MeshWorld& world) {
  std::uint64_t sum = 0;
  for (const std::uint32_t node : world.running()) sum += world.status(node).repair.copied_bytes;
  return sum;
}

}  // namespace

TEST_CASE("node: a plan names what a leave then moves, and the same to whoever is asked") {
  const auto world = settled_mesh(5, 60);
  const Images images = put_images(*world, 30);
  REQUIRE(world->run_until_settled());
  const std::uint64_t stored = bytes_stored(*world);

  const auto answers = plans_of(*world, leave_of(world->id_of(4)));
  for (const PlanAnswer& answer : answers) {
    REQUIRE(answer.detail == "");
    CHECK(answer.plan == answers.front().plan);
    CHECK(answer.moved_slots == answers.front().moved_slots);
    CHECK(answer.live_copies_before == 3);
    CHECK(answer.live_copies_after == 3);
  }
  CHECK(sum_of(answers, &PlannedShare::bytes_before) == stored);
  CHECK(sum_of(answers, &PlannedShare::bytes_after) == stored);
  const std::uint64_t to_move = sum_of(answers, &PlannedShare::bytes_gained);
  CHECK(to_move == world->status(4).bytes);  // its copies, and no others
  CHECK(world->count_logged("placement_changed") > 0);
  CHECK(world->status(0).epoch == world->status(4).epoch);  // nothing is changed

  const std::uint64_t copied = bytes_copied(*world) - world->status(4).repair.copied_bytes;
  const ApplyAnswer elsewhere = world->apply(0, answers.front().plan);
  CHECK(elsewhere.code == ErrorCode{});
  CHECK(elsewhere.node == world->id_of(4));
  const ApplyAnswer done = world->apply(4, answers.front().plan);
  CHECK(done.detail == "the node hands over its copies and then stops");
  REQUIRE(world->run_until([&] { return !world->is_running(4); }, 120s));
  REQUIRE(world->run_until_settled());

  const auto slots = slots_of(*world, 0);
  for (const PlannedShare& share : answers.front().shares) {
    CHECK(slots.at(share.node) == share.slots_after);
  }
  CHECK(bytes_copied(*world) - copied == to_move);
  check_all_readable(*world, images);
}

TEST_CASE("node: a weight is changed as planned, and outlives a restart") {
  const auto world = settled_mesh(4, 61);
  const Images images = put_images(*world, 20);
  REQUIRE(world->run_until_settled());
  const NodeId heavy = world->id_of(1);

  const auto answers = plans_of(*world, weight_of_node(heavy, 2));
  REQUIRE(answers.front().detail == "");
  CHECK(world->apply(1, answers.front().plan).detail == "the node has weight 2 now");
  REQUIRE(world->run_until(
      [&] {
        const auto slots = slots_of(*world, 0);
        return std::ranges::all_of(answers.front().shares, [&](const PlannedShare& share) {
          return slots.at(share.node) == share.slots_after;
        });
      },
      30s));
  world->crash(1);
  world->restart(1);
  REQUIRE(world->run_until([&] { return world->status(1).unsettled == 0; }, 120s));
  const auto slots = slots_of(*world, 1);
  for (const PlannedShare& share : answers.front().shares) {
    CHECK(slots.at(share.node) == share.slots_after);
  }
  check_all_readable(*world, images);
}

TEST_CASE("node: a plan is refused when the members are not what they were") {
  const auto world = settled_mesh(4, 62);
  const PlanAnswer plan = world->plan(3, leave_of(world->id_of(3)));
  REQUIRE(plan.detail == "");
  world->add_node();
  REQUIRE(world->run_until_settled());

  const ApplyAnswer refused = world->apply(3, plan.plan);
  CHECK(refused.code == ErrorCode::failed);
  CHECK(refused.detail.find("have changed since the plan") != std::string::npos);
  CHECK(refused.detail.find("'pixmesh ring plan'") != std::string::npos);
  CHECK(world->plan(3, leave_of(world->id_of(3))).plan != plan.plan);
}

TEST_CASE("node: a plan that nobody made, or that was forgotten at a restart, is not carried out") {
  const auto world = settled_mesh(4, 63);
  CHECK(world->apply(0, PlanId{}).code == ErrorCode::not_found);
  const PlanAnswer plan = world->plan(3, leave_of(world->id_of(3)));
  world->crash(3);
  world->restart(3);
  REQUIRE(world->run_until_settled());
  CHECK(world->apply(3, plan.plan).code == ErrorCode::not_found);
}

TEST_CASE("node: what cannot be done is not planned") {
  const auto world = settled_mesh(3, 64);
  CHECK(world->plan(0, leave_of(NodeId{{9}})).code == ErrorCode::not_found);
  CHECK(world->plan(0, weight_of_node(world->id_of(1), 8)).code == ErrorCode::usage);  // it has 8
  CHECK(world->plan(0, weight_of_node(world->id_of(1), 0)).code == ErrorCode::usage);
  CHECK(world->plan(0, weight_of_node(world->id_of(1), 256)).code == ErrorCode::usage);
  RingChange join;
  join.kind = RingChangeKind::join;
  join.node = world->id_of(1);
  CHECK(world->plan(0, join).code == ErrorCode::usage);  // it is in the ring already

  const PlanAnswer few = world->plan(2, leave_of(world->id_of(2)));
  CHECK(few.replicas_after == 2);
  CHECK(world->apply(2, few.plan).code == ErrorCode::fewer_copies);

  world->crash(2);
  REQUIRE(world->run_until(
      [&] { return world->plan(0, leave_of(world->id_of(2))).code == ErrorCode::usage; }, 30s));
  const PlanAnswer without = world->plan(0, weight_of_node(world->id_of(1), 4));
  CHECK(without.live_copies_before == 2);
}

TEST_CASE("node: a plan of a node that is not there yet tells its share and cannot be applied") {
  const auto world = settled_mesh(4, 65);
  put_images(*world, 20);
  REQUIRE(world->run_until_settled());
  RingChange join;
  join.kind = RingChangeKind::join;
  join.capacity_bytes = 8ULL << 37;  // weight 8, as the others
  join.zone = "a new zone";
  const auto answers = plans_of(*world, join);
  REQUIRE(answers.front().detail == "");
  REQUIRE(answers.front().shares.size() == 5);
  std::uint32_t newcomers = 0;
  for (const PlannedShare& share : answers.front().shares) {
    if (share.slots_before > 0) continue;
    ++newcomers;
    CHECK(share.slots_after <= answers.front().moved_slots);
    CHECK(share.slots_after * 10 >= answers.front().moved_slots * 9);
  }
  CHECK(newcomers == 1);
  CHECK(world->apply(0, answers.front().plan).code == ErrorCode::usage);
}

TEST_CASE("node: who joins to be held takes a place in the ring when a plan is applied") {
  const auto world = settled_mesh(4, 66);
  const Images images = put_images(*world, 20);
  REQUIRE(world->run_until_settled());
  const std::uint32_t held = world->add_node({.hold = true});
  const NodeId newcomer = world->id_of(held);
  const auto state_at = [&](std::uint32_t via) {
    for (const MemberStatus& member : world->status(via).members) {
      if (member.node == newcomer) return member.state;
    }
    return std::string();
  };
  REQUIRE(world->run_until([&] { return state_at(0) == "joining"; }, 30s));
  world->run_for(10s);
  CHECK(world->status(held).bytes == 0);
  CHECK(slots_of(*world, 0).at(newcomer) == 0);
  CHECK(world->status(held).waits_for.find("ring plan join " + to_text(newcomer)) !=
        std::string::npos);
  check_all_readable(*world, images);
  world->crash(held);
  world->restart(held);
  world->run_for(10s);
  CHECK(state_at(0) == "joining");

  RingChange join;
  join.kind = RingChangeKind::join;
  join.node = newcomer;
  const auto answers = plans_of(*world, join);
  for (const PlanAnswer& answer : answers) {
    CHECK(answer.detail == "");
    CHECK(answer.plan == answers.front().plan);
  }
  const std::uint64_t to_move = sum_of(answers, &PlannedShare::bytes_gained);
  const std::uint64_t copied = bytes_copied(*world);
  CHECK(world->apply(held, answers.front().plan).detail == "the node takes its place in the ring");
  REQUIRE(world->run_until([&] { return state_at(0) == "active"; }, 30s));
  REQUIRE(world->run_until_settled());
  CHECK(bytes_copied(*world) - copied == to_move);
  for (const PlannedShare& share : answers.front().shares) {
    CHECK(slots_of(*world, held).at(share.node) == share.slots_after);
  }
  check_all_readable(*world, images);
}

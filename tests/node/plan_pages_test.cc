// A plan of more nodes than an answer may name.
#include <doctest/doctest.h>

#include <algorithm>

#include "node/ring_plans.h"
#include "nowhere.h"

using namespace pixmesh;

namespace {

constexpr std::uint32_t member_count = 1'200;
constexpr LinkId asker{7};

SigningKey key_number(std::uint32_t number) {
  return signing_key_of(
      {static_cast<std::uint8_t>(number), static_cast<std::uint8_t>(number >> 8), 9});
}

MemberRecord record_number(std::uint32_t number, const MeshId& mesh) {
  MemberRecord record;
  record.mesh = mesh;
  record.control_address = "node" + std::to_string(number) + ":7600";
  record.generation = record.placement_generation = 1;
  record.state = MemberState::active;
  return sign_record(record, key_number(number));
}

struct Letters : Post {
  std::vector<PlanAnswer> answers;
  void to_member(NodeId, Message) override {}
  void to_link(LinkId to, Message message) override {
    CHECK(to == asker);
    if (const auto* answer = std::get_if<PlanAnswer>(&message)) answers.push_back(*answer);
  }
};

/// The plans of member 0 of a large mesh, whose placement is known.
struct LargeMesh {
  LargeMesh() : table(node_id_of(key_number(0).public_key)) {
    MeshSettings settings;
    settings.mesh.raw.fill(3);
    settings.generation = 1;
    REQUIRE(table.merge(sign_settings(settings, key_number(0))).outcome == MergeOutcome::adopted);
    table.set_own(record_number(0, settings.mesh));
    for (std::uint32_t number = 1; number < member_count; ++number) {
      const MemberRecord record = record_number(number, settings.mesh);
      REQUIRE(table.merge(record).outcome == MergeOutcome::adopted);
    }
    placements.on_epoch_changed(now);
    placements.on_deadline(now + 1s, OperationId{1});
    REQUIRE(placements.on_computed(OperationId{1}));
    alive = table.present();
  }
  PlanAnswer ask(Instant at, std::optional<NodeId> after) {
    RingChange change;
    change.node = alive.back();
    const PlanRequest request{OperationId{5}, change, after};
    if (plans.begin(at, asker, request, alive)) {
      plans.compute(OperationId{2}, asker, request, alive, {}, 0);
      REQUIRE(plans.on_computed(at, OperationId{2}));
    }
    REQUIRE(!letters.answers.empty());
    return letters.answers.back();
  }

  Instant now{};
  NodeOptions options;
  Nowhere nowhere;
  AtOnce background;
  Outside outside{nowhere, {}, nowhere, nowhere, background, nowhere};
  Letters letters;
  MemberTable table;
  Placements placements{options, table, outside};
  RingPlans plans{options, table, placements, outside, letters};
  std::vector<NodeId> alive;
};

}  // namespace

TEST_CASE("node: a plan of many nodes is told page by page, each node once") {
  LargeMesh mesh;
  const PlanAnswer first = mesh.ask(mesh.now, std::nullopt);
  REQUIRE(first.detail == "");
  CHECK(first.shares.size() == page_entries_max);
  CHECK(first.more);
  const PlanAnswer last = mesh.ask(mesh.now, first.shares.back().node);
  CHECK(last.plan == first.plan);
  CHECK(last.shares.size() == member_count - page_entries_max);
  CHECK_FALSE(last.more);

  std::vector<PlannedShare> all = first.shares;
  all.insert(all.end(), last.shares.begin(), last.shares.end());
  CHECK(std::ranges::is_sorted(all, {}, &PlannedShare::node));
  std::uint64_t slots = 0;
  for (const PlannedShare& share : all) slots += share.slots_after;
  CHECK(slots == 3ULL << MeshSettings{}.partition_bits);
  CHECK(all.back().slots_after == 0);  // who leaves has the highest id
}

TEST_CASE("node: pages of a plan are told for an hour, and not for other members") {
  LargeMesh mesh;
  const PlanAnswer first = mesh.ask(mesh.now, std::nullopt);
  CHECK(mesh.ask(mesh.now + 59min, first.shares.back().node).code == ErrorCode{});
  CHECK(mesh.ask(mesh.now + 61min, first.shares.back().node).code == ErrorCode::failed);
  CHECK(mesh.plans.change_of(mesh.now + 59min, first.plan).has_value());
  CHECK_FALSE(mesh.plans.change_of(mesh.now + 61min, first.plan).has_value());

  REQUIRE(mesh.table.merge(record_number(member_count, mesh.table.settings()->mesh)).outcome ==
          MergeOutcome::adopted);
  const auto refused = mesh.plans.change_of(mesh.now, first.plan);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == ErrorCode::failed);
}

#include "node/ring_plans.h"

#include <algorithm>

#include "base/digest.h"
#include "node/standing.h"

namespace pixmesh {
namespace {

constexpr std::size_t plans_max = 16;
constexpr std::size_t jobs_max = 4;      // at once
constexpr Duration remembered_for = 1h;  // until it is applied

std::string plan_again() { return "; make the plan anew with 'pixmesh ring plan'"; }

}  // namespace

bool RingPlans::begin(Instant now, LinkId asker, const PlanRequest& request,
                      const std::vector<NodeId>& alive) {
  if (request.after) {
    const Plan* plan = find(now, plan_id_of(request.change, placements_.epoch()));
    if (plan != nullptr) {
      answer(asker, request.operation, *plan, request.after);
    } else {
      refuse(asker, request.operation, {ErrorCode::failed, "the mesh has changed meanwhile"});
    }
    return false;
  }
  const Result<Done> checked = check(request.change, alive);
  if (!checked) refuse(asker, request.operation, checked.error());
  return checked.has_value();
}

Result<Done> RingPlans::check(const RingChange& change, const std::vector<NodeId>& alive) const {
  if (change.kind > RingChangeKind::weigh || change.kind < RingChangeKind::join) {
    return Error{ErrorCode::usage, "no such change is known here"};
  }
  if (jobs_.size() >= jobs_max) {
    return Error{ErrorCode::overloaded, "the node works out other plans"};
  }
  if (placements_.epoch() != members_.epoch()) {
    return Error{ErrorCode::overloaded,
                 "another change of the members is being worked out; try again in a moment"};
  }
  if (change.kind == RingChangeKind::join && change.node == NodeId{}) {
    if (change.zone.size() <= zone_bytes_max) return Done{};
    return Error{ErrorCode::usage, "the name of a zone has at most 64 bytes"};
  }
  return check_member(change, alive);
}

Result<Done> RingPlans::check_member(const RingChange& change,
                                     const std::vector<NodeId>& alive) const {
  const MemberRecord* record = members_.find(change.node);
  const std::string who = "node " + short_text(change.node);
  if (record == nullptr || members_.is_evicted(change.node)) {
    return Error{ErrorCode::not_found, "no member has the id " + to_text(change.node)};
  }
  const bool joins = change.kind == RingChangeKind::join;
  if (record->state != (joins ? MemberState::joining : MemberState::active)) {
    return Error{ErrorCode::usage, who + " is " + std::string(text_of(record->state)) +
                                       ", and this is for nodes that are " +
                                       (joins ? "joining" : "active")};
  }
  if (!contains(alive, change.node)) {
    return Error{ErrorCode::usage, who +
                                       " does not answer, and only a node itself changes its "
                                       "place; 'pixmesh node forget' gives up a lost one"};
  }
  if (change.kind == RingChangeKind::weigh) {
    if (change.weight < 1 || change.weight > weight_max) {
      return Error{ErrorCode::usage, "a weight is 1 to " + std::to_string(weight_max)};
    }
    if (change.weight == record->weight) {
      return Error{ErrorCode::usage,
                   who + " has weight " + std::to_string(change.weight) + " already"};
    }
  }
  if (change.kind == RingChangeKind::leave && members_.active().size() == 1) {
    return Error{ErrorCode::fewer_copies, "this is the last node; its images would be gone"};
  }
  return Done{};
}

// Its id is made up: which partitions the real one will get is not known, only how many.
PlacementMember RingPlans::newcomer_of(const RingChange& change) const {
  CanonicalBytes seed;
  seed.text("pixmesh planned member").u64(change.capacity_bytes).text(change.zone);
  const std::uint64_t unit = members_.settings()->weight_unit_bytes;
  return {node_id_of(seed.bytes()), weight_of(change.capacity_bytes, unit), change.zone};
}

std::vector<PlacementMember> RingPlans::members_after(const RingChange& change) const {
  std::vector<PlacementMember> after;
  for (const MemberRecord* member : members_.active()) {
    const bool is_meant = member->node == change.node;
    if (is_meant && change.kind == RingChangeKind::leave) continue;
    const bool is_weighed = is_meant && change.kind == RingChangeKind::weigh;
    after.push_back({member->node, is_weighed ? change.weight : member->weight, member->zone});
  }
  if (change.kind != RingChangeKind::join) return after;
  const MemberRecord* record = members_.find(change.node);
  after.push_back(record == nullptr ? newcomer_of(change)
                                    : PlacementMember{record->node, record->weight, record->zone});
  return after;
}

void RingPlans::compute(OperationId ticket, LinkId asker, const PlanRequest& request,
                        const std::vector<NodeId>& alive, const DiskSums::Summaries& disks,
                        std::uint32_t unsettled) {
  const auto checked = check(request.change, alive);  // the disks took their time
  if (!checked) return refuse(asker, request.operation, checked.error());
  auto job = std::make_shared<Job>();
  job->asker = asker;
  job->operation = request.operation;
  job->change = request.change;
  job->epoch = placements_.epoch();
  job->unsettled = unsettled;
  const MeshSettings& settings = *members_.settings();
  job->scene = {members_.self(),
                alive,
                members_after(request.change),
                {settings.partition_bits, settings.replicas, settings.placement_key},
                placements_.table(),
                std::vector<std::uint64_t>(1U << settings.partition_bits)};
  for (const std::optional<DiskSummary>& disk : disks) {
    if (!disk) continue;
    for (const PartitionSummary& part : disk->partitions) {
      if (part.partition.raw < job->scene.bytes.size()) {
        job->scene.bytes[part.partition.raw] += part.bytes;
      }
    }
  }
  jobs_[ticket] = job;
  outside_.background.run(ticket, [job, compute = options_.compute_placement] {
    job->outcome = outcome_of(job->scene, compute(job->scene.after, job->scene.options));
  });
}

bool RingPlans::on_computed(Instant now, OperationId ticket) {
  const auto found = jobs_.extract(ticket);
  if (!found) return false;
  Job& job = *found.mapped();
  Plan plan{plan_id_of(job.change, job.epoch),
            job.change,
            job.epoch,
            now,
            std::move(job.outcome),
            job.unsettled};
  answer(job.asker, job.operation, plan, std::nullopt);
  remember(std::move(plan));
  return true;
}

void RingPlans::remember(Plan plan) {
  std::erase_if(plans_, [&](const Plan& known) { return known.id == plan.id; });
  if (plans_.size() == plans_max) plans_.pop_front();
  plans_.push_back(std::move(plan));
}

const RingPlans::Plan* RingPlans::find(Instant now, PlanId id) const {
  const auto found = std::ranges::find(plans_, id, &Plan::id);
  return found == plans_.end() || found->made_at + remembered_for < now ? nullptr : &*found;
}

void RingPlans::answer(LinkId asker, OperationId operation, const Plan& plan,
                       const std::optional<NodeId>& after) {
  PlanAnswer answer;
  answer.operation = operation;
  answer.plan = plan.id;
  answer.moved_slots = plan.outcome.moved_slots;
  answer.replicas_before = plan.outcome.replicas_before;
  answer.replicas_after = plan.outcome.replicas_after;
  answer.live_copies_before = plan.outcome.live_copies_before;
  answer.live_copies_after = plan.outcome.live_copies_after;
  answer.unsettled = plan.unsettled;
  const auto& shares = plan.outcome.shares;
  auto place =
      after ? std::ranges::upper_bound(shares, *after, {}, &PlannedShare::node) : shares.begin();
  while (place != shares.end() && answer.shares.size() < page_entries_max) {
    answer.shares.push_back(*place++);
  }
  answer.more = place != shares.end();
  post_.to_link(asker, std::move(answer));
}

void RingPlans::refuse(LinkId asker, OperationId operation, const Error& error) {
  PlanAnswer answer;
  answer.operation = operation;
  answer.code = error.code;
  answer.detail = error.detail;
  post_.to_link(asker, std::move(answer));
}

Result<RingChange> RingPlans::change_of(Instant now, PlanId id) const {
  const Plan* plan = find(now, id);
  if (plan == nullptr) {
    return Error{ErrorCode::not_found,
                 "this node knows no plan " + to_text(id) + " of the last hour" + plan_again()};
  }
  if (plan->epoch != members_.epoch()) {
    return Error{ErrorCode::failed,
                 "members or settings of the mesh have changed since the plan (" +
                     text_of(plan->change) +
                     ") was made, so it would not do "
                     "what it said" +
                     plan_again()};
  }
  if (plan->change.node == NodeId{}) {
    return Error{ErrorCode::usage,
                 "the plan is of a node that is not there yet: start it with 'pixmesh node run "
                 "--join', which needs no plan"};
  }
  return plan->change;
}

}  // namespace pixmesh

#pragma once

#include <deque>
#include <map>
#include <memory>

#include "node/disk_sums.h"
#include "node/placements.h"
#include "node/post.h"
#include "node/ring_plan.h"

namespace pixmesh {

/// Plans of changes that operators asked for: works them out away from the loop thread, and
/// remembers the last ones, so that an order needs to name no more than the plan.
///
/// A plan is of one epoch. It is applied only by the node that it is about, and only while that
/// node's members and settings are those it was made for.
class RingPlans {
 public:
  RingPlans(const NodeOptions& options, const MemberTable& members, const Placements& placements,
            Outside& outside, Post& post)
      : options_(options),
        members_(members),
        placements_(placements),
        outside_(outside),
        post_(post) {}

  /// Answers at once if the change cannot be planned, or for a further page.
  /// @returns whether the plan is still to be worked out: with `compute`.
  [[nodiscard]] bool begin(Instant now, LinkId asker, const PlanRequest& request,
                           const std::vector<NodeId>& alive);
  /// @param ticket  of the event that will tell that it is done.
  void compute(OperationId ticket, LinkId asker, const PlanRequest& request,
               const std::vector<NodeId>& alive, const DiskSums::Summaries& disks,
               std::uint32_t unsettled);
  /// @returns whether the ticket was of a plan.
  [[nodiscard]] bool on_computed(Instant now, OperationId ticket);

  /// What an order to apply this plan means here. Errors: not_found (no such plan is remembered),
  /// failed (the mesh is not what the plan was made for), usage (it is of a node that is not
  /// there).
  [[nodiscard]] Result<RingChange> change_of(Instant now, PlanId plan) const;

 private:
  struct Job {  // shared with the background thread until its event comes
    LinkId asker;
    OperationId operation;
    RingChange change;
    Epoch epoch;
    PlanScene scene;
    std::uint32_t unsettled = 0;
    PlanOutcome outcome;
  };
  struct Plan {
    PlanId id;
    RingChange change;
    Epoch epoch;
    Instant made_at;
    PlanOutcome outcome;
    std::uint32_t unsettled = 0;
  };

  [[nodiscard]] Result<Done> check(const RingChange& change,
                                   const std::vector<NodeId>& alive) const;
  [[nodiscard]] Result<Done> check_member(const RingChange& change,
                                          const std::vector<NodeId>& alive) const;
  [[nodiscard]] std::vector<PlacementMember> members_after(const RingChange& change) const;
  [[nodiscard]] PlacementMember newcomer_of(const RingChange& change) const;
  [[nodiscard]] const Plan* find(Instant now, PlanId id) const;
  void remember(Plan plan);
  void answer(LinkId asker, OperationId operation, const Plan& plan,
              const std::optional<NodeId>& after);
  void refuse(LinkId asker, OperationId operation, const Error& error);

  const NodeOptions& options_;
  const MemberTable& members_;
  const Placements& placements_;
  Outside& outside_;
  Post& post_;
  std::map<OperationId, std::shared_ptr<Job>> jobs_;
  std::deque<Plan> plans_;  // the newest last
};

}  // namespace pixmesh

#pragma once

#include <map>
#include <memory>
#include <set>

#include "node/options.h"
#include "node/outside.h"
#include "node/post.h"
#include "replication/operation.h"

namespace pixmesh {

/// Whether a newcomer takes its place in the ring by itself.
///
///   records of all known ──> ask each member how much it has ──> work out the placement with us
///   ──> free, or held: our share is over 80 % of our capacity, or our zone is so small that it
///   takes a copy of everything, and ours is larger than our weight
///
/// What is in a mesh without images does not matter: nothing would move. A member that does not
/// answer for `patience` is not waited for.
class JoinCheck {
 public:
  JoinCheck(const NodeOptions& options, const MemberTable& members, Outside& outside, Post& post)
      : options_(options), members_(members), outside_(outside), post_(post) {}

  void begin(Instant now) { begun_at_ = next_at_ = now; }
  [[nodiscard]] bool is_under_way() const { return begun_at_.has_value(); }
  /// @param table_shared  another member has all the records that we have
  /// @param ticket        of the event that may tell that the placement is worked out
  void on_deadline(Instant now, const std::vector<NodeId>& alive, bool table_shared,
                   OperationId ticket);
  [[nodiscard]] std::optional<Instant> next_deadline() const { return next_at_; }
  void on_status(NodeId from, std::uint64_t bytes);

  /// @returns whether the ticket was ours; it is over then, and `reason` says how it ended.
  [[nodiscard]] bool on_computed(OperationId ticket);
  /// Why it is held, for people; empty if it is free.
  [[nodiscard]] const std::string& reason() const { return reason_; }

 private:
  struct Job {  // shared with the background thread until its event comes
    OperationId ticket;
    std::vector<PlacementMember> members;
    PlacementOptions options;
    std::uint64_t copied_bytes = 0;  // of all copies that the members have
    std::uint64_t slots_before = 0;  // in which they are
    std::uint32_t slots = 0;         // that would be ours
  };

  void ask(Instant now, const std::vector<NodeId>& alive);
  void compute(OperationId ticket);
  [[nodiscard]] std::string judge(const Job& job) const;

  const NodeOptions& options_;
  const MemberTable& members_;
  Outside& outside_;
  Post& post_;
  std::optional<Instant> begun_at_;
  std::optional<Instant> next_at_;
  std::set<NodeId> asked_;
  std::map<NodeId, std::uint64_t> bytes_of_;
  std::shared_ptr<Job> job_;
  std::string reason_;
};

}  // namespace pixmesh

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/result.h"

// What an operator asks about a change of the members before it is made.
namespace pixmesh {

/// Names a plan: hash of the change, and of the epoch that it is a change of.
using PlanId = Id<struct PlanTag, std::array<std::uint8_t, 16>>;

enum class RingChangeKind : std::uint8_t { join = 1, leave, weigh };

/// One change of who is in the ring and how much each is to hold.
struct RingChange {
  RingChangeKind kind = RingChangeKind::leave;
  NodeId node;                       // all zero: one that is not there yet, which joins
  std::uint32_t weight = 0;          // to be weighed by; 1 … weight_max
  std::uint64_t capacity_bytes = 0;  // of one that is not there yet: what its weight follows from
  std::string zone;                  // of one that is not there yet
  friend bool operator==(const RingChange&, const RingChange&) = default;
};

/// What would this change move? Every living member is asked: each tells of the partitions that it
/// is the first living holder of.
struct PlanRequest {
  OperationId operation;
  RingChange change;
  std::optional<NodeId> after;  // a further page of the plan that was computed last
};
/// One member's part of the change. Bytes are of partitions that the asked node tells of.
struct PlannedShare {
  NodeId node;
  std::uint32_t slots_before = 0;
  std::uint32_t slots_after = 0;
  std::uint64_t bytes_before = 0;
  std::uint64_t bytes_after = 0;
  std::uint64_t bytes_gained = 0;  // of partitions that it would hold in addition
  friend bool operator==(const PlannedShare&, const PlannedShare&) = default;
};
struct PlanAnswer {
  OperationId operation;
  ErrorCode code{};  // usage, not_found, overloaded (soon), failed
  std::string detail;
  PlanId plan;
  std::uint64_t moved_slots = 0;      // copies of partitions that would move
  std::uint32_t replicas_before = 0;  // copies that are kept of each partition
  std::uint32_t replicas_after = 0;
  std::uint32_t live_copies_before = 0;  // of the partition with the fewest living holders; kept
                                         // while the change is carried out
  std::uint32_t live_copies_after = 0;
  std::uint32_t unsettled = 0;       // partitions of the asked node that are still in motion
  std::vector<PlannedShare> shares;  // by id, at most page_entries_max
  bool more = false;
};

/// Carry out this plan. The node that the change is about does; others name it.
struct ApplyRequest {
  OperationId operation;
  PlanId plan;
  bool accept_fewer_copies = false;
};
struct ApplyAnswer {
  OperationId operation;
  ErrorCode code{};    // usage, not_found, fewer_copies, failed: the mesh is not what it was
  std::string detail;  // for people
  NodeId node;         // that the change is about
};

}  // namespace pixmesh

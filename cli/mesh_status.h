#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/output.h"
#include "client/client.h"

// What the members' reports add up to. Pure.
namespace pixmesh {

struct MeshSums {
  std::uint32_t nodes = 0;     // members that count: neither left nor evicted
  std::uint32_t silent = 0;    // of those: gave no report
  std::uint32_t changing = 0;  // of those: joining or leaving
  std::uint64_t copies = 0;    // of images, on all nodes together
  std::uint64_t bytes = 0;     // of those copies
  std::uint64_t under_replicated = 0;
  std::uint64_t begun_anew = 0;  // partitions
  std::uint64_t unsettled = 0;
  std::uint64_t to_sync = 0;
  std::uint64_t hints = 0;
  std::uint64_t moved_bytes = 0;    // since the last change of the placement
  std::uint64_t planned_slots = 0;  // copies of partitions that it moved
  std::uint64_t ideal_slots = 0;    // the least that any placement would have moved
  std::uint64_t slots = 0;          // all there are
  std::uint32_t running = 0;
  std::uint32_t queued = 0;
  std::uint32_t disks_failed = 0;
  std::uint32_t disks_full = 0;
  std::uint64_t short_bytes = 0;    // of the images under-replicated
  std::uint64_t to_copy_bytes = 0;  // of partitions in motion: at most so much is still to come;
                                    // and about so much as nodes that lost a disk are to get back
  std::uint64_t recovering = 0;     // slots of those
  std::uint64_t recovering_bytes = 0;  // that are there of them
  std::uint64_t bytes_a_second = 0;    // copied of late, by all nodes together
  std::uint32_t syncs = 0;             // partitions that are being compared or copied
  std::uint32_t paused = 0;            // nodes whose repair is paused
  std::uint32_t votes = 0;             // members that are to be evicted
  bool frozen = false;                 // some node sees too few others to move anything
  bool epochs_differ = false;          // a change of members has not reached everybody
};

/// The bytes of so many slots, by the mean of all.
[[nodiscard]] std::uint64_t bytes_of_slots(const MeshSums& sums, std::uint64_t slots);

[[nodiscard]] MeshSums sums_of(const std::vector<NodeReport>& reports);

/// Whether a report or, without one, what the others say tells that this node has gone for good.
[[nodiscard]] bool has_gone(const std::vector<NodeReport>& reports, NodeId node);

/// Nothing is under-replicated, in motion or waiting; everybody who counts has answered. A node
/// that is dead for the mesh but not gone keeps it from being calm.
[[nodiscard]] bool is_calm(const MeshSums& sums);

/// "2 images under-replicated, 12 partitions unsettled" — what it waits for; empty when calm.
[[nodiscard]] std::string unrest_of(const MeshSums& sums);

/// What the other members say of a node; null if none of them knows it.
[[nodiscard]] const MemberStatus* member_of(const std::vector<NodeReport>& reports, NodeId node);

[[nodiscard]] TextTable status_table(const std::vector<NodeReport>& reports);
[[nodiscard]] Json status_json(const std::vector<NodeReport>& reports);

/// One line on a node whose wall clock is notably off, with what to do; else empty.
[[nodiscard]] std::string clock_trouble_of(const NodeReport& node);

/// An evicted member that partitions wait for: W or more of their holders were evicted at once, so
/// it may have acknowledged images that nobody else has.
struct AwaitedMember {
  NodeId node;
  std::string control;
  std::uint64_t partitions = 0;
  std::uint64_t images = 0;  // that others know of in these
};
[[nodiscard]] std::vector<AwaitedMember> awaited_members(const std::vector<NodeReport>& reports);

/// How slots are spread, by the first report there is.
struct RingShare {
  MemberStatus member;
  std::string ratio;  // slots / target slots
};
[[nodiscard]] std::vector<RingShare> ring_shares(const std::vector<NodeReport>& reports);

}  // namespace pixmesh

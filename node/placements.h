#pragma once

#include <map>
#include <memory>

#include "membership/member_table.h"
#include "node/options.h"
#include "node/outside.h"
#include "replication/operation.h"
#include "ring/placement.h"

namespace pixmesh {

/// Which placement is in use, and the making of the next one away from the loop thread. Changes of
/// the members are gathered for `placement_delay`; the old table serves until the new one is there.
class Placements {
 public:
  Placements(const NodeOptions& options, const MemberTable& members, Outside& outside)
      : options_(options), members_(members), outside_(outside) {}

  void on_epoch_changed(Instant now);
  /// Starts a computation when one is due.
  void on_deadline(Instant now, OperationId ticket);
  [[nodiscard]] std::optional<Instant> next_deadline() const { return due_at_; }
  /// @returns true if the ticket was ours: a new table is in use.
  [[nodiscard]] bool on_computed(OperationId ticket);

  [[nodiscard]] const PlacementTable& table() const { return *table_; }
  /// Its holders of a partition, in the lives that the members had then.
  [[nodiscard]] std::vector<HolderLife> holders_of(PartitionId partition) const;
  [[nodiscard]] Epoch epoch() const { return epoch_; }
  [[nodiscard]] std::uint64_t height() const { return height_; }
  /// W of the settings it was made under; 0 before the first table.
  [[nodiscard]] std::uint32_t write_quorum() const { return write_quorum_; }
  /// Slots that the table in use moved when it took the place of another, and the least that any
  /// table would have moved (ideal_movement); 0 for the first table of a process.
  [[nodiscard]] std::uint64_t planned_slots() const { return planned_slots_; }
  [[nodiscard]] std::uint64_t ideal_slots() const { return ideal_slots_; }
  [[nodiscard]] PartitionId partition_of_name(std::string_view name) const;

 private:
  struct Job {
    OperationId ticket;
    Epoch epoch;
    std::uint64_t height = 0;
    std::uint32_t write_quorum = 0;
    std::vector<PlacementMember> members;
    std::map<NodeId, std::uint64_t> lives;  // of those that began after an eviction
    PlacementOptions options;
    PlacementTable before;
    PlacementTable result;
    std::uint64_t planned_slots = 0;
    std::uint64_t ideal_slots = 0;
  };

  const NodeOptions& options_;
  const MemberTable& members_;
  Outside& outside_;
  std::optional<Instant> due_at_;
  bool wanted_ = false;
  std::shared_ptr<Job> job_;  // shared with the background thread until its event comes
  std::unique_ptr<PlacementTable> table_ = std::make_unique<PlacementTable>();
  std::map<NodeId, std::uint64_t> lives_;
  Epoch epoch_;
  std::uint64_t height_ = 0;
  std::uint32_t write_quorum_ = 0;
  std::uint64_t planned_slots_ = 0;
  std::uint64_t ideal_slots_ = 0;
};

/// The disk of a partition: the greatest keyed hash wins, each disk drawing as often as it is large
/// (weighted rendezvous, so a new disk takes only its share). Pure, so it needs no storing as long
/// as the disks' ids and capacities are the same.
[[nodiscard]] std::uint32_t choose_disk(PartitionId partition,
                                        const std::vector<DiskDescription>& disks);

}  // namespace pixmesh

#pragma once

#include "replication/shared_sums.h"

namespace pixmesh {

/// Anti-entropy: one sum a block of partitions, then one a partition where blocks differ, finds
/// differences between holders without listing.
/// Every `interval` one living member is asked which of the partitions we both hold differ from
/// ours; those are synced. Members that came back are asked first.
class Repair : public Operation {
 public:
  struct Options {
    Duration interval = 10s;          // between rounds; one member a round
    Duration after_return = 2s;       // a returned member is compared with soon
    std::uint32_t syncs_max = 1'000;  // differences taken up in one round
  };
  Repair(OperationId id, const MeshView& mesh);
  Repair(OperationId id, const MeshView& mesh, Options options);

  Effects start(Instant now) override;
  Effects on_message(Instant now, NodeId from, const PeerMessage& message) override;
  Effects on_disk(Instant now, const Result<DiskAnswer>& answer) override;
  Effects on_deadline(Instant now) override;
  std::optional<Instant> next_deadline() const override { return next_round_; }
  bool finished() const override { return false; }

  void on_member_returned(Instant now, NodeId member);

 private:
  [[nodiscard]] std::optional<NodeId> next_member();
  [[nodiscard]] Effects send_blocks() const;
  [[nodiscard]] Effects send_fingerprints(const std::vector<std::uint32_t>& blocks) const;

  const MeshView& mesh_;
  Options options_;
  std::vector<NodeId> returned_;
  NodeId last_member_;
  std::optional<NodeId> member_;  // compared with in this round
  std::uint32_t disks_waiting_ = 0;
  PartitionSums ours_;
  std::optional<Instant> next_round_;
};

}  // namespace pixmesh

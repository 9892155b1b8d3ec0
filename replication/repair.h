#pragma once

#include <map>

#include "replication/operation.h"

namespace pixmesh {

/// Anti-entropy: one digest a partition finds differences between holders without listing.
/// Every `interval` one living member is asked which of the partitions we both hold differ from
/// ours; those are synced. Members that came back are asked first.
class Repair : public Operation {
 public:
  struct Options {
    Duration interval = 10s;          // between rounds; one member a round
    Duration after_return = 2s;       // a returned member is compared with soon
    std::uint32_t syncs_max = 1'000;  // differences taken up in one round
  };
  Repair(OperationId id, const MeshView& mesh, std::uint32_t partition_count);
  Repair(OperationId id, const MeshView& mesh, std::uint32_t partition_count, Options options);

  Effects start(Instant now) override;
  Effects on_message(Instant now, NodeId from, const PeerMessage& message) override;
  Effects on_disk(Instant now, const Result<DiskAnswer>& answer) override;
  Effects on_deadline(Instant now) override;
  std::optional<Instant> next_deadline() const override { return next_round_; }
  bool finished() const override { return false; }

  void on_member_returned(Instant now, NodeId member);

 private:
  [[nodiscard]] std::optional<NodeId> next_member();
  [[nodiscard]] Effects send_fingerprints();

  const MeshView& mesh_;
  std::uint32_t partition_count_;
  Options options_;
  std::vector<NodeId> returned_;
  NodeId last_member_;
  std::optional<NodeId> member_;  // compared with in this round
  std::uint32_t disks_waiting_ = 0;
  std::map<PartitionId, std::uint64_t> ours_;
  std::optional<Instant> next_round_;
};

}  // namespace pixmesh

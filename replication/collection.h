#pragma once

#include <map>

#include "replication/record_sweep.h"

namespace pixmesh {

/// Forgets tombstones that every holder has, so that deletions do not pile up for ever.
///
/// For each settled partition the lowest of its holders, while all of them answer:
///   1. notes which tombstones there are, and waits `kept_for`: as long as a client may say again
///      what the deletion undid
///   2. asks the others whether they have the same records under the same lists. Then all of them
///      have each of these tombstones, and nothing older under their names
///   3. has each holder raise its collected clock to the latest of them, durably (CollectStep)
///   4. tells all, when each has, to drop the tombstones up to there
/// What is left at a holder that missed the last step goes with its next sync. Nobody who has not
/// raised the clock is a settled member: a new one takes it over with the records, and one whose
/// disk was lost or set back recovers both. So an older copy that turns up is recognised, by the
/// clock, as deleted or never acknowledged (PartitionSync, admit).
///
/// Each message may be lost: what was not carried through is tried again in a later round. State
/// that is lost with a process only makes tombstones live longer.
class TombstoneCollection : public Operation {
 public:
  struct Options {
    Duration kept_for = 10min;  // since this process first saw it; longer than RequestMemory's
    Duration interval = 1min;   // between rounds
    Duration answer_timeout = 3s;
    std::uint32_t partitions_max = 256;  // in one round
  };
  /// @param disks  one partition of each disk
  TombstoneCollection(OperationId id, const MeshView& mesh, const RecordCodec& codec,
                      std::vector<PartitionId> disks, Options options);

  /// A row of Table::collected, before `start`.
  void restore(ByteView key, ByteView value);
  /// These went with their disk; what others know of them comes with their records.
  void forget(const std::vector<PartitionId>& partitions);
  /// One partition of each disk that is in use from now on.
  void set_disks(std::vector<PartitionId> disks);
  /// It is durable.
  void raise(const RaiseCollected& raised);
  [[nodiscard]] std::uint64_t collected_of(PartitionId partition) const;

  Effects start(Instant now) override;
  Effects on_message(Instant now, NodeId from, const PeerMessage& message) override;
  Effects on_disk(Instant now, const Result<DiskAnswer>& answer) override;
  Effects on_deadline(Instant now) override;
  std::optional<Instant> next_deadline() const override;
  bool finished() const override { return false; }

 private:
  enum class Step { rest, sum, read, compare, raise };
  struct Watch {
    Instant since;
    std::uint64_t clock = 0;  // of the latest tombstone that was there then
  };
  [[nodiscard]] bool is_ours(PartitionId partition) const;
  [[nodiscard]] Effects on_summary(Instant now, const DiskSummary& summary);
  [[nodiscard]] Effects read_next(Instant now);
  [[nodiscard]] Effects on_page(Instant now, const RecordPage& page);
  [[nodiscard]] Effects compare(Instant now);
  [[nodiscard]] Effects on_compared(Instant now, NodeId from, const FingerprintAnswer& answer);
  [[nodiscard]] Effects raise_all(Instant now);
  [[nodiscard]] Effects on_raised(NodeId from, const CollectAnswer& answer);
  [[nodiscard]] Effects ask_holders(const std::vector<PartitionId>& partitions, CollectStep step);

  const MeshView& mesh_;
  const RecordCodec& codec_;
  std::vector<PartitionId> disks_;
  Options options_;
  std::map<PartitionId, std::uint64_t> collected_;
  Step step_ = Step::rest;
  std::optional<Instant> next_round_;
  std::uint64_t round_ = 0;  // of comparisons: tells late answers to an earlier one
  Instant give_up_at_;
  std::size_t disks_waiting_ = 0;
  std::map<PartitionId, std::uint64_t> sums_;  // of partitions of ours with tombstones
  std::map<PartitionId, Watch> watches_;
  std::vector<PartitionId> unread_;
  std::optional<NameDigest> cursor_;
  std::uint64_t latest_ = 0;  // of the partition that is read
  std::vector<NodeId> waiting_for_;
  std::map<PartitionId, std::vector<NodeId>> raised_by_;  // of those that are due
};

/// Carries out one CollectRequest at a holder.
class CollectTombstones : public Operation {
 public:
  CollectTombstones(OperationId id, const MeshView& mesh, const RecordCodec& codec,
                    CollectRequest request, LinkId asker);

  Effects start(Instant now) override;
  Effects on_disk(Instant now, const Result<DiskAnswer>& answer) override;
  bool finished() const override { return over_; }

 private:
  [[nodiscard]] Effects start_raising();
  [[nodiscard]] Effects sweep_next();

  const MeshView& mesh_;
  const RecordCodec& codec_;
  CollectRequest request_;
  LinkId asker_;
  std::size_t waiting_for_ = 0;
  bool failed_ = false;
  std::optional<RecordSweep> sweep_;
  bool over_ = false;
};

}  // namespace pixmesh

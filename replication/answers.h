#pragma once

#include "replication/shared_sums.h"
#include "replication/store_record.h"

namespace pixmesh {

/// Answers FingerprintRequest: reads the sums of all disks, names the partitions that differ, or
/// the blocks of them. Those that are recovering do, whatever is here.
class CompareFingerprints : public Operation {
 public:
  CompareFingerprints(OperationId id, const MeshView& mesh, const RecordCodec& codec,
                      FingerprintRequest request, std::vector<PartitionId> disks, LinkId asker,
                      NodeId who = {});
  Effects start(Instant now) override;
  Effects on_disk(Instant now, const Result<DiskAnswer>& answer) override;
  bool finished() const override { return waiting_for_ == 0; }

 private:
  [[nodiscard]] bool differs(const Fingerprint& theirs) const;
  [[nodiscard]] std::vector<std::uint32_t> different_blocks() const;

  const MeshView& mesh_;
  const RecordCodec& codec_;
  FingerprintRequest request_;
  std::vector<PartitionId> disks_;  // one partition of each disk
  LinkId asker_;
  NodeId who_;  // asks
  std::size_t waiting_for_;
  bool failed_ = false;
  PartitionSums ours_;
};

/// What a Fingerprint says of lists; never 0.
[[nodiscard]] std::uint64_t sum_of(const RecordCodec& codec, const HolderLists& lists);

/// Answers InventoryRequest: one page of a partition's records.
class ReadInventory : public Operation {
 public:
  ReadInventory(OperationId id, const MeshView& mesh, const RecordCodec& codec,
                InventoryRequest request, LinkId asker);
  Effects start(Instant now) override;
  Effects on_disk(Instant now, const Result<DiskAnswer>& answer) override;
  bool finished() const override { return answered_; }

 private:
  [[nodiscard]] Effects refuse(ErrorCode code);

  const MeshView& mesh_;
  const RecordCodec& codec_;
  InventoryRequest request_;
  LinkId asker_;
  bool recovering_ = false;
  bool answered_ = false;
};

/// Answers WishesRequest: one page of what is remembered of a partition.
class ReadWishes : public Operation {
 public:
  ReadWishes(OperationId id, WishesRequest request, LinkId asker);
  Effects start(Instant now) override;
  Effects on_disk(Instant now, const Result<DiskAnswer>& answer) override;
  bool finished() const override { return answered_; }

 private:
  WishesRequest request_;
  LinkId asker_;
  bool answered_ = false;
};

/// Answers VersionRequest: what this holder has under a name, if the asker's lists are its own.
/// The constructor's `floor` is what VersionFloors has for the asker.
class ReadVersion : public Operation {
 public:
  ReadVersion(OperationId id, const MeshView& mesh, const RecordCodec& codec,
              VersionRequest request, LinkId asker, Version floor = {});
  Effects start(Instant now) override;
  Effects on_disk(Instant now, const Result<DiskAnswer>& answer) override;
  bool finished() const override { return answered_; }

 private:
  const MeshView& mesh_;
  const RecordCodec& codec_;
  VersionRequest request_;
  LinkId asker_;
  Version floor_;
  bool answered_ = false;
};

}  // namespace pixmesh

#pragma once

#include <map>
#include <set>

#include "replication/record_sweep.h"
#include "replication/repair_pace.h"
#include "replication/store_record.h"

namespace pixmesh {

/// Brings one partition of this node up to what other holders have: reads their inventories,
/// page by page, and stores every record that is missing here or older. Pulling only; the newest
/// version wins whatever the order, so a sync may be repeated or broken off at any point. A record
/// whose bytes here are damaged counts as missing.
/// Used by rebalance, by hints and by repair, each image when the mesh's RepairPace allows it. A
/// new holder asks `with_wishes`: what clients may say again must be remembered by the members of
/// the new set as well. With `under`, only what holders with these very lists have counts: as with
/// a lookup, answers under different lists could miss a write.
///
/// Tombstones that are collected (replication/collected.h) are not taken back, nor is what a node
/// that is no holder may have kept from before. Who has missed a collection, being no settled
/// member or recovering, brings `judges`: when enough of them were read, what is here, is old
/// enough and none of them has is dropped. It was deleted, or never acknowledged.
class PartitionSync : public Operation {
 public:
  struct Options {
    Duration answer_timeout = 5s;
    Duration page_lasts = 10s;  // a page of an inventory that waited longer is asked for again
  };
  PartitionSync(OperationId id, const MeshView& mesh, const RecordCodec& codec,
                PartitionId partition, std::vector<NodeId> sources, bool with_wishes = false,
                std::optional<HolderLists> under = std::nullopt,
                std::optional<Quorums> judges = std::nullopt);

  Effects start(Instant now) override;
  Effects on_message(Instant now, NodeId from, const PeerMessage& message) override;
  Effects on_disk(Instant now, const Result<DiskAnswer>& answer) override;
  Effects on_bulk(Instant now, const BulkEnd& from, const BulkMessage& message,
                  const std::optional<ChunkRef>& chunk) override;
  Effects on_member_down(Instant now, NodeId member) override;
  Effects on_deadline(Instant now) override;
  std::optional<Instant> next_deadline() const override;
  bool finished() const override { return step_ == Step::over; }
  std::optional<StreamId> receives() const override;

  [[nodiscard]] PartitionId partition() const { return partition_; }
  /// Sources whose whole inventory is now here.
  [[nodiscard]] const std::vector<NodeId>& merged() const { return merged_; }
  /// The same, but they are recovering themselves.
  [[nodiscard]] const std::vector<NodeId>& merged_in_doubt() const { return merged_in_doubt_; }
  /// Those that said they are no such holders.
  [[nodiscard]] const std::vector<NodeId>& strangers() const { return strangers_; }
  [[nodiscard]] std::uint64_t bytes_moved() const { return bytes_moved_; }

 private:
  enum class Step { damaged, local, wishes, remember, inventory, rest, store, raise, sweep, over };
  struct Held {  // here when the sync began
    Version version;
    bool damaged = false;
    bool confirmed = false;  // a source has the name too
  };
  [[nodiscard]] bool is_asking() const { return step_ == Step::wishes || step_ == Step::inventory; }
  [[nodiscard]] Effects on_local_page(Instant now, const RecordPage& page);
  [[nodiscard]] Effects next_source(Instant now);
  [[nodiscard]] Effects ask_page(Instant now);
  [[nodiscard]] Effects ask_wishes(Instant now);
  [[nodiscard]] Effects on_wishes(Instant now, const WishesAnswer& page);
  [[nodiscard]] Effects on_page(Instant now, const InventoryAnswer& page);
  [[nodiscard]] bool wants(const ImageRecord& record) const;
  [[nodiscard]] Effects next_record(Instant now);
  void end_source();
  [[nodiscard]] Effects conclude();
  [[nodiscard]] Effects sweep();
  [[nodiscard]] Effects store_next(Instant now);
  [[nodiscard]] std::vector<NodeId> may_have_bytes() const;
  [[nodiscard]] Effects end_rest(Instant now);
  [[nodiscard]] bool may_copy(Instant now, const ImageRecord& next);
  [[nodiscard]] Effects after_store(Instant now, Effects effects);

  const MeshView& mesh_;
  const RecordCodec& codec_;
  PartitionId partition_;
  std::vector<NodeId> sources_;
  std::vector<NodeId> all_sources_;
  bool with_wishes_;
  std::optional<HolderLists> under_;
  std::optional<Quorums> judges_;
  Step step_ = Step::damaged;
  std::set<Bytes> damaged_;  // digests
  std::map<NameDigest, Held> held_;
  std::optional<NodeId> source_;
  std::optional<NameDigest> cursor_;
  std::optional<NameDigest> done_up_to_;  // of the page at hand
  Instant page_lasts_until_;
  std::optional<RequestId> wish_cursor_;
  bool page_is_last_ = false;
  bool source_failed_ = false;
  std::vector<NameDigest> listed_;  // by this source
  std::uint64_t source_collected_ = 0;
  std::uint64_t known_collected_ = 0;  // the greatest of those that count
  std::vector<ImageRecord> missing_;   // of the current page, in reverse
  std::optional<StoreRecord> store_;
  std::optional<RecordSweep> sweep_;
  bool judged_ = false;
  std::optional<Instant> answer_by_;
  std::optional<Instant> rest_until_;
  std::optional<CopySlot> slot_;
  bool source_in_doubt_ = false;
  bool source_joining_ = false;
  std::vector<NodeId> merged_;
  std::vector<NodeId> merged_in_doubt_;
  std::vector<NodeId> strangers_;
  std::uint64_t bytes_moved_ = 0;
};

/// Removes everything of a partition that this node no longer holds, page by page.
class DropPartition : public Operation {
 public:
  DropPartition(OperationId id, const RecordCodec& codec, PartitionId partition);

  Effects start(Instant now) override;
  Effects on_disk(Instant now, const Result<DiskAnswer>& answer) override;
  Effects on_deadline(Instant now) override;
  std::optional<Instant> next_deadline() const override { return again_at_; }
  bool finished() const override { return over_; }
  [[nodiscard]] PartitionId partition() const { return partition_; }

 private:
  PartitionId partition_;
  RecordSweep sweep_;
  std::optional<Instant> again_at_;
  bool over_ = false;
};

}  // namespace pixmesh

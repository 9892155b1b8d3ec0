#pragma once

#include <map>

#include "replication/operation.h"
#include "replication/store_record.h"

namespace pixmesh {

/// The list of names under a prefix over the whole mesh, one page.
///
/// Every living member gives its own sorted page; the pages are merged up to the shortest cut,
/// newest version first, tombstones hide. `complete` tells whether a read quorum of every
/// partition was among those asked.
class Listing : public Operation {
 public:
  struct Options {
    Duration answer_timeout = 4s;
    Duration repeat_after = 1s;  // until whoever owes a page is asked again
  };
  /// @param covered  is there a read quorum of every partition among `alive` (judged by the owner)
  Listing(OperationId id, const MeshView& mesh, ListRequest request, bool covered, LinkId client);

  Effects start(Instant now) override;
  Effects on_message(Instant now, NodeId from, const PeerMessage& message) override;
  Effects on_member_down(Instant now, NodeId member) override;
  Effects on_deadline(Instant now) override;
  std::optional<Instant> next_deadline() const override;
  bool finished() const override { return answered_; }

 private:
  [[nodiscard]] Effects ask_whoever_owes(Instant now);
  [[nodiscard]] Effects finish_if_complete();
  [[nodiscard]] ListAnswer merged() const;

  const MeshView& mesh_;
  ListRequest request_;
  bool complete_;
  std::uint64_t doubts_;  // of MeshView, at the start: our own page may be from before
  LinkId client_;
  MembersAsked asked_;
  std::map<NodeId, std::optional<ListAnswer>> pages_;
  std::optional<Instant> answer_by_;
  std::optional<Instant> repeat_at_;
  bool answered_ = false;
};

/// One member's own page, from its disks.
class LocalListing : public Operation {
 public:
  using Condition = std::function<bool(std::string_view name, PartitionId disk)>;
  /// @param disks    one partition of each disk of this node
  /// @param covered  whether a read quorum of each of its partitions is asked; goes into the answer
  ///                 as `complete`
  /// @param tells_of whether this member answers for a name from one of `disks`; others are left
  ///                 out
  LocalListing(OperationId id, const RecordCodec& codec, ListRequest request,
               std::vector<PartitionId> disks, bool covered, Condition tells_of, LinkId asker);

  Effects start(Instant now) override;
  Effects on_disk(Instant now, const Result<DiskAnswer>& answer) override;
  bool finished() const override { return waiting_for_ == 0; }

 private:
  const RecordCodec& codec_;
  ListRequest request_;
  std::vector<PartitionId> disks_;
  bool covered_;  // a read quorum lives of each partition in motion
  Condition tells_of_;
  LinkId asker_;
  [[nodiscard]] Effects ask_next();
  std::size_t waiting_for_ = 1;  // disks, of which the last ones are still to be asked
  std::vector<ListEntry> entries_;
  std::string cut_;  // names behind it may be missing; "" when all are here
  bool failed_ = false;
};

/// Does the image carry all of these tags?
[[nodiscard]] bool matches(const ListEntry& entry, const std::vector<Tag>& tags);

}  // namespace pixmesh

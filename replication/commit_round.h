#pragma once

#include <map>

#include "replication/operation.h"

namespace pixmesh {

/// Offers one record to its holders and counts who made it durable. A part of an operation.
///
/// Holders with other lists say so; the newer lists are then taken and everybody is offered the
/// record again under them: a write counts only under lists that its holders share.
class CommitRound {
 public:
  CommitRound(OperationId id, const MeshView& mesh, PartitionId partition, HolderLists lists);

  /// Where holders that have no bytes yet can fetch them.
  void set_sources(std::vector<NodeId> sources, PartitionId source_partition);
  void set_record(ImageRecord record) { record_ = std::move(record); }
  /// A wish that the record has overtaken; whoever keeps the record remembers it.
  void set_overtaken(std::optional<RememberedWish> wish) { overtaken_ = wish; }
  /// The clock that holders judge a name's first version by.
  void set_first_at(WallTime wall) { first_at_ = wall; }

  /// @param stream  on which this holder got the bytes, if it did
  [[nodiscard]] Effects offer(NodeId holder, std::optional<StreamId> stream);
  [[nodiscard]] Effects offer_all_alive();
  [[nodiscard]] Effects on_answer(Instant now, NodeId from, const CommitAnswer& answer);
  [[nodiscard]] Effects on_deadline(Instant now);
  [[nodiscard]] std::optional<Instant> next_deadline() const { return retry_at_; }
  void give_up_on(NodeId holder);

  [[nodiscard]] bool acknowledged() const { return tally_.reached(); }
  /// Could living holders that have not failed still make the quorum?
  [[nodiscard]] bool possible() const;
  [[nodiscard]] bool waiting() const;
  /// Does one owe its answer that is not known to have older lists?
  [[nodiscard]] bool is_owed() const;
  [[nodiscard]] const std::vector<NodeId>& durable() const { return tally_.seen(); }
  [[nodiscard]] std::vector<NodeId> missing() const;  // holders without a durable copy
  [[nodiscard]] const HolderLists& lists() const { return lists_; }
  /// Why it is not acknowledged. Codes: unreachable, no_space.
  [[nodiscard]] Error failure() const;
  [[nodiscard]] const ImageRecord& record() const { return record_; }

  /// The message that ends a write.
  [[nodiscard]] WriteDone receipt(OperationId operation) const;

 private:
  void note_refusal(NodeId from, const CommitAnswer& answer);
  enum class State { offered, behind, durable, failed };

  OperationId id_;
  const MeshView& mesh_;
  PartitionId partition_;
  HolderLists lists_;
  ImageRecord record_;
  std::vector<NodeId> sources_;
  PartitionId source_partition_;
  WallTime first_at_;
  std::optional<RememberedWish> overtaken_;
  Tally tally_;
  std::map<NodeId, State> holders_;
  std::optional<Instant> retry_at_;
  Duration retry_wait_;
  std::optional<Error> refusal_;  // the last of a holder's; for want of space before any other
};

}  // namespace pixmesh

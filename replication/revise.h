#pragma once

#include "replication/commit_round.h"
#include "replication/lookup.h"

namespace pixmesh {

/// A write without bytes from the client: a deletion, new tags, or a second name for bytes that
/// the mesh has. Finds the current version by read quorum and commits its successor.
///
/// Its version comes from the clock, but that of tags right behind what they were read from
/// (`edited_version`). So does that of a wish for something that is not there: what is then
/// committed, a tombstone, lets the holders remember that it was refused, and hides nothing else
/// that is written meanwhile.
class Revise : public Operation {
 public:
  using Wish = std::variant<RemoveRequest, TagRequest, CopyRequest>;

  Revise(OperationId id, const MeshView& mesh, Wish wish, PartitionId partition, HolderLists lists,
         LinkId client, PartitionId source_partition = {});

  Effects start(Instant now) override;
  Effects on_message(Instant now, NodeId from, const PeerMessage& message) override;
  Effects on_member_down(Instant now, NodeId member) override;
  Effects on_deadline(Instant now) override;
  std::optional<Instant> next_deadline() const override;
  std::optional<RequestId> wish() const override { return request_; }
  Effects give_way() override;
  bool finished() const override { return over_; }

 private:
  [[nodiscard]] Effects after_lookup(Instant now);
  [[nodiscard]] Effects commit_successor(Instant now);
  [[nodiscard]] Effects after_commit();
  [[nodiscard]] Effects end(WriteDone done);
  [[nodiscard]] Effects fail(ErrorCode code, std::string detail);
  [[nodiscard]] std::string not_found_text() const;
  /// The record to commit. Errors: usage, too many tags.
  [[nodiscard]] Result<ImageRecord> successor() const;
  /// The version of `successor` where it does not come from our clock.
  [[nodiscard]] std::optional<Version> version_without_clock() const;
  [[nodiscard]] bool is_overtaken() const;
  [[nodiscard]] bool is_for_nothing() const;
  [[nodiscard]] bool was_begun() const;
  [[nodiscard]] Effects commit_overtaker();
  [[nodiscard]] WriteDone receipt() const;

  const MeshView& mesh_;
  Wish wish_;
  std::string name_;
  RequestId request_;
  OperationId client_operation_;
  PartitionId partition_;
  PartitionId source_partition_;
  LinkId client_;
  Lookup lookup_;
  std::optional<CommitRound> commit_;
  Instant deadline_;
  bool over_ = false;
};

}  // namespace pixmesh

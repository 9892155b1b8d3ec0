#pragma once

#include "replication/lookup.h"

namespace pixmesh {

/// A client's question about one name: the newest record and who can give its bytes.
class FindImage : public Operation {
 public:
  FindImage(OperationId id, const MeshView& mesh, LookupRequest request, PartitionId partition,
            HolderLists lists, LinkId client);

  Effects start(Instant now) override;
  Effects on_message(Instant now, NodeId from, const PeerMessage& message) override;
  Effects on_member_down(Instant now, NodeId member) override;
  Effects on_deadline(Instant now) override;
  std::optional<Instant> next_deadline() const override { return lookup_.next_deadline(); }
  bool finished() const override { return answered_; }

 private:
  [[nodiscard]] Effects after(Effects effects);

  const MeshView& mesh_;
  LookupRequest request_;
  PartitionId partition_;
  LinkId client_;
  Lookup lookup_;
  bool answered_ = false;
};

/// What a client is told of a lookup's outcome; also the first half of a run.
[[nodiscard]] LookupAnswer answer_of(const LookupOutcome& found, const MeshView& mesh,
                                     const std::string& name, bool strict, PartitionId partition);

}  // namespace pixmesh

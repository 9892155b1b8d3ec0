#pragma once

#include "replication/store_record.h"

namespace pixmesh {

/// One commit at a holder: from the coordinator's request to the durable record and the answer.
class HolderCommit : public Operation {
 public:
  /// @param temp  the synced file that came on the request's stream, if it is here
  HolderCommit(OperationId id, const MeshView& mesh, const RecordCodec& codec,
               CommitRequest request, std::optional<TempId> temp, LinkId asker,
               IngressBudget& ingress);

  Effects start(Instant now) override;
  Effects on_disk(Instant now, const Result<DiskAnswer>& answer) override;
  Effects on_bulk(Instant now, const BulkEnd& from, const BulkMessage& message,
                  const std::optional<ChunkRef>& chunk) override;
  Effects on_deadline(Instant now) override;
  std::optional<Instant> next_deadline() const override { return store_.next_deadline(); }
  bool finished() const override { return answered_; }
  std::optional<StreamId> receives() const override { return store_.receives(); }

 private:
  [[nodiscard]] Effects after(Effects effects);
  [[nodiscard]] Effect answer(CommitCode code, HolderLists lists, std::string detail);

  const MeshView& mesh_;
  CommitRequest request_;
  std::optional<TempId> temp_;
  LinkId asker_;
  StoreRecord store_;
  bool answered_ = false;
};

}  // namespace pixmesh

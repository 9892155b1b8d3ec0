#include "replication/holder_commit.h"

namespace pixmesh {

HolderCommit::HolderCommit(OperationId id, const MeshView& mesh, const RecordCodec& codec,
                           CommitRequest request, std::optional<TempId> temp, LinkId asker,
                           IngressBudget& ingress)
    : Operation(id),
      mesh_(mesh),
      request_(std::move(request)),
      temp_(temp),
      asker_(asker),
      store_(mesh, codec,
             {request_.partition, request_.record, request_.lists, temp, request_.sources,
              request_.source_partition, &ingress},
             TempId{id.raw}) {}

Effects HolderCommit::start(Instant now) {
  const HolderLists ours = mesh_.lists_of(request_.partition);
  // Who is about to drop the partition would keep what came in behind the drop.
  if (ours == request_.lists && is_holder(ours, mesh_.self)) return after(store_.start(now));
  answered_ = true;
  Effects effects{answer(CommitCode::stale, ours, "the lists differ")};
  if (temp_) effects.push_back(UseDisk{request_.partition, DropTemp{*temp_}, false});
  return effects;
}

Effects HolderCommit::on_disk(Instant now, const Result<DiskAnswer>& answer) {
  return after(store_.on_disk(now, answer));
}

Effects HolderCommit::on_bulk(Instant now, const BulkEnd&, const BulkMessage& message,
                              const std::optional<ChunkRef>& chunk) {
  return after(store_.on_bulk(now, message, chunk));
}

Effects HolderCommit::on_deadline(Instant now) { return after(store_.on_deadline(now)); }

Effects HolderCommit::after(Effects effects) {
  if (!store_.done() || answered_) return effects;
  answered_ = true;
  const bool stale = store_.code() == CommitCode::stale;
  effects.push_back(
      answer(store_.code(), stale ? store_.lists() : request_.lists, store_.detail()));
  return effects;
}

Effect HolderCommit::answer(CommitCode code, HolderLists lists, std::string detail) {
  return Answer{asker_,
                CommitAnswer{request_.operation, code, std::move(lists), std::move(detail)}};
}

}  // namespace pixmesh

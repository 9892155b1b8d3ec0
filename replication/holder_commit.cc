#include "replication/holder_commit.h"

namespace pixmesh {
namespace {

std::string too_early_text(NodeId holder) {
  return "for holder " + to_text(holder) +
         " the clock of the node that coordinates is more than 30 s ahead of the others': set it "
         "right there (chronyc makestep)";
}

}  // namespace

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
              request_.source_partition, &ingress, request_.overtaken},
             TempId{id.raw}) {}

Effects HolderCommit::start(Instant now) {
  const HolderLists ours = mesh_.lists_of(request_.partition);
  const bool too_early =
      request_.first_at_micros > 0 && mesh_.is_too_early({request_.first_at_micros});
  // Who is about to drop the partition would keep what came in behind the drop.
  const bool is_ours = ours == request_.lists && is_holder(ours, mesh_.self);
  if (is_ours && !too_early) return after(store_.start(now));
  answered_ = true;
  Effects effects{is_ours ? answer(CommitCode::failed, ours, too_early_text(mesh_.self))
                          : answer(CommitCode::stale, ours, "the lists differ")};
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

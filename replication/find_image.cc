#include "replication/find_image.h"

#include <algorithm>

#include "base/digest.h"

namespace pixmesh {

namespace {

// The others may have evicted us and gone on. A read quorum of two or more would have one of them.
bool may_be_outvoted(const MeshView& mesh, const HolderLists& lists) {
  if (!mesh.cut_off) return false;
  return std::ranges::any_of(quorums_of(lists, QuorumKind::read), [](const Quorum& quorum) {
    return quorum.of.size() > 1 && quorum.needed == 1;
  });
}

}  // namespace

LookupAnswer answer_of(const LookupOutcome& found, const MeshView& mesh, const std::string& name,
                       bool strict, PartitionId partition) {
  LookupAnswer answer;
  answer.confirmed = found.confirmed && !may_be_outvoted(mesh, found.lists);
  answer.partition = partition;
  answer.lists = found.lists;
  const bool is_there = found.record && !found.record->tombstone;
  if (found.code != ErrorCode{} || (!answer.confirmed && (strict || !is_there))) {
    answer.code = ErrorCode::unreachable;
    answer.detail = quorum_text(mesh, found.lists);
  } else if (!is_there) {
    answer.code = ErrorCode::not_found;
    answer.detail = "no image is named '" + name + "'";
  } else {
    answer.record = *found.record;
    for (const NodeId& node : found.have) answer.holders.push_back(mesh.address_of(node));
  }
  return answer;
}

FindImage::FindImage(OperationId id, const MeshView& mesh, LookupRequest request,
                     PartitionId partition, HolderLists lists, LinkId client)
    : Operation(id),
      mesh_(mesh),
      request_(std::move(request)),
      partition_(partition),
      client_(client),
      lookup_(id, mesh, partition, name_digest_of(request_.name), std::nullopt, std::move(lists)) {}

Effects FindImage::start(Instant now) { return after(lookup_.start(now)); }

Effects FindImage::on_message(Instant now, NodeId from, const PeerMessage& message) {
  return after(lookup_.on_message(now, from, message));
}

Effects FindImage::on_member_down(Instant now, NodeId member) {
  return after(lookup_.on_member_down(now, member));
}

Effects FindImage::on_deadline(Instant now) { return after(lookup_.on_deadline(now)); }

Effects FindImage::after(Effects effects) {
  if (answered_ || !lookup_.done()) return effects;
  answered_ = true;
  LookupAnswer answer =
      answer_of(lookup_.outcome(), mesh_, request_.name, request_.strict, partition_);
  answer.operation = request_.operation;
  effects.push_back(Answer{client_, std::move(answer)});
  return effects;
}

}  // namespace pixmesh

#include "replication/repair.h"

#include <algorithm>

namespace pixmesh {

Repair::Repair(OperationId id, const MeshView& mesh) : Repair(id, mesh, Options{}) {}

Repair::Repair(OperationId id, const MeshView& mesh, Options options)
    : Operation(id), mesh_(mesh), options_(options) {}

Effects Repair::start(Instant now) {
  next_round_ = now + options_.interval;
  return {};
}

void Repair::on_member_returned(Instant now, NodeId member) {
  if (std::find(returned_.begin(), returned_.end(), member) == returned_.end()) {
    returned_.push_back(member);
  }
  const Instant soon = now + options_.after_return;
  if (!next_round_ || soon < *next_round_) next_round_ = soon;
}

std::optional<NodeId> Repair::next_member() {
  while (!returned_.empty()) {
    const NodeId member = returned_.front();
    returned_.erase(returned_.begin());
    if (mesh_.is_alive(member)) return member;
  }
  std::vector<NodeId> others = mesh_.alive;
  std::erase(others, mesh_.self);
  if (others.empty()) return std::nullopt;
  const auto after = std::upper_bound(others.begin(), others.end(), last_member_);
  return after == others.end() ? others.front() : *after;
}

Effects Repair::on_deadline(Instant now) {
  if (!next_round_ || now < *next_round_) return {};
  next_round_ = now + (returned_.size() > 1 ? options_.after_return : options_.interval);
  member_ = next_member();
  if (!member_) return {};
  last_member_ = *member_;
  ours_.clear();
  std::map<std::uint32_t, PartitionId> one_of;
  for (std::uint32_t raw = 0; raw < mesh_.partition_count; ++raw) {
    one_of.try_emplace(mesh_.disk_of(PartitionId{raw}), PartitionId{raw});
  }
  disks_waiting_ = static_cast<std::uint32_t>(one_of.size());
  Effects effects;
  for (const auto& [disk, partition] : one_of) effects.push_back(UseDisk{partition, Summarize{}});
  return effects;
}

Effects Repair::on_disk(Instant, const Result<DiskAnswer>& answer) {
  const DiskSummary* summary = answer ? std::get_if<DiskSummary>(&answer.value()) : nullptr;
  if (summary == nullptr || disks_waiting_ == 0 || !member_) return {};
  for (const PartitionSummary& one : summary->partitions) ours_[one.partition] = one.fingerprint;
  if (--disks_waiting_ > 0) return {};
  return send_blocks();
}

Effects Repair::send_blocks() const {
  const auto shared = shared_fingerprints(mesh_, *member_, ours_);
  if (shared.empty()) return {};
  return {
      Ask{*member_, FingerprintRequest{id(), {}, 0, block_sums(shared, mesh_.partition_count)}}};
}

Effects Repair::send_fingerprints(const std::vector<std::uint32_t>& blocks) const {
  Effects effects;
  FingerprintRequest request{id(), {}, 0, {}};
  for (const Fingerprint& one : shared_fingerprints(mesh_, *member_, ours_)) {
    if (!std::ranges::count(blocks, block_of(one.partition, mesh_.partition_count))) continue;
    request.mine.push_back(one);
    if (request.mine.size() < page_entries_max) continue;
    effects.push_back(Ask{*member_, request});
    request.mine.clear();
  }
  if (!request.mine.empty()) effects.push_back(Ask{*member_, std::move(request)});
  return effects;
}

Effects Repair::on_message(Instant, NodeId from, const PeerMessage& message) {
  const auto* answer = std::get_if<FingerprintAnswer>(&message);
  if (answer == nullptr || from != member_) return {};
  if (!answer->blocks.empty()) return send_fingerprints(answer->blocks);
  Effects effects;
  for (const PartitionId partition : answer->different) {
    if (effects.size() == options_.syncs_max) break;
    if (partition.raw < mesh_.partition_count) effects.push_back(StartSync{partition, {from}});
  }
  return effects;
}

}  // namespace pixmesh

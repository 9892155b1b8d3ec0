#include "replication/rebalance.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace pixmesh {
Rebalance::Rebalance(OperationId id, const MeshView& mesh, const RecordCodec& codec,
                     std::uint32_t partition_count)
    : Rebalance(id, mesh, codec, partition_count, Options{}) {}

Rebalance::Rebalance(OperationId id, const MeshView& mesh, const RecordCodec& codec,
                     std::uint32_t partition_count, Options options)
    : Operation(id),
      mesh_(mesh),
      codec_(codec),
      options_(options),
      parts_(partition_count),
      marks_(partition_count),
      announced_(options.announced) {}

bool Rebalance::we_are_in(const std::vector<NodeId>& set) const {
  return contains(set, mesh_.self);
}

bool Rebalance::in_motion(const Part& part) const {
  return is_holder(part.lists, mesh_.self) && (!part.lists.is_settled() || part.recovering);
}

// A set without us stands alone; or we were to join one and never knew what it came from.
bool Rebalance::is_replaced(const Part& part) {
  return part.lists.is_settled() || !part.lists.known();
}

NodeId Rebalance::collector_of(const Part& part) const {
  for (const NodeId& node : part.lists.target) {
    if (mesh_.is_alive(node)) return node;
  }
  return mesh_.self;
}

const HolderLists& Rebalance::lists_of(PartitionId partition) const {
  static const HolderLists unknown;
  if (partition.raw >= parts_.size() || parts_[partition.raw].dropping) return unknown;
  return parts_[partition.raw].lists;
}

// Once prepared it had all, whatever this process remembers.
bool Rebalance::is_joining(PartitionId partition) const {
  const Part& part = parts_[partition.raw];
  return we_are_in(part.lists.target) && !we_are_in(part.lists.settled) && !part.synced &&
         part.prepared <= part.lists.number;
}

std::vector<NodeId> Rebalance::awaited_by(PartitionId partition) const {
  const Part& part = parts_[partition.raw];
  if (!part.lists.awaits_evicted && !part.recovering) return {};
  return evicted_from(part.sets, mesh_.eviction_of);
}

Effects Rebalance::found(Instant now) {
  for (std::uint32_t raw = 0; raw < parts_.size(); ++raw) {
    const HolderSet alone{{{mesh_.self}}, mesh_.write_quorum};
    parts_[raw].sets = {alone, 1, alone, {}};
    parts_[raw].lists = lists_from(parts_[raw].sets);
    unwritten_.insert(PartitionId{raw});
  }
  wake(now);
  return persist();
}

void Rebalance::wake(Instant now) {
  if (!tick_at_) tick_at_ = now + options_.tick;
}

Effects Rebalance::start(Instant now) {
  announce_at_ = poll_at_ = confirm_at_ = now;
  if (!moving_.empty() || !to_drop_.empty()) wake(now);
  return persist();
}

// --- A new placement

Effects Rebalance::on_placement(Instant now,
                                const std::function<std::vector<HolderLife>(PartitionId)>& target) {
  bytes_moved_ = 0;
  files_moved_ = 0;
  comparison_.reset();
  sync_queue_.clear();
  outbox_.clear();  // of the placement before
  noted_outbox_.clear();
  for (std::uint32_t raw = 0; raw < parts_.size(); ++raw) {
    retarget(PartitionId{raw}, {target(PartitionId{raw}), mesh_.write_quorum});
  }
  denied_by_.clear();
  announce_at_ = confirm_at_ = now;
  wake(now);
  return persist();
}

void Rebalance::retarget(PartitionId partition, HolderSet target) {
  Part& moved = part(partition);
  // Between two placements that agree there may have been another, under which others wrote to
  // other members: what is in motion begins anew.
  const bool is_same = moved.sets.target == target;
  if (is_same && !moving_.contains(partition)) return;
  const bool had_some = is_holder(moved.lists, mesh_.self) || to_drop_.contains(partition);
  HolderSets sets = std::move(moved.sets);
  const std::uint64_t prepared = moved.prepared;
  const bool may_stand_alone = !is_same && prepared > sets.number;
  if (may_stand_alone) sets = go_on_from_target(std::move(sets), prepared);
  sets.target = std::move(target);
  begin_anew(moved, std::move(sets));
  if (is_same) moved.prepared = prepared;
  to_sync_.erase(partition);
  if (in_motion(moved)) {
    if (!moved.dropping) to_drop_.erase(partition);
    moving_.insert(partition);
    unwritten_.insert(partition);
    if (is_former_holder(moved.lists, mesh_.self) || moved.recovering) begin_announcing(moved);
    return;
  }
  moving_.erase(partition);
  if (moved.lists.is_settled() && we_are_in(moved.lists.settled)) {
    if (!moved.dropping) to_drop_.erase(partition);
    unwritten_.insert(partition);
  } else if (had_some || moved.recovering) {  // a settled set may name us that we do not know
    to_drop_.insert(partition);
    ask_for_settling(moved);
    unwritten_.insert(partition);
  }
}

// Forgets what was said under the old lists; what is running here goes on.
void Rebalance::begin_anew(Part& part, HolderSets sets) const {
  Part next;
  next.sets = std::move(sets);
  next.lists = lists_from(next.sets);
  next.in_sync = next.sync_outdated = part.in_sync;
  next.dropping = part.dropping;
  next.recovering = part.recovering;
  part = std::move(next);
}

HolderLists Rebalance::lists_from(const HolderSets& sets) const {
  return pixmesh::lists_from(sets, mesh_.eviction_of);
}

// We are not in the target set. Until all of it know that it has settled they may need us for the
// fence, though one of them has told us. And even where our lists look settled they may have gone
// on from a newer set, prepared without us, that we are in: they answer with theirs, and note only
// what is as new as their own.
void Rebalance::ask_for_settling(Part& part) const {
  if (part.lists.known() || part.recovering) announce_to_all(part);
}

// What target members have noted of other lists says nothing about these.
void Rebalance::announce_to_all(Part& part) const {
  part.unnoted = part.lists.target;
  part.unnoted_after = announced_;
}

// We are a former holder: our own lists are written before anything is said, so we count first.
void Rebalance::begin_announcing(Part& part) const {
  announce_to_all(part);
  std::erase(part.unnoted, mesh_.self);
  if (part.recovering) return;  // it only asks
  insert_sorted(part.announced_by, mesh_.self);
  raise_fence(part);
}

void Rebalance::raise_fence(Part& part) const {
  part.fenced = has_all(part.announced_by, former_quorums_of(part.lists, QuorumKind::read));
}

Effects Rebalance::on_evicted(Instant now, const std::vector<NodeId>& members) {
  denied_by_.clear();
  for (std::uint32_t raw = 0; raw < parts_.size(); ++raw) {
    const PartitionId partition{raw};
    Part& shaken = parts_[raw];
    if (!comes_from_any(shaken.sets, members)) continue;
    HolderLists lists = lists_from(shaken.sets);
    if (lists == shaken.lists) continue;
    shaken.lists = std::move(lists);
    if (shaken.recovering) {  // what it compares and fetches was under other lists
      shaken.sync_outdated = shaken.in_sync;
      comparison_.reset();
    }
    unwritten_.insert(partition);
    if (in_motion(shaken)) {
      moving_.insert(partition);
      if (!shaken.dropping) to_drop_.erase(partition);
      if (is_former_holder(shaken.lists, mesh_.self)) begin_announcing(shaken);
      continue;
    }
    moving_.erase(partition);
    if (we_are_in(shaken.lists.settled)) continue;
    to_drop_.insert(partition);  // we are the one; what we have may be more than the others have
    ask_for_settling(shaken);
  }
  wake(now);
  return persist();
}

Effects Rebalance::on_disk(Instant now, const Result<DiskAnswer>& answer) {
  if (disks_owing_ > 0) --disks_owing_;
  if (!answer) {
    write_again();  // what is not durable is not told
    tick_at_ = now + options_.repeat_after;
    return {};
  }
  if (disks_owing_ == 0 && unwritten_.empty()) writing_.clear();
  const DiskSummary* summary = std::get_if<DiskSummary>(&answer.value());
  if (summary == nullptr) {
    wake(now);
    return {};
  }
  if (!comparison_ || comparison_->disks_waiting == 0) return {};
  for (const PartitionSummary& one : summary->partitions) {
    comparison_->ours[one.partition] = one.fingerprint;
  }
  if (--comparison_->disks_waiting > 0) return {};
  return send_fingerprints(now);
}

// --- What is to be said, a batch at a time

Effects Rebalance::on_deadline(Instant now) {
  if (!tick_at_ || now < *tick_at_) return {};
  tick_at_.reset();
  Effects effects = persist();
  if (disks_owing_ == 0) {  // nothing is told before it is durable
    if (now >= poll_at_) {
      poll_at_ = now + options_.poll_after;
      for (const PartitionId partition : moving_) {  // ask again those that noted long ago
        Part& moving = part(partition);
        if (!moving.lists.known() && !moving.recovering)
          continue;  // new ones that missed the settling ask as well
        moving.unnoted = moving.lists.target;
        std::erase(moving.unnoted, mesh_.self);
      }
      for (const PartitionId partition : to_drop_) {
        if (!is_replaced(part(partition))) ask_for_settling(part(partition));
      }
      append(effects, ask_about_orphans());
    }
    if (now >= announce_at_) {
      announce_at_ = now + options_.repeat_after;
      append(effects, announce());
    }
    if (!mesh_.frozen) {
      append(effects, compare(now));
      append(effects, start_syncs());
      if (now >= confirm_at_) {
        confirm_at_ = now + options_.repeat_after / 5;
        append(effects, confirm());
        append(effects, collect());
      }
      append(effects, start_drops());
    }
    append(effects, flush(now));
  }
  const bool is_busy =
      !moving_.empty() || !to_drop_.empty() || !unwritten_.empty() || disks_owing_ > 0;
  if (is_busy) tick_at_ = now + options_.tick;
  return effects;
}

}  // namespace pixmesh

#include "replication/collection.h"

#include <algorithm>

#include "base/digest.h"
#include "replication/answers.h"
#include "replication/collected.h"

namespace pixmesh {

TombstoneCollection::TombstoneCollection(OperationId id, const MeshView& mesh,
                                         const RecordCodec& codec, std::vector<PartitionId> disks,
                                         Options options)
    : Operation(id), mesh_(mesh), codec_(codec), disks_(std::move(disks)), options_(options) {}

void TombstoneCollection::restore(ByteView key, ByteView value) {
  if (key.size() != 4) return;
  collected_[partition_in_row(key)] = number_in_row(value);
}

void TombstoneCollection::forget(const std::vector<PartitionId>& partitions) {
  for (const PartitionId partition : partitions) {
    collected_.erase(partition);
    watches_.erase(partition);
  }
}

void TombstoneCollection::set_disks(std::vector<PartitionId> disks) {
  disks_ = std::move(disks);
  step_ = Step::rest;  // a round under way counts on the disks before
}

void TombstoneCollection::raise(const RaiseCollected& raised) {
  std::uint64_t& clock = collected_[raised.partition];
  clock = std::max(clock, raised.clock);
}

std::uint64_t TombstoneCollection::collected_of(PartitionId partition) const {
  const auto found = collected_.find(partition);
  return found == collected_.end() ? 0 : found->second;
}

Effects TombstoneCollection::start(Instant now) {
  next_round_ = now + options_.interval;
  return {};
}

std::optional<Instant> TombstoneCollection::next_deadline() const {
  const bool asks = step_ == Step::compare || step_ == Step::raise;
  return asks ? give_up_at_ : next_round_;
}

// A disk that does not answer any more holds the round up for good: it has failed.
Effects TombstoneCollection::on_deadline(Instant now) {
  const bool asks = step_ == Step::compare || step_ == Step::raise;
  if (asks && now >= give_up_at_) step_ = Step::rest;
  if (!next_round_ || now < *next_round_) return {};
  next_round_ = now + options_.interval;
  if (step_ != Step::rest || mesh_.frozen) return {};
  step_ = Step::sum;
  sums_.clear();
  disks_waiting_ = disks_.size();
  Effects effects;
  for (const PartitionId disk : disks_) effects.push_back(UseDisk{disk, Summarize{}});
  return effects;
}

bool TombstoneCollection::is_ours(PartitionId partition) const {
  const HolderLists lists = mesh_.lists_of(partition);
  return lists.is_settled() && !lists.settled.empty() && lists.settled.front() == mesh_.self &&
         includes_all(mesh_.alive, lists.settled) && !mesh_.is_recovering(partition);
}

Effects TombstoneCollection::on_disk(Instant now, const Result<DiskAnswer>& answer) {
  const auto* page = answer ? std::get_if<RecordPage>(&answer.value()) : nullptr;
  if (step_ == Step::read && page != nullptr) return on_page(now, *page);
  const auto* summary = answer ? std::get_if<DiskSummary>(&answer.value()) : nullptr;
  if (step_ == Step::sum && summary != nullptr) return on_summary(now, *summary);
  step_ = Step::rest;  // a disk failed
  return {};
}

Effects TombstoneCollection::on_summary(Instant now, const DiskSummary& summary) {
  for (const PartitionSummary& one : summary.partitions) {
    if (one.record_count > one.image_count && is_ours(one.partition)) {
      sums_[one.partition] = one.fingerprint;
    }
  }
  if (--disks_waiting_ > 0) return {};
  std::erase_if(watches_, [this](const auto& watch) { return !sums_.contains(watch.first); });
  unread_.clear();
  for (const auto& [partition, sum] : sums_) {
    if (unread_.size() == options_.partitions_max) break;
    if (!watches_.contains(partition)) unread_.push_back(partition);
  }
  return read_next(now);
}

Effects TombstoneCollection::read_next(Instant now) {
  if (unread_.empty()) return compare(now);
  step_ = Step::read;
  cursor_.reset();
  latest_ = 0;
  return {UseDisk{unread_.back(), ListPartition{unread_.back(), std::nullopt}}};
}

Effects TombstoneCollection::on_page(Instant now, const RecordPage& page) {
  for (const Bytes& bytes : page.records) {
    const auto record = codec_.decode_record(bytes);
    if (!record) continue;
    cursor_ = name_digest_of(record->name);
    if (record->tombstone) latest_ = std::max(latest_, record->version.clock);
  }
  const PartitionId partition = unread_.back();
  if (!page.complete && !page.records.empty()) {
    return {UseDisk{partition, ListPartition{partition, cursor_}}};
  }
  if (latest_ > 0) watches_[partition] = {now, latest_};
  unread_.pop_back();
  return read_next(now);
}

Effects TombstoneCollection::compare(Instant now) {
  step_ = Step::compare;
  ++round_;
  give_up_at_ = now + options_.answer_timeout;
  raised_by_.clear();
  std::map<NodeId, FingerprintRequest> messages;
  for (const auto& [partition, watch] : watches_) {
    if (now < watch.since + options_.kept_for || !is_ours(partition)) continue;
    if (raised_by_.size() == options_.partitions_max) break;
    raised_by_[partition];
    const HolderLists lists = mesh_.lists_of(partition);
    const std::uint64_t sum = compared_sum(sums_[partition], collected_of(partition));
    for (const NodeId& node : lists.settled) {
      if (node != mesh_.self)
        messages[node].mine.push_back({partition, sum, sum_of(codec_, lists)});
    }
  }
  waiting_for_.clear();
  Effects effects;
  for (auto& [node, message] : messages) {
    waiting_for_.push_back(node);
    message.operation = id();
    message.round = round_;
    effects.push_back(Ask{node, std::move(message)});
  }
  return effects.empty() ? raise_all(now) : effects;
}

Effects TombstoneCollection::on_message(Instant now, NodeId from, const PeerMessage& message) {
  const auto* compared = std::get_if<FingerprintAnswer>(&message);
  if (compared != nullptr && step_ == Step::compare) return on_compared(now, from, *compared);
  const auto* raised = std::get_if<CollectAnswer>(&message);
  if (raised != nullptr && step_ == Step::raise) return on_raised(from, *raised);
  return {};
}

Effects TombstoneCollection::on_compared(Instant now, NodeId from,
                                         const FingerprintAnswer& answer) {
  if (answer.round != round_) return {};  // of a round that was given up, about less
  if (std::erase(waiting_for_, from) == 0) return {};
  for (const PartitionId partition : answer.different) raised_by_.erase(partition);
  return waiting_for_.empty() ? raise_all(now) : Effects{};
}

Effects TombstoneCollection::raise_all(Instant now) {
  std::erase_if(raised_by_, [this](const auto& one) { return !is_ours(one.first); });
  step_ = raised_by_.empty() ? Step::rest : Step::raise;
  give_up_at_ = now + options_.answer_timeout;
  std::vector<PartitionId> due;
  for (const auto& [partition, holders] : raised_by_) due.push_back(partition);
  return ask_holders(due, CollectStep::raise);
}

Effects TombstoneCollection::ask_holders(const std::vector<PartitionId>& partitions,
                                         CollectStep step) {
  std::map<NodeId, CollectRequest> messages;
  for (const PartitionId partition : partitions) {
    const HolderLists lists = mesh_.lists_of(partition);
    for (const NodeId& node : lists.settled) {
      messages[node].entries.push_back(
          {partition, sum_of(codec_, lists), watches_[partition].clock});
    }
  }
  Effects effects;
  for (auto& [node, message] : messages) {
    message.operation = id();
    message.step = step;
    effects.push_back(Ask{node, std::move(message)});
  }
  return effects;
}

Effects TombstoneCollection::on_raised(NodeId from, const CollectAnswer& answer) {
  std::vector<PartitionId> by_all;
  for (const PartitionId partition : answer.partitions) {
    const auto found = raised_by_.find(partition);
    if (found == raised_by_.end()) continue;
    insert_sorted(found->second, from);
    const HolderLists lists = mesh_.lists_of(partition);
    if (lists.is_settled() && found->second == lists.settled) by_all.push_back(partition);
  }
  Effects effects = ask_holders(by_all, CollectStep::drop);
  for (const PartitionId partition : by_all) {
    raised_by_.erase(partition);
    watches_.erase(partition);
  }
  if (raised_by_.empty()) step_ = Step::rest;
  return effects;
}

CollectTombstones::CollectTombstones(OperationId id, const MeshView& mesh, const RecordCodec& codec,
                                     CollectRequest request, LinkId asker)
    : Operation(id), mesh_(mesh), codec_(codec), request_(std::move(request)), asker_(asker) {}

Effects CollectTombstones::start(Instant) {
  std::erase_if(request_.entries, [this](const CollectRequest::Entry& entry) {
    const HolderLists lists = mesh_.lists_of(entry.partition);
    return !lists.is_settled() || !contains(lists.settled, mesh_.self) ||
           mesh_.is_recovering(entry.partition) || sum_of(codec_, lists) != entry.lists;
  });
  return request_.step == CollectStep::raise ? start_raising() : sweep_next();
}

Effects CollectTombstones::start_raising() {
  std::map<std::uint32_t, std::pair<PartitionId, PutValues>> by_disk;
  for (const CollectRequest::Entry& entry : request_.entries) {
    auto& [partition, rows] = by_disk[mesh_.disk_of(entry.partition)];
    partition = entry.partition;
    rows.rows.push_back(collected_row(entry.partition, entry.clock));
  }
  over_ = by_disk.empty();
  waiting_for_ = by_disk.size();
  Effects effects;
  for (auto& [disk, one] : by_disk) effects.push_back(UseDisk{one.first, std::move(one.second)});
  return effects;
}

Effects CollectTombstones::sweep_next() {
  over_ = request_.entries.empty();
  if (over_) return {};
  const CollectRequest::Entry entry = request_.entries.back();
  request_.entries.pop_back();
  const std::uint64_t clock = std::min(entry.clock, mesh_.collected_of(entry.partition));
  sweep_.emplace(codec_, entry.partition, [clock](const ImageRecord& record) {
    return record.tombstone && record.version.clock <= clock;
  });
  return sweep_->start();
}

Effects CollectTombstones::on_disk(Instant, const Result<DiskAnswer>& answer) {
  if (sweep_) {
    Effects effects = sweep_->on_disk(answer);
    if (sweep_->done()) append(effects, sweep_next());
    return effects;
  }
  failed_ = failed_ || !answer;
  if (--waiting_for_ > 0) return {};
  over_ = true;
  if (failed_) return {};
  Effects effects;
  CollectAnswer done{request_.operation, {}};
  for (const CollectRequest::Entry& entry : request_.entries) {
    effects.push_back(RaiseCollected{entry.partition, entry.clock});
    done.partitions.push_back(entry.partition);
  }
  effects.push_back(Answer{asker_, std::move(done)});
  return effects;
}

}  // namespace pixmesh

// The part of Rebalance that compares, fetches and drops: rebalance.cc decides.
#include <algorithm>
#include <iterator>
#include <utility>

#include "replication/answers.h"
#include "replication/collected.h"
#include "replication/rebalance.h"
#include "replication/repair_pace.h"

namespace pixmesh {

Effects Rebalance::compare(Instant now) {
  if (comparison_) {
    if (now >= comparison_->give_up_at) finish_comparison(now);
    if (comparison_) return {};
  }
  // All that a partition goes through after this, to its drop, follows at the pace of comparisons.
  const bool yields = mesh_.pace != nullptr && mesh_.pace->yields(now);
  const std::size_t most = yields ? options_.compare_yielding_max : options_.compare_max;
  Comparison next;
  std::map<std::uint32_t, PartitionId> one_of;
  for (const PartitionId partition : moving_) {
    const Part& moving = part(partition);
    const bool ready = moving.recovering ? may_recover(partition) : moving.fenced && !moving.synced;
    if (!ready || moving.in_sync || moving.dropping) continue;
    if (to_sync_.contains(partition)) continue;
    next.partitions.push_back(partition);
    one_of[mesh_.disk_of(partition)] = partition;
    if (next.partitions.size() == most) break;
  }
  if (now >= look_at_) {
    auto place = to_drop_.lower_bound(look_from_);
    for (; place != to_drop_.end() && next.partitions.size() < most; ++place) {
      if (!is_to_look_at(*place)) continue;
      next.partitions.push_back(*place);
      one_of[mesh_.disk_of(*place)] = *place;
    }
    const bool all = place == to_drop_.end();
    look_from_ = all ? PartitionId{} : *place;
    if (all) look_at_ = now + options_.look_after;
  }
  if (next.partitions.empty()) return {};
  next.round = ++last_round_;
  next.give_up_at = now + 3s;
  next.disks_waiting = static_cast<std::uint32_t>(one_of.size());
  comparison_ = std::move(next);
  Effects effects;
  for (const auto& [disk, partition] : one_of) {
    ++disks_owing_;
    effects.push_back(UseDisk{partition, Summarize{}});
  }
  return effects;
}

bool Rebalance::is_to_look_at(PartitionId partition) {
  const Part& gone = part(partition);
  return is_replaced(gone) && !gone.dropping && !gone.in_sync &&
         !includes_all(gone.seen_by, gone.lists.target);
}

Effects Rebalance::send_fingerprints(Instant now) {
  comparison_->asked = true;
  std::map<NodeId, FingerprintRequest> messages;
  for (const PartitionId partition : comparison_->partitions) {
    Part& compared = part(partition);
    const bool to_drop = to_drop_.contains(partition);
    const auto mine = comparison_->ours.find(partition);
    const std::uint64_t sum = mine == comparison_->ours.end() ? 0 : mine->second;
    if (to_drop && sum == 0) {  // nothing is here that anybody could lack
      compared.seen_by = compared.lists.target;
      continue;
    }
    const std::uint64_t lists =
        compared.recovering && !to_drop ? sum_of(codec_, compared.lists) : 0;
    for (const NodeId& node : compared_with(partition)) {
      if (node == mesh_.self || !mesh_.is_alive(node)) continue;
      const std::uint64_t compared_sum_here = compared_sum(sum, mesh_.collected_of(partition));
      messages[node].mine.push_back({partition, compared_sum_here, lists});
    }
  }
  Effects effects;
  for (auto& [node, message] : messages) {
    comparison_->waiting_for.insert(node);
    message.operation = id();
    message.round = comparison_->round;
    effects.push_back(Ask{node, std::move(message)});
  }
  if (messages.empty()) finish_comparison(now);
  return effects;
}

void Rebalance::on_compared(Instant now, NodeId from, const FingerprintAnswer& answer) {
  if (!comparison_ || answer.round != comparison_->round) return;  // of one that was given up
  if (comparison_->waiting_for.erase(from) == 0) return;
  std::set<PartitionId> different(answer.different.begin(), answer.different.end());
  for (const PartitionId partition : comparison_->partitions) {
    if (contains(compared_with(partition), from) && !different.contains(partition)) {
      insert_sorted(comparison_->equal[partition], from);
    }
  }
  if (comparison_->waiting_for.empty()) finish_comparison(now);
}

// Equal with enough settled members: nothing to fetch. Otherwise fetch from all of them.
void Rebalance::finish_comparison(Instant now) {
  for (const PartitionId partition : comparison_->partitions) {
    if (to_drop_.contains(partition)) {
      take_leave(now, partition, comparison_->equal[partition]);
      continue;
    }
    Part& moving = part(partition);
    if (!moving_.contains(partition)) continue;
    std::vector<NodeId> equal = comparison_->equal[partition];
    if (moving.recovering) {
      if (comparison_->asked && has_recovered(partition, equal, {})) {
        end_recovery(partition);
      } else {
        to_sync_.insert(partition);
      }
      continue;
    }
    if (!moving.fenced || moving.synced) continue;
    if (is_former_holder(moving.lists, mesh_.self)) insert_sorted(equal, mesh_.self);
    const std::vector<NodeId> former = former_holders_of(moving.lists);
    const bool is_enough = count_common(former, equal) >= count_common(former, mesh_.alive) &&
                           has_all(equal, former_quorums_of(moving.lists, QuorumKind::read));
    // A new member takes over what clients may say again as well, which no fingerprint tells of.
    const bool has_wishes =
        we_are_in(moving.lists.settled) || !comparison_->ours.contains(partition);
    if (comparison_->asked && is_enough && has_wishes) {
      moving.synced = true;
    } else {
      to_sync_.insert(partition);
    }
  }
  comparison_.reset();
}

// Who has something else may have more than we, or may lack a write that the others acknowledged
// after it had confirmed. It takes the hint when it has merged what all holders have.
void Rebalance::take_leave(Instant now, PartitionId partition, const std::vector<NodeId>& equal) {
  Part& gone = part(partition);
  if (!gone.leaving_since) gone.leaving_since = now;
  for (const NodeId& node : gone.lists.target) {
    if (contains(equal, node)) insert_sorted(gone.seen_by, node);
    if (contains(gone.seen_by, node) || !mesh_.is_alive(node)) continue;
    offer_outbox_[node].push_back(partition);
  }
}

// Those with the fewest living holders first, looked up for some at a time.
std::optional<PartitionId> Rebalance::next_to_sync() {
  while (!sync_queue_.empty() && !to_sync_.contains(sync_queue_.back())) sync_queue_.pop_back();
  if (sync_queue_.empty()) {
    std::vector<std::pair<std::size_t, PartitionId>> by_copies;
    for (const PartitionId partition : to_sync_) {
      const std::vector<NodeId> former = former_holders_of(part(partition).lists);
      by_copies.emplace_back(count_common(former, mesh_.alive), partition);
    }
    const std::size_t count = std::min<std::size_t>(by_copies.size(), options_.sync_queue_max);
    std::partial_sort(by_copies.begin(), by_copies.begin() + static_cast<std::ptrdiff_t>(count),
                      by_copies.end());
    for (std::size_t i = count; i > 0; --i) sync_queue_.push_back(by_copies[i - 1].second);
  }
  if (sync_queue_.empty()) return std::nullopt;
  const PartitionId next = sync_queue_.back();
  sync_queue_.pop_back();
  return next;
}

Effects Rebalance::start_syncs() {
  Effects effects;
  while (syncs_running_ < options_.syncs_max) {
    const std::optional<PartitionId> next = next_to_sync();
    if (!next) break;
    const PartitionId partition = *next;
    to_sync_.erase(partition);
    Part& moving = part(partition);
    if (moving.in_sync) continue;
    moving.in_sync = true;
    ++syncs_running_;
    std::vector<NodeId> sources =
        moving.recovering ? witnesses_of(moving) : former_holders_of(moving.lists);
    std::erase(sources, mesh_.self);
    std::optional<HolderLists> under;
    if (moving.recovering) under = moving.lists;
    effects.push_back(
        StartSync{partition, std::move(sources), std::move(under), judges_of(moving)});
  }
  return effects;
}

Effects Rebalance::on_sync_done(Instant now, PartitionId partition,
                                const std::vector<NodeId>& merged,
                                const std::vector<NodeId>& merged_in_doubt, std::uint64_t bytes) {
  Part& moving = part(partition);
  if (!moving.in_sync) return {};  // a repair, not ours
  moving.in_sync = false;
  const bool outdated = std::exchange(moving.sync_outdated, false);
  --syncs_running_;
  bytes_moved_ += bytes;
  files_moved_ += bytes > 0 ? 1 : 0;
  std::vector<NodeId> known = merged;
  std::sort(known.begin(), known.end());
  if (moving.recovering) {
    if (!outdated && has_recovered(partition, known, merged_in_doubt)) end_recovery(partition);
    wake(now);
    return go_on_syncing();
  }
  if (is_former_holder(moving.lists, mesh_.self)) insert_sorted(known, mesh_.self);
  const bool complete = has_all(known, former_quorums_of(moving.lists, QuorumKind::read));
  if (moving.fenced && !outdated && complete) moving.synced = true;
  wake(now);
  return go_on_syncing();
}

Effects Rebalance::go_on_syncing() {
  return disks_owing_ == 0 && !mesh_.frozen ? start_syncs() : Effects{};
}

// Who may have what we lost, ourselves not counted: what we have is what is in doubt. Who was
// evicted since and is back may be the only one.
std::vector<NodeId> Rebalance::witnesses_of(const Part& part) const {
  std::vector<NodeId> others = part.lists.target;
  for (const HolderSet& set : former_sets_of(part.sets)) {
    for (const NodeId& node : not_given_up(set, mesh_.eviction_of)) insert_sorted(others, node);
  }
  std::erase(others, mesh_.self);
  return others;
}

// A settled member's own copy needs no judges.
std::optional<Quorums> Rebalance::judges_of(const Part& part) const {
  if (!part.recovering) {
    if (we_are_in(part.lists.settled)) return std::nullopt;
    return former_quorums_of(part.lists, QuorumKind::read);
  }
  return former_quorums_of_others(part);
}

Quorums Rebalance::former_quorums_of_others(const Part& part) const {
  Quorums quorums;
  for (const HolderSet& set : former_sets_of(part.sets)) {
    quorums.push_back(quorum_of_others(set));
  }
  return quorums;
}

std::vector<NodeId> Rebalance::compared_with(PartitionId partition) const {
  const Part& compared = parts_[partition.raw];
  if (to_drop_.contains(partition)) return compared.lists.target;
  return compared.recovering ? witnesses_of(compared) : former_holders_of(compared.lists);
}

// Nobody else is left of whom the partition comes, as we know it: nobody's lists would differ.
bool Rebalance::is_alone_in_doubt(PartitionId partition) const {
  const Part& part = parts_[partition.raw];
  return part.recovering && part.lists.known() &&
         std::ranges::all_of(former_quorums_of_others(part),
                             [](const Quorum& quorum) { return quorum.of.empty(); });
}

// Our lists are as old as our copy. Whoever is asked for what it has is asked under these lists,
// and refuses if it knows later ones. Where nobody is to be asked, all members that may have copies
// must have said, under the placement in use, that they know none.
bool Rebalance::may_recover(PartitionId partition) const {
  if (!is_alone_in_doubt(partition)) return parts_[partition.raw].lists.known();
  const auto denied = denied_by_.find(partition);
  return includes_all(denied == denied_by_.end() ? std::vector<NodeId>{} : denied->second,
                      mesh_.may_have_copies);
}

// A write is with W of each set that it went to, of which we may have been one: the target set may
// have settled, which only its members know.
bool Rebalance::has_recovered(PartitionId partition, std::vector<NodeId> known,
                              std::vector<NodeId> in_doubt) const {
  if (!may_recover(partition)) return false;
  const Part& part = parts_[partition.raw];
  for (const NodeId& node : part.without_lists) {  // one of a former set has forgotten them
    if (!is_former_holder(part.lists, node)) insert_sorted(known, node);
  }
  for (const NodeId& node : known) insert_sorted(in_doubt, node);
  if (includes_all(in_doubt, witnesses_of(part))) return true;
  Quorums needed = former_quorums_of_others(part);
  if (we_are_in(part.lists.target)) needed.push_back(quorum_of_others(part.sets.target));
  return has_all(known, needed);
}

// A read quorum of a set, or all of it that is left besides us.
Quorum Rebalance::quorum_of_others(const HolderSet& set) const {
  std::vector<NodeId> others = not_given_up(set, mesh_.eviction_of);
  std::erase(others, mesh_.self);
  const std::size_t quorum = read_quorum_of(set.holders.size(), set.write_quorum);
  return {others, std::min(quorum, others.size())};
}

void Rebalance::end_recovery(PartitionId partition) {
  Part& whole = part(partition);
  whole.recovering = false;
  unwritten_.insert(partition);
  to_sync_.erase(partition);
  if (!in_motion(whole)) {
    moving_.erase(partition);
  } else if (is_former_holder(whole.lists, mesh_.self)) {
    begin_announcing(whole);
  }
}

Effects Rebalance::start_drops() {
  Effects effects;
  for (auto place = to_drop_.begin();
       place != to_drop_.end() && drops_running_ < options_.drops_max; ++place) {
    Part& gone = part(*place);
    if (!gone.unnoted.empty() || gone.dropping || gone.in_sync || !is_replaced(gone)) continue;
    if (unwritten_.contains(*place)) continue;  // a restart would believe the older lists
    if (!includes_all(gone.seen_by, gone.lists.target)) continue;
    gone.dropping = true;
    ++drops_running_;
    effects.push_back(StartDrop{*place});
  }
  return effects;
}

Effects Rebalance::on_drop_done(Instant now, PartitionId partition) {
  --drops_running_;
  to_drop_.erase(partition);
  Part& gone = part(partition);
  gone.dropping = false;
  wake(now);
  if (is_holder(gone.lists, mesh_.self)) return {};
  gone.recovering = false;
  begin_anew(gone, {{}, 0, gone.sets.target, {}});  // whose it is stays known, for the next doubt
  unwritten_.insert(partition);  // written with the next batch; until then a restart drops again
  const bool may_go_on = disks_owing_ == 0 && !mesh_.frozen;
  return may_go_on && drops_running_ <= options_.drops_max / 2 ? start_drops() : Effects{};
}

Rebalance::Progress Rebalance::progress() const {
  Progress progress;
  progress.unsettled = static_cast<std::uint32_t>(moving_.size());
  progress.to_sync = static_cast<std::uint32_t>(to_sync_.size()) + syncs_running_;
  progress.bytes_moved = bytes_moved_;
  progress.files_moved = files_moved_;
  progress.begun_anew = begun_anew_;
  return progress;
}

void Rebalance::check_invariants() const {
  for (const PartitionId partition : moving_) {
    invariant(in_motion(parts_[partition.raw]), "only partitions in motion are listed as moving");
  }
  invariant(syncs_running_ <= options_.syncs_max, "syncs stay inside their bound");
  invariant(drops_running_ <= options_.drops_max, "drops stay inside their bound");
}

}  // namespace pixmesh

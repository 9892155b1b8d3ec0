// The part of Rebalance that hears what other members say and moves on to newer sets.
#include <utility>

#include "replication/rebalance.h"

namespace pixmesh {

Effects Rebalance::on_message(Instant now, NodeId from, const PeerMessage& message) {
  if (const auto* announced = std::get_if<ListsAnnounced>(&message)) {
    return on_announced(now, from, *announced);
  }
  if (const auto* noted = std::get_if<AnnounceNoted>(&message)) {
    on_noted(from, *noted);
  } else if (const auto* confirmed = std::get_if<SyncConfirmed>(&message)) {
    return on_confirmed(now, from, *confirmed);
  } else if (const auto* step = std::get_if<Settle>(&message)) {
    return on_settle(now, from, *step);
  } else if (const auto* compared = std::get_if<FingerprintAnswer>(&message)) {
    on_compared(now, from, *compared);
  } else if (const auto* taken = std::get_if<HintTaken>(&message)) {
    on_taken(from, *taken);
  } else if (const auto* lists = std::get_if<ListsAnswer>(&message)) {
    return on_orphan_answer(now, from, *lists);
  }
  return {};
}

// An answer to an offer from before may be about less than what is here now.
void Rebalance::on_taken(NodeId from, const HintTaken& taken) {
  for (const PartitionId partition : taken.partitions) {
    if (!to_drop_.contains(partition)) continue;
    Part& gone = part(partition);
    if (!gone.leaving_since || taken.round < offer_round(*gone.leaving_since)) continue;
    insert_sorted(gone.seen_by, from);
  }
}

Effects Rebalance::on_announced(Instant now, NodeId from, const ListsAnnounced& message) {
  if (message.epoch != mesh_.epoch) return {ListsDiffer{from}};
  for (const ListsAnnounced::Entry& entry : message.entries) {
    if (entry.partition.raw >= parts_.size() || entry.settled >= message.sets.size()) continue;
    HolderSets heard{message.sets[entry.settled], entry.number, {}, {}};
    for (const std::uint32_t index : entry.earlier) {
      if (index < message.sets.size()) heard.earlier.push_back(message.sets[index]);
    }
    if (heard.earlier.size() == entry.earlier.size()) {
      note_announcement(entry.partition, from, message.round, heard);
    }
  }
  wake(now);
  return persist();
}

void Rebalance::note_announcement(PartitionId partition, NodeId from, std::uint64_t round,
                                  const HolderSets& heard) {
  Part& ours = part(partition);
  HolderLists& lists = ours.lists;
  if (is_newer(ours.sets, heard)) {
    // The announcer missed a settling. It is told of the set that settled: in a word if that is the
    // one it aims at, else by our own lists, from which it goes on.
    if (lists.is_settled() && !ours.recovering) {
      say(from, SettleStep::settle, partition, lists.number);
      noted_outbox_[{from, round, false}].push_back(partition);
    } else if (in_motion(ours)) {
      insert_sorted(ours.unnoted, from);
    }
    return;
  }
  if (heard.number == 0 && !lists.known()) {  // neither knows who had it
    const bool counts = we_are_in(lists.target) && !ours.recovering;
    if (counts) noted_outbox_[{from, round, true}].push_back(partition);
    return;
  }
  const bool has_one = to_drop_.contains(partition) && !ours.dropping;
  if (!is_holder(lists, mesh_.self) && !has_one) return;
  if (is_newer(heard, ours.sets)) {
    const bool knew_none = !lists.known();
    go_on_from(partition, heard);
    // A former holder that knew of no set has dropped its copy, for a newer set than this one: in
    // this one its copy is lost.
    if (knew_none && is_former_holder(lists, mesh_.self)) doubt({partition});
  }
  noted_outbox_[{from, round, false}].push_back(partition);
  if (!is_former_holder(lists, from)) return;
  insert_sorted(ours.announced_by, from);
  raise_fence(ours);
}

// Of the same set, that it settled is all that is new: what was done for it counts.
// What we prepared above it may settle still, for those that never hear of it.
void Rebalance::go_on_from(PartitionId partition, const HolderSets& heard) {
  Part& ours = part(partition);
  const bool is_same = heard.number == ours.sets.number && heard.settled == ours.sets.settled;
  ours.sets.settled = heard.settled;
  ours.sets.number = heard.number;
  ours.sets.earlier = heard.earlier;
  ours.lists = lists_from(ours.sets);
  ours.without_lists.clear();
  comparison_.reset();
  if (!is_same) {
    if (ours.prepared <= heard.number) ours.prepared = 0;
    ours.fenced = ours.synced = false;
    ours.sync_outdated = ours.in_sync;
    ours.announced_by.clear();
    ours.confirmed_by.clear();
    ours.prepared_by.clear();
  }
  if (is_former_holder(ours.lists, mesh_.self)) begin_announcing(ours);
  unwritten_.insert(partition);
  if (in_motion(ours)) {
    moving_.insert(partition);
    to_drop_.erase(partition);
  } else {
    moving_.erase(partition);
    if (!we_are_in(ours.lists.settled)) to_drop_.insert(partition);
    ask_for_settling(ours);
  }
}

void Rebalance::on_noted(NodeId from, const AnnounceNoted& message) {
  if (message.epoch != mesh_.epoch) return;
  for (const PartitionId partition : message.partitions) {
    if (partition.raw >= parts_.size()) continue;
    Part& ours = part(partition);
    if (message.round <= ours.unnoted_after) continue;
    if (!message.without_lists) {
      std::erase(ours.unnoted, from);
    } else if (ours.recovering && contains(ours.lists.target, from)) {
      insert_sorted(ours.without_lists, from);  // and is asked again: it may be told of some
    }
  }
}

Effects Rebalance::on_confirmed(Instant now, NodeId from, const SyncConfirmed& message) {
  if (message.epoch != mesh_.epoch) return {ListsDiffer{from}};
  for (const auto& entry : message.entries) {
    if (entry.partition.raw >= parts_.size()) continue;
    Part& ours = part(entry.partition);
    if (entry.number < ours.lists.number && ours.lists.is_settled()) {
      say(from, SettleStep::settle, entry.partition, ours.lists.number);
    } else if (entry.number == ours.lists.number && contains(ours.lists.target, from)) {
      insert_sorted(ours.confirmed_by, from);
    }
  }
  wake(now);
  return {};
}

Effects Rebalance::on_settle(Instant now, NodeId from, const Settle& message) {
  if (message.epoch != mesh_.epoch) return {ListsDiffer{from}};
  for (const auto& entry : message.entries) {
    if (entry.partition.raw < parts_.size()) on_step(from, message.step, entry);
  }
  wake(now);
  return persist();
}

void Rebalance::on_step(NodeId from, SettleStep step, const SyncConfirmed::Entry& entry) {
  Part& ours = part(entry.partition);
  // Who is recovering counts nowhere, and a target member only when it has all that there was.
  const bool complete = !ours.recovering && (ours.synced || !we_are_in(ours.lists.target));
  const bool next = in_motion(ours) && ours.lists.known() && entry.number > ours.lists.number;
  const bool is_news = (ours.lists.known() || ours.recovering) &&
                       (entry.number > ours.lists.number ||
                        (entry.number == ours.lists.number && !ours.lists.earlier.empty()));
  const bool has_settled = ours.lists.is_settled() && !ours.recovering;
  switch (step) {
    case SettleStep::prepare:
      if (next && complete && entry.number > ours.prepared) {
        ours.prepared = entry.number;
        unwritten_.insert(entry.partition);
      }
      // Said again when the collector asks again; it leaves after the write (see flush).
      if (next && complete) say(from, SettleStep::prepared, entry.partition, entry.number);
      // Within one epoch our set is the collector's target: it need not go on from an older one.
      if (has_settled) say(from, SettleStep::settle, entry.partition, ours.lists.number);
      return;
    case SettleStep::prepared:
      if (entry.number == next_number_of(ours)) insert_sorted(ours.prepared_by, from);
      return;
    case SettleStep::settle:
      // Several settlings may have been missed: within one epoch the set that settled is our
      // target.
      if (is_news) settle(entry.partition, entry.number);
      return;
    case SettleStep::settled:
      return;
  }
}

// Two placements may both have a set prepared that follows the same one; the heights of the
// placements keep the numbers of the two apart, and in order.
std::uint64_t Rebalance::next_number_of(const Part& part) const {
  return std::max(part.lists.number + 1, mesh_.height);
}

void Rebalance::settle(PartitionId partition, std::uint64_t number) {
  Part& ours = part(partition);
  if (ours.recovering) comparison_.reset();  // it was under other lists
  begin_anew(ours, {ours.sets.target, number, ours.sets.target, {}});
  if (!in_motion(ours)) moving_.erase(partition);
  to_sync_.erase(partition);
  unwritten_.insert(partition);
  if (we_are_in(ours.lists.settled)) return;
  to_drop_.insert(partition);
  ask_for_settling(ours);
}

}  // namespace pixmesh

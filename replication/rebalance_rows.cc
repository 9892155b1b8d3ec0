// The part of Rebalance that lies on disk: what is written of each partition, and read at a start.
#include <utility>

#include "replication/rebalance.h"

namespace pixmesh {
namespace {

// The mark beside a partition's lists: the number under which its target set is prepared.
constexpr char prepared_mark = 'p';
// And the mark of a copy that is recovering.
constexpr char recovering_mark = 'r';
// And the sets that the lists follow from, where these do not tell them.
constexpr char sets_mark = 's';

constexpr std::uint8_t all_marks = 7;
constexpr std::uint8_t mark_of(std::uint8_t name) {
  return name == prepared_mark ? 1 : name == recovering_mark ? 2 : 4;
}

}  // namespace

void Rebalance::restore(ByteView key, ByteView value) {
  if (key.size() < 4) return;
  const PartitionId partition = partition_in_row(key);
  if (partition.raw >= parts_.size()) return;
  Part& restored = part(partition);
  if (key.size() == 5) {  // comes after the lists
    marks_[partition.raw] |= mark_of(key[4]);
    if (key[4] == prepared_mark) restored.prepared = number_in_row(value);
    if (key[4] == recovering_mark) doubt({partition});
    if (key[4] == sets_mark) {
      if (auto sets = codec_.decode_sets(value)) restored.sets = std::move(sets).value();
    }
    return;
  }
  auto lists = codec_.decode_lists(value);
  if (!lists) return;
  restored.lists = std::move(lists).value();
  restored.sets = sets_of(restored.lists);
  if (in_motion(restored)) {
    moving_.insert(partition);
    if (is_former_holder(restored.lists, mesh_.self)) begin_announcing(restored);
  } else if (!we_are_in(restored.lists.settled)) {
    to_drop_.insert(partition);  // a drop that a stop interrupted
    ask_for_settling(restored);
  }
}

void Rebalance::doubt(const std::vector<PartitionId>& partitions) {
  for (const PartitionId partition : partitions) {
    Part& doubted = part(partition);
    doubted.recovering = true;
    doubted.prepared = 0;  // the mark may be as old as the copy
    doubted.unnoted_after = announced_;
    doubted.without_lists.clear();
    unwritten_.insert(partition);
    // A settled set may name us that we do not know any more.
    if (to_drop_.contains(partition)) ask_for_settling(doubted);
    if (!in_motion(doubted)) continue;  // its lists are lost too, or it is to be dropped
    moving_.insert(partition);
    doubted.fenced = false;
    doubted.announced_by.clear();
    begin_announcing(doubted);
  }
}

// What was said of them is taken back: it is not here any more. Who already counts on it has lost a
// copy, as when a disk is lost with its node.
Effects Rebalance::lose(Instant now, const std::vector<PartitionId>& partitions) {
  for (const PartitionId partition : partitions) {
    Part& lost = part(partition);
    if (lost.dropping) continue;  // it is to be empty
    lost.synced = false;
    lost.sync_outdated = lost.in_sync;
    lost.confirmed_by.clear();
    lost.prepared_by.clear();
    lost.leaving_since.reset();
    lost.seen_by.clear();
    to_sync_.erase(partition);
    marks_[partition.raw] = all_marks;  // it lies on another disk, which may have had it before
    doubt({partition});
    if (lost.lists.target.empty() || in_motion(lost)) continue;
    to_drop_.insert(partition);  // a settled set may name us that we do not know
    ask_for_settling(lost);
  }
  comparison_.reset();
  outbox_.clear();
  noted_outbox_.clear();
  announce_at_ = confirm_at_ = now;
  wake(now);
  return persist();
}

// Perhaps it was a write, and some of it is durable: all that is under way is written again, with
// every mark.
void Rebalance::write_again() {
  for (const PartitionId partition : writing_) marks_[partition.raw] = all_marks;
  unwritten_.insert(writing_.begin(), writing_.end());
}

Effects Rebalance::persist() {
  std::map<std::uint32_t, PutValues> by_disk;
  std::map<std::uint32_t, PartitionId> one_of;
  for (const PartitionId partition : unwritten_) {
    const Part& changed = part(partition);
    const std::uint32_t disk = mesh_.disk_of(partition);
    one_of[disk] = partition;
    auto& rows = by_disk[disk].rows;
    const bool ours = is_holder(changed.lists, mesh_.self) || to_drop_.contains(partition);
    std::optional<Bytes> value;
    if (ours) value = codec_.encode_lists(changed.lists);
    rows.push_back({Table::lists, row_prefix(partition), std::move(value)});
    const auto put_mark = [&](char name, std::optional<Bytes> mark) {
      const std::uint8_t bit = mark_of(static_cast<std::uint8_t>(name));
      std::uint8_t& marks = marks_[partition.raw];
      if (!mark && (marks & bit) == 0) return;  // nothing is there to be taken away
      marks = static_cast<std::uint8_t>(mark ? marks | bit : marks & ~bit);
      Bytes key = row_prefix(partition);
      key.push_back(static_cast<std::uint8_t>(name));
      rows.push_back({Table::lists, std::move(key), std::move(mark)});
    };
    std::optional<Bytes> prepared;
    if (changed.prepared > 0) prepared = row_value(changed.prepared);
    put_mark(prepared_mark, std::move(prepared));
    std::optional<Bytes> doubt;
    if (changed.recovering) doubt = Bytes{};
    put_mark(recovering_mark, std::move(doubt));
    std::optional<Bytes> sets;
    if (ours && changed.sets != sets_of(changed.lists)) sets = codec_.encode_sets(changed.sets);
    put_mark(sets_mark, std::move(sets));
  }
  writing_.insert(unwritten_.begin(), unwritten_.end());
  unwritten_.clear();
  Effects effects;
  for (auto& [disk, rows] : by_disk) {
    ++disks_owing_;
    effects.push_back(UseDisk{one_of[disk], std::move(rows)});
  }
  return effects;
}

}  // namespace pixmesh

// The part of Node that moves partitions between its disks, and keeps everybody else off them in
// the moment in which they change.
#include <algorithm>
#include <utility>

#include "node/node_begin.h"

namespace pixmesh {
namespace {

constexpr Duration again_after = 200ms;
constexpr Duration again_after_problem = 10s;
constexpr Duration quiet_patience = 5s;  // until other partitions have their turn

bool lies_with_partition(const TableRow& row) {
  const bool is_theirs =
      row.table == Table::lists || row.table == Table::collected || row.table == Table::requests;
  return is_theirs && row.key.size() >= 4;
}

/// Rows for several disks, one disk after the other; then whoever wanted them is told.
class PutInTurn : public Operation {
 public:
  using Then = std::function<void(Instant, const Result<DiskAnswer>&)>;
  PutInTurn(OperationId id, std::map<std::uint32_t, PutValues> puts, Then then)
      : Operation(id), puts_(std::move(puts)), then_(std::move(then)) {}
  Effects start(Instant) override {
    auto next = puts_.extract(puts_.begin());
    return {UseDisk{address_of_disk(next.key()), std::move(next.mapped())}};
  }
  Effects on_disk(Instant now, const Result<DiskAnswer>& answer) override {
    if (answer && !puts_.empty()) return start(now);
    over_ = true;
    then_(now, answer);
    return {};
  }
  bool finished() const override { return over_; }

 private:
  std::map<std::uint32_t, PutValues> puts_;
  Then then_;
  bool over_ = false;
};

}  // namespace

// --- Who uses which partition

void Node::use_disk(OperationId owner, UseDisk use) {
  if (is_held_back(owner, use)) {
    held_back_.emplace_back(owner, std::move(use));
    return;
  }
  const bool may_move = outside_.bay != nullptr || options_.disks.size() > 1;
  if (may_move && use.answered && use.partition.raw < places_.count()) {
    note_use(owner, use.partition);
  }
  submit(owner, view_.disk_of(use.partition), std::move(use));
}

void Node::submit(OperationId owner, std::uint32_t disk, UseDisk use) {
  const OperationId ticket = use.answered ? owner : OperationId{};
  outside_.disks[disk]->submit(ticket, std::move(use.operation));
}

void Node::note_use(OperationId owner, PartitionId partition) {
  if (own_ids_.contains(owner) || !operations_.find(owner)) return;
  if (used_by_[owner].insert(partition).second) ++in_use_[partition];
}

void Node::end_uses(OperationId owner) {
  const auto used = used_by_.extract(owner);
  if (!used) return;
  for (const PartitionId partition : used.mapped()) {
    const auto place = in_use_.find(partition);
    if (--place->second == 0) in_use_.erase(place);
  }
}

bool Node::is_held_back(OperationId owner, const UseDisk& use) const {
  if (closed_.empty() || (move_ != nullptr && owner == move_->id())) return false;
  if (closed_.contains(use.partition)) return true;
  const auto* put = std::get_if<PutValues>(&use.operation);
  return put != nullptr && std::ranges::any_of(put->rows, [this](const TableRow& row) {
           return lies_with_partition(row) && closed_.contains(partition_in_row(row.key));
         });
}

void Node::open_closed(Instant now) {
  closed_.clear();
  for (auto& [owner, use] : std::exchange(held_back_, {})) release(now, owner, std::move(use));
}

// What was meant for one disk may be for two by now.
void Node::release(Instant now, OperationId owner, UseDisk use) {
  auto* put = std::get_if<PutValues>(&use.operation);
  std::map<std::uint32_t, PutValues> by_disk;
  if (put != nullptr) {
    for (TableRow& row : put->rows) {
      const PartitionId about =
          lies_with_partition(row) ? partition_in_row(row.key) : use.partition;
      by_disk[view_.disk_of(about)].rows.push_back(std::move(row));
    }
  }
  if (by_disk.empty()) return use_disk(owner, std::move(use));
  if (by_disk.size() == 1) {
    use.operation = std::move(by_disk.begin()->second);
    return submit(owner, by_disk.begin()->first, std::move(use));
  }
  begin<PutInTurn>(now, std::move(by_disk),
                   [this, owner, answered = use.answered](Instant then, const auto& answer) {
                     Operation* waiting = answered ? operations_.find(owner) : nullptr;
                     if (waiting != nullptr)
                       perform(then, *waiting, waiting->on_disk(then, answer));
                   });
}

// --- What is strayed

Stray Node::stray_of(PartitionId partition, std::uint32_t disk) const {
  if (partition.raw >= places_.count() || places_.disk_of(partition) == disk) return Stray::no;
  if (places_.wanted_for(partition) == disk) return Stray::no;
  const bool changes = disk_order_ && disk_order_->is_ready;  // it may come to lie here
  const bool in_use = changes || rebalance_->is_recovering(partition) ||
                      runs_.reads(disk, partition) || shells_.reads(disk, partition);
  return in_use ? Stray::in_use : Stray::yes;
}

Result<DiskAnswer> Node::without_strays(const DiskAnswered& answered) const {
  DiskSummary summary = std::get<DiskSummary>(answered.answer.value());
  std::erase_if(summary.partitions, [&](const PartitionSummary& one) {
    return view_.disk_of(one.partition) != answered.disk;
  });
  return DiskAnswer(std::move(summary));
}

// After the moves: what is here of a partition that is to come may be all the better for it.
void Node::drop_strays(Instant now) {
  if (stray_disks_.empty() || drop_strays_ != nullptr || now < strays_at_) return;
  const std::uint32_t disk = *stray_disks_.begin();
  stray_disks_.erase(stray_disks_.begin());
  if (options_.disks[disk].gone) return;
  auto strays = std::make_unique<DropStrays>(
      operations_.next_id(), codec_, disk,
      [this, disk](PartitionId partition) { return stray_of(partition, disk); });
  drop_strays_ = strays.get();
  Operation& added = operations_.add(std::move(strays));
  perform(now, added, added.start(now));
}

// --- One move after the other

std::optional<Instant> Node::next_move_at() const {
  std::optional<Instant> at;
  if (!to_move_.empty() && closed_.empty()) at = std::max(moves_at_, now_ + again_after);
  if (!stray_disks_.empty() && drop_strays_ == nullptr) {
    at = std::min(at.value_or(Instant::max()), std::max(strays_at_, now_ + again_after));
  }
  return at;
}

void Node::go_on_moving(Instant now) {
  if (rebalance_ == nullptr) return;
  end_doubts_if_durable();
  if (disk_order_ && disk_order_->is_ready && !disk_order_->is_written) write_new_places();
  if (move_ != nullptr) {
    close_if_quiet(now);
  } else if (!to_move_.empty() && closed_.empty() && now >= moves_at_) {
    begin_move(now);
  }
  if (to_move_.empty() || now >= moves_at_) drop_strays(now);
}

bool Node::may_move(PartitionId partition) const {
  return !rebalance_->is_recovering(partition) && !rebalance_->is_dropping(partition) &&
         !running_syncs_.contains(partition);
}

void Node::begin_move(Instant now) {
  moves_at_ = now + again_after;
  if (pace_.paused_for(now) > Duration{} || stop_at_) return;
  const auto movable = [this](PartitionId partition) { return may_move(partition); };
  auto first = std::find_if(to_move_.lower_bound(move_next_), to_move_.end(), movable);
  if (first == to_move_.end()) {
    first = std::find_if(to_move_.begin(), to_move_.end(), movable);
    if (first == to_move_.end()) return;
  }
  const std::uint32_t from = places_.disk_of(*first);
  const std::uint32_t to = places_.wanted_for(*first);
  std::vector<PartitionId> candidates;
  for (auto place = first; place != to_move_.end(); ++place) {
    const bool alike = places_.disk_of(*place) == from && places_.wanted_for(*place) == to;
    if (alike && may_move(*place)) candidates.push_back(*place);
  }
  auto move = std::make_unique<MovePartitions>(operations_.next_id(), view_, codec_, from, to,
                                               std::move(candidates));
  move_ = move.get();
  move_ready_since_ = Instant::max();
  Operation& added = operations_.add(std::move(move));
  perform(now, added, added.start(now));
}

void Node::close_if_quiet(Instant now) {
  if (!move_->is_ready() || !closed_.empty() || disk_order_) return;
  std::vector<PartitionId> quiet;
  for (const PartitionId partition : move_->partitions()) {
    // Other disks may have come and gone since the move began.
    const bool still_goes = to_move_.contains(partition) &&
                            places_.disk_of(partition) == move_->from() &&
                            places_.wanted_for(partition) == move_->to();
    if (still_goes && may_move(partition) && !in_use_.contains(partition)) {
      quiet.push_back(partition);
    }
  }
  move_ready_since_ = std::min(move_ready_since_, now);
  if (quiet.empty() && now < move_ready_since_ + quiet_patience) return;
  closed_ = {quiet.begin(), quiet.end()};
  perform(now, *move_, quiet.empty() ? move_->give_up() : move_->on_closed(now, std::move(quiet)));
}

void Node::on_move_done(Instant now, const MovePartitions& move) {
  move_ = nullptr;
  if (!move.chosen().empty()) move_next_ = PartitionId{move.chosen().back().raw + 1};
  const bool leaves_strays = std::ranges::any_of(move.chosen(), [&](PartitionId partition) {
    return places_.wanted_for(partition) != move.to();
  });
  if (leaves_strays) stray_disks_.insert(move.to());
  if (!move.problem().empty()) {
    moves_at_ = now + again_after_problem;
    if (std::exchange(move_problem_, move.problem()) == move.problem()) return open_closed(now);
    outside_.log.event(LogLevel::warning, "move_between_disks_waits",
                       {{"from", options_.disks[move.from()].folder},
                        {"to", options_.disks[move.to()].folder},
                        {"reason", move.problem()}});
  }
  if (move.moved().empty()) return open_closed(now);
  std::vector<TableRow> rows;
  for (const PartitionId partition : move.moved()) {
    rows.push_back(DiskPlaces::moved_row(partition));
  }
  writer_.write(std::move(rows), [this, from = move.from(), moved = move.moved()](Instant then) {
    for (const PartitionId partition : moved) {
      places_.note_moved(partition);
      to_move_.erase(partition);
    }
    open_closed(then);
    stray_disks_.insert(from);
    moves_at_ = then;
    if (to_move_.empty()) outside_.log.event(LogLevel::info, "disks_in_order", {});
  });
}

}  // namespace pixmesh

// The part of Node that puts disks in and takes them out while it runs.
#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "node/disk_sums.h"
#include "node/node_begin.h"
#include "replication/request_memory.h"

namespace pixmesh {
namespace {

std::string without_slash(std::string folder) {
  while (folder.size() > 1 && folder.back() == '/') folder.pop_back();
  return folder;
}

std::string folder_key(const DiskDescription& disk) { return "folder/" + hex_of(disk.id); }

/// Where the disk is found when the node starts again.
TableRow folder_row(const DiskDescription& disk, std::uint64_t capacity) {
  Bytes value = CanonicalBytes().u64(capacity).bytes();
  value.insert(value.end(), disk.folder.begin(), disk.folder.end());
  return fact_row(folder_key(disk), std::move(value));
}

std::string partitions_text(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " partition" : " partitions");
}

}  // namespace

std::optional<std::uint32_t> Node::disk_in(const std::string& folder) const {
  for (std::uint32_t disk = 0; disk < options_.disks.size(); ++disk) {
    const DiskDescription& one = options_.disks[disk];
    if (!one.gone && without_slash(one.folder) == without_slash(folder)) return disk;
  }
  return std::nullopt;
}

void Node::on_disk_order(Instant now, LinkId link, const CommandRequest& wish) {
  if (const auto fine = check_disk_order(wish); !fine) {
    return to_link(link, CommandAnswer{wish.operation, fine.error().code, fine.error().detail});
  }
  disk_order_ = DiskOrder{};  // clang 14 has no emplace() for it
  disk_order_->link = link;
  disk_order_->operation = wish.operation;
  disk_order_->command = wish.command;
  disk_order_->folder = without_slash(wish.path);
  disk_order_->capacity = wish.amount;
  if (wish.command == NodeCommand::add_disk) return open_new_disk();
  disk_order_->old = disk_in(wish.path);
  look_at_old_disk(now);
}

Result<Done> Node::check_disk_order(const CommandRequest& wish) {
  if (outside_.bay == nullptr || rebalance_ == nullptr) {
    return Error{ErrorCode::usage, "this node belongs to no mesh yet"};
  }
  if (disk_order_) {
    return Error{ErrorCode::overloaded, "another order about this node's disks is under way"};
  }
  const auto known = disk_in(wish.path);
  if (wish.command == NodeCommand::add_disk) {
    if (!known) return Done{};
    return Error{ErrorCode::usage, wish.path +
                                       " is in use already; if it holds another disk now, "
                                       "say 'pixmesh node disk replace'"};
  }
  if (!known) {
    std::string all;
    for (const DiskDescription& disk : options_.disks) {
      if (!disk.gone) all += (all.empty() ? "" : ", ") + disk.folder;
    }
    return Error{ErrorCode::not_found,
                 "no disk of this node is in " + wish.path + "; its disks are in " + all};
  }
  if (*known != 0) return Done{};
  return Error{ErrorCode::usage,
               wish.path +
                   " is this node's first folder, where its tools work and often its "
                   "state lies: change it while the node is stopped"};
}

// What the node does by itself about a disk that nobody replaced for as long as a dead member may
// be away: its share goes to the other disks, or without one to the other members.
void Node::give_up_failed_disk(Instant now) {
  if (marks_ == nullptr || !options_.out_delay || stop_at_) return;
  const auto failed = marks_->failed_for(now, *options_.out_delay);
  if (!failed) return;
  if (marks_->all_failed()) {
    return fail(now, "every disk of this node has failed: start it again when they are replaced");
  }
  if (outside_.bay == nullptr || rebalance_ == nullptr || disk_order_) return;
  disk_order_ = DiskOrder{};
  disk_order_->command = NodeCommand::remove_disk;
  disk_order_->old = view_.disk_of(*failed);
  disk_order_->folder = options_.disks[*disk_order_->old].folder;
  look_at_old_disk(now);
}

void Node::end_disk_order(const Result<std::string>& done) {
  if (!disk_order_->link) return disk_order_.reset();  // our own; the log has it
  CommandAnswer answer{disk_order_->operation, {}, {}};
  if (!done) answer.code = done.error().code;
  answer.detail = done ? done.value() : done.error().detail;
  to_link(*disk_order_->link, std::move(answer));
  disk_order_.reset();
}

void Node::run_disk_job(std::function<void()> job, std::function<void(Instant)> then) {
  disk_job_ = operations_.next_id();
  after_disk_job_ = std::move(then);
  outside_.background.run(disk_job_, std::move(job));
}

// A disk may be another one by now without anybody having noticed.
void Node::look_at_old_disk(Instant now) {
  const std::uint32_t old = *disk_order_->old;
  begin<DiskSums>(now, std::vector{address_of_disk(old)}, [this, old](Instant, const auto& sums) {
    const bool answers = sums.front().has_value();
    DiskOrder* order = &*disk_order_;  // stays until the job is done
    run_disk_job([bay = outside_.bay, old, order] { order->is_there = bay->holds(old); },
                 [this, answers](Instant then) {
                   if (!answers || !disk_order_->is_there) return take_out_disk(then);
                   end_disk_order(Error{
                       ErrorCode::usage,
                       "the disk in " + disk_order_->folder +
                           " has not failed: it goes out of use only while the node is stopped"});
                 });
  });
}

void Node::take_out_disk(Instant) {
  outside_.disks[*disk_order_->old] = &outside_.bay->take_out(*disk_order_->old);
  if (disk_order_->command == NodeCommand::replace_disk) return open_new_disk();
  write_new_places();
}

void Node::open_new_disk() {
  DiskOrder* order = &*disk_order_;
  const auto number = static_cast<std::uint32_t>(options_.disks.size());
  run_disk_job(
      [bay = outside_.bay, order, number, folder = disk_order_->folder,
       capacity = disk_order_->capacity] { order->opened = bay->open(number, folder, capacity); },
      [this](Instant) {
        const Result<NewDisk>& opened = disk_order_->opened;
        if (!opened) return end_disk_order(opened.error());
        disk_order_->fresh = opened.value();
        options_.disks.push_back(opened->description);
        outside_.disks.push_back(opened->disk);
        write_new_places();
      });
}

// Where each partition lies is durable before anything is done about it. Partitions that are about
// to change their disk do so first, and nothing is dropped any more that may come to lie there.
void Node::write_new_places() {
  disk_order_->is_ready = true;
  if (!closed_.empty() || drop_strays_ != nullptr) return;  // go_on_moving comes back to it
  disk_order_->is_written = true;
  if (disk_order_->old) options_.disks[*disk_order_->old].gone = true;
  DiskPlaces next = places_.with(options_.disks);
  std::vector<TableRow> rows = next.rows();
  if (disk_order_->fresh) {
    rows.push_back(new_disk_row(disk_order_->fresh->description));
    rows.push_back(folder_row(disk_order_->fresh->description, disk_order_->capacity));
  }
  writer_.write(std::move(rows), [this, next = std::move(next)](Instant now) mutable {
    use_new_places(now, std::move(next));
  });
}

void Node::use_new_places(Instant now, DiskPlaces places) {
  places_ = std::move(places);
  const std::vector<PartitionId> moving = places_.to_move();
  to_move_ = {moving.begin(), moving.end()};
  const std::vector<PartitionId> lost = places_.doubted();
  // What was half moved may be to go elsewhere now.
  for (std::uint32_t disk = 0; disk < options_.disks.size(); ++disk) stray_disks_.insert(disk);
  std::string told = disk_order_->folder + ": ";
  if (disk_order_->old) {
    const DiskDescription& old = options_.disks[*disk_order_->old];
    std::erase(one_of_each_disk_, address_of_disk(*disk_order_->old));
    rows_after_doubts_.push_back(no_disk_row(old));
    rows_after_doubts_.push_back(fact_row(folder_key(old), std::nullopt));
    doubts_end_ = true;
    outside_.log.event(LogLevel::warning, "disk_taken_out",
                       {{"folder", old.folder}, {"partitions", std::to_string(lost.size())}});
    told += partitions_text(lost.size()) + " of the disk before are fetched from other nodes; ";
  }
  if (disk_order_->fresh) {
    begin_disk_work(now, static_cast<std::uint32_t>(options_.disks.size() - 1));
    outside_.log.event(
        LogLevel::info, "disk_added",
        {{"folder", disk_order_->folder}, {"partitions", std::to_string(moving.size())}});
    told += partitions_text(moving.size()) + " come from this node's other disks; ";
  }
  marks_->set_disks(one_of_each_disk_);
  collection_->set_disks(one_of_each_disk_);
  collection_->forget(lost);
  end_disk_order(told + "'pixmesh status --wait' says when all is in its place");
  if (!lost.empty()) perform(now, *rebalance_, rebalance_->lose(now, lost));
}

void Node::begin_disk_work(Instant now, std::uint32_t disk) {
  const PartitionId address = address_of_disk(disk);
  one_of_each_disk_.push_back(address);
  scrubs_.resize(disk + 1, nullptr);
  auto scrub = std::make_unique<Scrub>(operations_.next_id(), address, options_.scrub);
  scrubs_[disk] = scrub.get();
  own_ids_.insert(scrub->id());
  operations_.add(std::move(scrub));
  perform(now, *scrubs_[disk], scrubs_[disk]->start(now));
  begin<RequestMemory>(now, std::vector{address});
  own_operations_ += 2;
}

void Node::end_doubts_if_durable() {
  if (!doubts_end_ || rebalance_ == nullptr || !rebalance_->all_written()) return;
  doubts_end_ = false;
  std::vector<TableRow> rows = places_.end_doubts();
  rows.insert(rows.end(), rows_after_doubts_.begin(), rows_after_doubts_.end());
  rows_after_doubts_.clear();
  writer_.write(std::move(rows));
}

}  // namespace pixmesh

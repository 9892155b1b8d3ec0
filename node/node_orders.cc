#include "node/disk_sums.h"
#include "node/node_begin.h"

namespace pixmesh {

void Node::on_command(Instant now, LinkId link, const CommandRequest& wish) {
  if (wish.command == NodeCommand::scrub) {
    for (Scrub* scrub : scrubs_) perform(now, *scrub, scrub->hurry(now));
  }
  const bool is_about_disks = wish.command == NodeCommand::add_disk ||
                              wish.command == NodeCommand::replace_disk ||
                              wish.command == NodeCommand::remove_disk;
  if (is_about_disks) return on_disk_order(now, link, wish);
  const auto done = carry_out(now, wish);
  runs_.set_accepting(standing_.takes_new_work());
  CommandAnswer answer{wish.operation, {}, {}};
  if (!done) answer.code = done.error().code;
  answer.detail = done ? done.value() : done.error().detail;
  if (!done) return to_link(link, answer);
  // Rows are written in order: when this empty batch is done, so is the command.
  writer_.write({}, [this, link, answer](Instant) { to_link(link, answer); });
}

Result<std::string> Node::carry_out(Instant now, const CommandRequest& wish) {
  if (wish.command == NodeCommand::forget) {
    return evictions_.forget(now, peers_, wish, eviction_scene(), view_.frozen);
  }
  if (RepairOrders::is_ours(wish.command)) return repair_orders_.on_command(now, wall_, wish);
  return standing_.on_command(now, peers_, wish);
}

void Node::on_plan(Instant now, LinkId link, const PlanRequest& wish) {
  if (!plans_.begin(now, link, wish, view_.alive)) return;
  begin<DiskSums>(now, one_of_each_disk_, [this, link, wish](Instant, const auto& disks) {
    plans_.compute(operations_.next_id(), link, wish, view_.alive, disks,
                   rebalance_->progress().unsettled);
  });
}

void Node::on_apply(Instant now, LinkId link, const ApplyRequest& wish) {
  ApplyAnswer answer{wish.operation, {}, {}, {}};
  const Result<RingChange> change = plans_.change_of(now, wish.plan);
  if (change) answer.node = change->node;
  if (change && change->node != view_.self) return to_link(link, answer);
  const Result<std::string> done =
      change ? standing_.change_place(now, peers_, change.value(), wish.accept_fewer_copies)
             : Result<std::string>(change.error());
  if (!done) {
    answer.code = done.error().code;
    answer.detail = done.error().detail;
    return to_link(link, answer);
  }
  answer.detail = done.value();
  writer_.write({}, [this, link, answer](Instant) { to_link(link, answer); });
}

}  // namespace pixmesh

#include "node/node_begin.h"

namespace pixmesh {

void Node::on_command(Instant now, LinkId link, const CommandRequest& wish) {
  if (wish.command == NodeCommand::scrub) {
    for (Scrub* scrub : scrubs_) perform(now, *scrub, scrub->hurry(now));
  }
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

}  // namespace pixmesh

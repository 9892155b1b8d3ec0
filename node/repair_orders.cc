#include "node/repair_orders.h"

#include <algorithm>

#include "processing/quantity.h"

namespace pixmesh {
namespace {

constexpr std::string_view order_key = "repair";
constexpr std::size_t order_bytes = 16;

}  // namespace

RepairOrders::RepairOrders(const TableRows& facts, RepairPace& pace, StateWriter& writer)
    : pace_(pace), writer_(writer) {
  for (const auto& [key, value] : facts.rows) {
    if (text_of(key) != order_key || value.size() != order_bytes) continue;
    paused_until_ = little_endian(ByteView(value).first(8));
    pace_.set_rate(std::min(little_endian(ByteView(value).subspan(8)), RepairPace::rate_max));
  }
}

// A wall clock that was put back must not make a pause longer than any may be.
void RepairOrders::start(Instant now, WallTime wall) {
  if (paused_until_ <= wall.microseconds) return;
  const auto most = static_cast<std::uint64_t>(RepairPace::pause_max / 1us);
  const std::uint64_t left = std::min(paused_until_ - wall.microseconds, most);
  pace_.pause(now + std::chrono::microseconds(left));
}

bool RepairOrders::is_ours(NodeCommand command) {
  return command == NodeCommand::pause_repair || command == NodeCommand::resume_repair ||
         command == NodeCommand::throttle_repair;
}

Result<std::string> RepairOrders::on_command(Instant now, WallTime wall,
                                             const CommandRequest& command) {
  switch (command.command) {
    case NodeCommand::pause_repair:
      return pause(now, wall, command.amount);
    case NodeCommand::resume_repair:
      paused_until_ = 0;
      pace_.resume();
      keep();
      return std::string("the node copies again what it lacks");
    case NodeCommand::throttle_repair:
      return throttle(command.amount);
    default:
      return Error{ErrorCode::usage, "no such command"};
  }
}

Result<std::string> RepairOrders::pause(Instant now, WallTime wall, std::uint64_t seconds) {
  const auto most = static_cast<std::uint64_t>(RepairPace::pause_max / 1s);
  if (seconds == 0 || seconds > most) {
    return Error{ErrorCode::usage, "a pause lasts 1s to " + print_duration(RepairPace::pause_max) +
                                       "; it may be said again"};
  }
  const auto span = std::chrono::seconds(seconds);
  paused_until_ = wall.microseconds + seconds * 1'000'000;
  pace_.pause(now + span);
  keep();
  return "the node copies nothing from others for " + print_duration(span);
}

Result<std::string> RepairOrders::throttle(std::uint64_t rate) {
  if (rate > 0 && (rate < RepairPace::rate_min || rate > RepairPace::rate_max)) {
    return Error{ErrorCode::usage, "a rate is " + print_size(RepairPace::rate_min) + " to " +
                                       print_size(RepairPace::rate_max) +
                                       " a second, or off; 'pixmesh repair pause' stops it"};
  }
  pace_.set_rate(rate);
  keep();
  if (rate == 0) return std::string("the node copies without a bound");
  return "the node copies at most " + print_size(rate) + " a second";
}

void RepairOrders::keep() {
  CanonicalBytes value;
  value.u64(paused_until_).u64(pace_.rate());
  const bool has_order = paused_until_ > 0 || pace_.rate() > 0;
  writer_.write({fact_row(order_key, has_order ? std::optional(value.bytes()) : std::nullopt)});
}

}  // namespace pixmesh

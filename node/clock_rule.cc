#include "node/clock_rule.h"

namespace pixmesh {
namespace {

constexpr std::int64_t second = 1'000'000;

std::string distance_text(const ClockStanding& standing) {
  const bool is_behind = standing.ahead < 0;
  const std::int64_t distance = is_behind ? -standing.ahead : standing.ahead;
  return std::to_string((distance + second / 2) / second) + " s " +
         (is_behind ? "behind" : "ahead of");
}

}  // namespace

ClockStanding ClockRule::standing(Instant now, WallTime wall) const {
  return peers_.clocks().standing(now, wall, peers_.alive().size());
}

std::optional<std::string> ClockRule::refusal(Instant now, WallTime wall) const {
  const ClockStanding ours = standing(now, wall);
  if (!ours.is_outside()) return std::nullopt;
  return "the clock of node " + to_text(self_) + " is " + distance_text(ours) +
         " the others' (the lower median of " + std::to_string(ours.clocks) +
         "), so it orders no writes: set it right there (chronyc makestep), then it takes writes "
         "again by itself; other holders take them meanwhile";
}

bool ClockRule::is_too_early(Instant now, WallTime wall, WallTime theirs) const {
  return peers_.clocks().is_too_early(now, wall, peers_.alive().size(), theirs);
}

void ClockRule::look(Instant now, WallTime wall) {
  const ClockStanding ours = standing(now, wall);
  const State state = ours.is_outside() ? State::outside
                      : ours.is_far()   ? State::doubtful
                                        : State::right;
  if (state == state_) return;
  state_ = state;
  static constexpr std::array names{"clock_right", "clock_doubtful", "clock_outside"};
  log_.event(state == State::right ? LogLevel::info : LogLevel::warning,
             names[static_cast<std::size_t>(state)],
             {{"distance", distance_text(ours) + " the lower median"},
              {"clocks", std::to_string(ours.clocks)}});
}

}  // namespace pixmesh

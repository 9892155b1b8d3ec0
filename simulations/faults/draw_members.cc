// What is drawn of members that come, go and are away.
#include <algorithm>
#include <array>

#include "simulations/faults/class_draw.h"

namespace pixmesh {

void ClassDraw::draw_members() {
  static constexpr std::array kinds{EventKind::join, EventKind::join, EventKind::leave,
                                    EventKind::drain, EventKind::forget};
  draw_some(15s, 90s, [this] {
    Event& event = add(kinds[rng_.below(kinds.size())]);
    event.lasting = time(1s, 30s);
    event.amount = static_cast<std::int64_t>(between(rng_, 1, 8));
    if (event.kind == EventKind::join && rng_.below(2) == 0) {
      event.node += static_cast<std::uint32_t>(scenario_.nodes.size());  // a zone of its own
    }
  });
  if (rng_.below(4) > 0) draw_absence();
  if (rng_.below(3) == 0) draw_copies();
}

// Other numbers of copies, each with a W below its R. W is 2 at least, as the checks expect.
void ClassDraw::draw_copies() {
  static constexpr std::array<std::pair<std::uint32_t, std::uint32_t>, 3> choices{
      {{3, 2}, {4, 3}, {5, 3}}};
  draw_some(20s, 60s, [this] {
    Event& change = add(EventKind::copies);
    const auto [replicas, write_quorum] = choices[rng_.below(choices.size())];
    change.amount = replicas;
    change.number = write_quorum;
  });
}

// One is away for a little more than the out delay, evicted and soon back, while others pause. Or
// two are, who alone have what was written just before, for a third missed it.
void ClassDraw::draw_absence() {
  const auto count = static_cast<std::uint32_t>(scenario_.nodes.size());
  const bool two = count > 4 && rng_.below(3) > 0;
  const Duration out = scenario_.out_delay.value_or(10min);
  const Duration away = out + (two ? time(10s, 40s) : time(1s, 20s));
  if (count < 4 || scenario_.safety <= away + 5s) return;
  const Duration spare = scenario_.safety - away - 5s;
  at_ = 5s + std::chrono::microseconds(rng_.below(static_cast<std::uint64_t>(spare / 1us)));
  Event gone = add(EventKind::crash);
  gone.lasting = away;
  events_.back() = gone;
  if (two) {
    Event& missing = add(EventKind::pause);
    missing.node = (gone.node + 2) % count;
    missing.at = std::max<Duration>(gone.at - time(3s, 20s), 0s);
    missing.lasting = gone.at + 100ms - missing.at;
    gone.node = (gone.node + 1) % count;
    events_.push_back(gone);
    return;
  }
  for (std::uint64_t i = between(rng_, 1, 3); i > 0; --i) {
    Event& silence = add(EventKind::pause);
    silence.at = gone.at + out + time(500ms, 10s);
    silence.lasting = time(500ms, 10s);
  }
}

// A member comes, goes or weighs another time, now and then two at once, or one goes and stays
// after all. What moves then is struck.
void ClassDraw::draw_motion() {
  draw_some(8s, 40s, [this] {
    if (rng_.below(3) == 0) draw_reversal();
    for (std::uint64_t i = rng_.below(3) == 0 ? 2 : 1; i > 0; --i) {
      static constexpr std::array kinds{EventKind::join, EventKind::leave, EventKind::weigh};
      Event& change = add(kinds[rng_.below(kinds.size())]);
      change.amount = static_cast<std::int64_t>(between(rng_, 1, 8));
    }
    for (std::uint64_t i = between(rng_, 1, 4); i > 0; --i) {
      Event& strike = add(EventKind::strike);
      strike.lasting = time(50ms, 10s);
      strike.amount = static_cast<std::int64_t>(rng_.below(1'000));
      strike.number = static_cast<std::uint32_t>(rng_.below(1'000'000));
    }
  });
}

// Placements go away and come back while partitions move.
void ClassDraw::draw_reversal() {
  Event leave = add(EventKind::leave);
  for (std::uint64_t i = between(rng_, 1, 2); i > 0; --i) {
    Event stay = leave;
    stay.kind = EventKind::stay;
    stay.at = leave.at + time(300ms, 6s);
    events_.push_back(stay);
    leave.at = stay.at + time(300ms, 6s);
    if (i > 1 || rng_.below(2) == 0) events_.push_back(leave);
  }
}

}  // namespace pixmesh

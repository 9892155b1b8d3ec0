#include "simulations/faults/draw.h"

#include <algorithm>
#include <span>

#include "simulations/faults/chances.h"

namespace pixmesh {
namespace {

/// Draws the faults of one class.
class ClassDraw {
 public:
  ClassDraw(Rng rng, const Scenario& scenario, std::vector<Event>& events)
      : rng_(rng), scenario_(scenario), events_(events) {}

  void draw(FaultClass fault) {
    switch (fault) {
      case FaultClass::network:
        return draw_network();
      case FaultClass::crash:
        return draw_crashes();
      case FaultClass::pause:
        return draw_pauses();
      case FaultClass::clock:
        return draw_clocks();
      case FaultClass::disk:
        return draw_disks();
      case FaultClass::loss:
        return draw_losses();
      case FaultClass::tool:
        return draw_tools();
      case FaultClass::client:
        return draw_some(1s, 10s, [this] {
          Event& garbage = add(rng_.below(4) > 0 ? EventKind::garbage : EventKind::lie);
          garbage.number = static_cast<std::uint32_t>(rng_.below(1'000));
        });
      case FaultClass::membership:
        return draw_members();
      case FaultClass::motion:
        return draw_motion();
      case FaultClass::rot:
        return draw_some(4s, 40s, [this] {
          add(EventKind::rot).amount = static_cast<std::int64_t>(rng_.below(1'000'000));
        });
      case FaultClass::restore:
        return draw_restores();
      case FaultClass::state:
        return draw_state();
      case FaultClass::operation:
      case FaultClass::repeat:  // drawn with the operations
      case FaultClass::rare:    // drawn for the whole scenario
        return;
    }
  }

 private:
  Event& add(EventKind kind) {
    Event event;
    event.kind = kind;
    event.at = at_;
    const std::uint64_t count = scenario_.nodes.size();
    event.node = static_cast<std::uint32_t>(rng_.below(count));
    event.peer = static_cast<std::uint32_t>(rng_.below(count));
    events_.push_back(std::move(event));
    return events_.back();
  }
  Duration time(Duration low, Duration high) { return log_time(rng_, low, high); }

  // One after the other, on average `mean` apart, itself drawn between these.
  template <typename One>
  void draw_some(Duration mean_low, Duration mean_high, One one) {
    const Duration mean = time(mean_low, mean_high);
    at_ = {};
    for (;;) {
      at_ += std::chrono::microseconds(1 + rng_.below(2 * static_cast<std::uint64_t>(mean / 1us)));
      if (at_ >= scenario_.safety) return;
      one();
    }
  }

  void draw_network() {
    at_ = {};
    if (rng_.below(2) == 0) {
      Event& latency = add(EventKind::latency);
      latency.lasting = scenario_.safety;
      latency.amount = static_cast<std::int64_t>(log_between(rng_, 200, 60'000));
    }
    if (rng_.below(2) == 0) {
      Event& lossy = add(EventKind::lossy);
      lossy.lasting = scenario_.safety;
      lossy.amount = static_cast<std::int64_t>(log_between(rng_, 4, 500));
    }
    if (rng_.below(3) == 0) {
      Event& late = add(EventKind::late);
      late.lasting = scenario_.safety;
      late.amount = static_cast<std::int64_t>(log_between(rng_, 500, 20'000));
    }
    draw_some(2s, 30s, [this] { draw_partition(); });
  }

  void draw_partition() {
    static constexpr std::array kinds{
        EventKind::cut,  EventKind::cut_way, EventKind::hold,  EventKind::reset,  EventKind::clog,
        EventKind::flap, EventKind::isolate, EventKind::split, EventKind::bridge, EventKind::ring};
    Event& event = add(kinds[rng_.below(kinds.size())]);
    event.lasting = time(100ms, 60s);
    if (event.kind == EventKind::clog) {
      event.amount = static_cast<std::int64_t>(log_between(rng_, 10'000, 10'000'000));
    } else if (event.kind == EventKind::flap) {
      event.amount = static_cast<std::int64_t>(log_between(rng_, 200, 5'000));
    } else if (event.kind == EventKind::split || event.kind == EventKind::bridge) {
      event.amount = static_cast<std::int64_t>(1 + rng_.below((1ULL << 62) - 1));
    }
  }

  void draw_crashes() {
    draw_some(4s, 60s, [this] {
      const bool in_step = rng_.below(4) == 0;
      Event& event = add(in_step ? EventKind::crash_in_step : EventKind::crash);
      event.lasting = time(10ms, 60s);
      if (in_step) event.amount = static_cast<std::int64_t>(between(rng_, 1, 30));
    });
    if (rng_.below(5) > 0) return;
    at_ = std::chrono::microseconds(rng_.below(static_cast<std::uint64_t>(scenario_.safety / 1us)));
    add(EventKind::power_cut).lasting = time(100ms, 10s);
  }

  void draw_pauses() {
    draw_some(6s, 60s, [this] { add(EventKind::pause).lasting = time(100ms, 40s); });
    draw_some(10s, 100s, [this] {
      Event& slow = add(EventKind::slow);
      slow.lasting = time(1s, 60s);
      slow.amount = static_cast<std::int64_t>(log_between(rng_, 2, 50));
    });
  }

  void draw_clocks() {
    at_ = {};
    if (rng_.below(4) > 0) {
      draw_kept_clocks();
    } else {
      draw_wild_clocks();
    }
    for (std::uint32_t node = 0; node < scenario_.nodes.size(); ++node) {
      Event& drift = add(EventKind::clock_drift);
      drift.node = node;
      drift.amount = static_cast<std::int64_t>(rng_.below(2'001)) - 1'000;
    }
    draw_some(10s, 60s, [this] {
      Event& back = add(EventKind::clock_back);
      back.lasting = time(10ms, 5s);
      back.amount = static_cast<std::int64_t>(log_between(rng_, 500, 4'000'000));
    });
    draw_some(10s, 100s, [this] {
      add(EventKind::clock_shift).amount = static_cast<std::int64_t>(rng_.below(60'000)) - 30'000;
    });
    draw_some(20s, 200s, [this] {  // set wrong, and right again
      Event& wrong = add(EventKind::clock_shift);
      wrong.amount = wrong_clock();
      Event right = wrong;
      right.at += time(5s, 60s);
      right.amount = -right.amount;
      events_.push_back(right);
    });
  }

  // From 20 seconds to an hour, either way; of twenty one is ten years.
  std::int64_t wrong_clock() {
    constexpr std::int64_t ten_years_ms = 87'600 * 3'600'000LL;
    const auto away = rng_.below(20) == 0
                          ? ten_years_ms
                          : static_cast<std::int64_t>(log_between(rng_, 20'000, 3'600'000));
    return rng_.below(2) == 0 ? away : -away;
  }

  // Nearly all are right to some seconds; at most half are wrong, now and then by the same time.
  void draw_kept_clocks() {
    const auto count = static_cast<std::uint32_t>(scenario_.nodes.size());
    const std::uint64_t wrong = rng_.below(count / 2 + 1);
    const std::uint64_t first = rng_.below(count);
    const bool alike = rng_.below(3) == 0;
    const std::int64_t shared = wrong_clock();
    for (std::uint32_t i = 0; i < count; ++i) {
      Event& shift = add(EventKind::clock_shift);
      shift.node = static_cast<std::uint32_t>((first + i) % count);
      shift.amount = static_cast<std::int64_t>(rng_.below(6'000)) - 3'000;
      if (i < wrong) shift.amount += alike ? shared : wrong_clock();
    }
  }

  void draw_wild_clocks() {
    for (std::uint32_t node = 0; node < scenario_.nodes.size(); ++node) {
      Event& shift = add(EventKind::clock_shift);
      shift.node = node;
      shift.amount = wrong_clock();
    }
  }

  void draw_disks() {
    static constexpr std::array kinds{EventKind::disk_full,    EventKind::disk_slow,
                                      EventKind::write_errors, EventKind::sync_errors,
                                      EventKind::read_errors,  EventKind::misreads};
    draw_troubles(kinds, 8);
  }

  void draw_state() {
    static constexpr std::array kinds{EventKind::state_full, EventKind::state_slow,
                                      EventKind::state_errors};
    draw_troubles(kinds, 1);
  }

  void draw_troubles(std::span<const EventKind> kinds, std::uint64_t times_max) {
    draw_some(5s, 60s, [&] {
      Event& event = add(kinds[rng_.below(kinds.size())]);
      event.lasting = time(100ms, 30s);
      const bool slow = event.kind == EventKind::disk_slow || event.kind == EventKind::state_slow;
      event.amount = static_cast<std::int64_t>(slow ? log_between(rng_, 1'000, 3'000'000)
                                                    : between(rng_, 1, times_max));
    });
  }

  // Some who could tell the node what it lost are silent just then, or it leaves before they have.
  void draw_losses() {
    static constexpr std::array kinds{EventKind::disk_lost, EventKind::disk_rolled_back};
    draw_some(15s, 90s, [this] {
      Event event = add(kinds[rng_.below(kinds.size())]);
      event.lasting = time(100ms, 30s);
      if (event.kind == EventKind::disk_rolled_back) event.lasting += noticed_from;
      events_.back() = event;
      const std::uint64_t company = rng_.below(4);
      if (company == 2) draw_silences_around(event);
      if (company == 0) {
        Event& leave = add(EventKind::leave);
        leave.node = event.node;
        leave.at = event.at + event.lasting + time(100ms, 5s);
      }
      for (std::uint64_t i = company == 1 ? between(rng_, 1, 3) : 0; i > 0; --i) {
        Event& silence = add(EventKind::pause);
        silence.lasting = time(500ms, 40s);
      }
    });
  }

  // Who is back when the disk is lost missed what was written before; who has it falls silent.
  void draw_silences_around(const Event& loss) {
    const auto count = static_cast<std::uint32_t>(scenario_.nodes.size());
    if (count < 3) return;
    const Duration lost_at = loss.at + (loss.kind == EventKind::disk_lost ? 0s : loss.lasting);
    const Duration back_at = lost_at + (loss.kind == EventKind::disk_lost ? loss.lasting : 1s);
    Event& missing = add(EventKind::pause);
    missing.node = (loss.node + 1) % count;
    missing.at = std::max<Duration>(lost_at - time(500ms, 5s), 0s);
    missing.lasting = back_at - missing.at;
    Event& witness = add(EventKind::pause);
    witness.node = (loss.node + 2) % count;
    witness.at = std::max<Duration>(back_at - time(100ms, 500ms), 0s);
    witness.lasting = time(5s, 40s);
  }

  // Whole nodes that come back as they were some time ago, or are started twice. Now and then
  // somebody who could tell is silent just then, or the node stops while it is told.
  void draw_restores() {
    draw_some(15s, 90s, [this] {
      const bool twice = rng_.below(4) == 0;
      Event event = add(twice ? EventKind::twin : EventKind::node_rolled_back);
      if (!twice) event.lasting = noticed_from + time(1s, 40s);
      events_.back() = event;
      const std::uint64_t company = rng_.below(4);
      if (company > 1) return;
      Event& blow = add(company == 0 ? EventKind::pause : EventKind::crash);
      blow.at += event.lasting + (company == 0 ? 0s : 1s + time(1ms, 500ms));
      if (company == 1) blow.node = event.node;
      blow.lasting = time(10ms, 40s);
    });
  }

  void draw_tools() {
    draw_some(5s, 60s, [this] {
      const bool slow = rng_.below(3) == 0;
      Event& event = add(slow ? EventKind::tool_slow : EventKind::tool_trouble);
      event.lasting = time(1s, 30s);
      event.amount =
          static_cast<std::int64_t>(slow ? log_between(rng_, 100, 20'000) : between(rng_, 1, 4));
    });
  }

  void draw_members() {
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
  void draw_copies() {
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
  void draw_absence() {
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
  void draw_motion() {
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
  void draw_reversal() {
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

  Rng rng_;
  const Scenario& scenario_;
  std::vector<Event>& events_;
  Duration at_{};
};

}  // namespace

FaultChoice FaultChoice::ordinary() {
  FaultChoice choice;
  choice.allowed.fill(true);
  choice.allowed[static_cast<std::size_t>(FaultClass::operation)] = false;
  return choice;
}

std::vector<Event> draw_faults(Rng rng, const Scenario& scenario, const FaultChoice& choice) {
  std::vector<Event> events;
  for (std::size_t i = 0; i < fault_class_count; ++i) {
    Rng own = rng.split();
    const bool drawn = own.below(2) == 0;
    const auto fault = static_cast<FaultClass>(i);
    if (choice.allowed[i] && drawn) {
      ClassDraw(own, scenario, events).draw(fault);
    }
  }
  std::stable_sort(events.begin(), events.end(),
                   [](const Event& a, const Event& b) { return a.at < b.at; });
  return events;
}

}  // namespace pixmesh

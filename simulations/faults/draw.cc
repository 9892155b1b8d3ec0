#include "simulations/faults/draw.h"

#include <algorithm>

#include "simulations/faults/class_draw.h"

namespace pixmesh {
namespace {

// What happens to a disk happens to any of its node.
void place_on_disks(Rng rng, const Scenario& scenario, std::vector<Event>& events) {
  if (!scenario.has_several_disks()) return;
  for (Event& event : events) {
    const EventForm& form = form_of(event.kind);
    if (form.disk && form.fault != FaultClass::bay) {
      event.disk = static_cast<std::uint32_t>(rng.below(disks_max));
    }
  }
}

}  // namespace

Event& ClassDraw::add(EventKind kind) {
  Event event;
  event.kind = kind;
  event.at = at_;
  const std::uint64_t count = scenario_.nodes.size();
  event.node = static_cast<std::uint32_t>(rng_.below(count));
  event.peer = static_cast<std::uint32_t>(rng_.below(count));
  events_.push_back(std::move(event));
  return events_.back();
}

void ClassDraw::draw(FaultClass fault) {
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
      return draw_rot();
    case FaultClass::restore:
      return draw_restores();
    case FaultClass::state:
      return draw_state();
    case FaultClass::bay:
      return draw_bays();
    case FaultClass::operation:
    case FaultClass::repeat:  // drawn with the operations
    case FaultClass::beyond:
    case FaultClass::rare:  // drawn for the whole scenario
      return;
  }
}

void ClassDraw::draw_network() {
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

void ClassDraw::draw_partition() {
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

void ClassDraw::draw_crashes() {
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

void ClassDraw::draw_pauses() {
  draw_some(6s, 60s, [this] { add(EventKind::pause).lasting = time(100ms, 40s); });
  draw_some(10s, 100s, [this] {
    Event& slow = add(EventKind::slow);
    slow.lasting = time(1s, 60s);
    slow.amount = static_cast<std::int64_t>(log_between(rng_, 2, 50));
  });
}

void ClassDraw::draw_clocks() {
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
std::int64_t ClassDraw::wrong_clock() {
  constexpr std::int64_t ten_years_ms = 87'600 * 3'600'000LL;
  const auto away = rng_.below(20) == 0
                        ? ten_years_ms
                        : static_cast<std::int64_t>(log_between(rng_, 20'000, 3'600'000));
  return rng_.below(2) == 0 ? away : -away;
}

// Nearly all are right to some seconds; at most half are wrong, now and then by the same time.
void ClassDraw::draw_kept_clocks() {
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

void ClassDraw::draw_wild_clocks() {
  for (std::uint32_t node = 0; node < scenario_.nodes.size(); ++node) {
    Event& shift = add(EventKind::clock_shift);
    shift.node = node;
    shift.amount = wrong_clock();
  }
}

void ClassDraw::draw_tools() {
  draw_some(5s, 60s, [this] {
    const bool slow = rng_.below(3) == 0;
    Event& event = add(slow ? EventKind::tool_slow : EventKind::tool_trouble);
    event.lasting = time(1s, 30s);
    event.amount =
        static_cast<std::int64_t>(slow ? log_between(rng_, 100, 20'000) : between(rng_, 1, 4));
  });
}

FaultChoice FaultChoice::ordinary() {
  FaultChoice choice;
  choice.allowed.fill(true);
  choice.allowed[static_cast<std::size_t>(FaultClass::operation)] = false;
  choice.beyond_one_in = 25;
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
  place_on_disks(rng.split(), scenario, events);
  std::stable_sort(events.begin(), events.end(),
                   [](const Event& a, const Event& b) { return a.at < b.at; });
  return events;
}

}  // namespace pixmesh

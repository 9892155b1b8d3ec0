#include "simulations/workload/draw.h"

#include <algorithm>
#include <array>

namespace pixmesh {
namespace {

class OperationDraw {
 public:
  OperationDraw(Rng rng, const Scenario& scenario, const ClientFaults& client_faults)
      : rng_(rng), scenario_(scenario), client_faults_(client_faults) {
    static constexpr std::array<std::uint64_t, 4> name_counts{1, 3, 10, 30};
    names_ = name_counts[rng_.below(name_counts.size())];
    for (std::uint32_t& share : shares_) share = rng_.below(2) == 0 ? 0 : 1 + roll(5);
    shares_[0] = 2 + roll(6);  // without writes there is nothing to see
    sometimes_large_ = rng_.below(3) == 0;
  }

  std::vector<Event> draw() {
    const std::uint64_t mean_us = 50'000ULL << rng_.below(6);  // 50 ms … 1.6 s
    for (Duration at{};;) {
      at += std::chrono::microseconds(1 + rng_.below(2 * mean_us));
      if (at >= scenario_.safety) return std::move(events_);
      draw_one(at);
    }
  }

 private:
  std::uint32_t roll(std::uint64_t below) { return static_cast<std::uint32_t>(rng_.below(below)); }

  EventKind draw_kind() {
    static constexpr std::array kinds{EventKind::put,  EventKind::get,       EventKind::remove,
                                      EventKind::list, EventKind::run,       EventKind::tag,
                                      EventKind::copy, EventKind::put_absent};
    std::uint32_t total = 0;
    for (const std::uint32_t share : shares_) total += share;
    std::uint32_t dice = roll(total);
    std::size_t i = 0;
    while (dice >= shares_[i]) dice -= shares_[i++];
    if (client_faults_.repeats && rng_.below(3) == 0) {
      if (kinds[i] == EventKind::put) return EventKind::put_again;
      if (kinds[i] == EventKind::remove) return EventKind::remove_again;
    }
    if (!client_faults_.any || rng_.below(4) > 0) return kinds[i];
    if (kinds[i] == EventKind::run && rng_.below(10) == 0) return EventKind::storm;
    if (kinds[i] == EventKind::get) return EventKind::get_broken;
    if (kinds[i] != EventKind::put) return kinds[i];
    return rng_.below(2) == 0 ? EventKind::put_twice : EventKind::put_broken;
  }

  void draw_one(Duration at) {
    Event event;
    event.at = at;
    event.kind = draw_kind();
    event.node = roll(scenario_.nodes.size());
    event.peer = roll(scenario_.clients);
    event.number = static_cast<std::uint32_t>(events_.size()) + 1;
    event.name = "image" + std::to_string(rng_.below(names_));
    if (event.kind == EventKind::list) event.name = "image";
    event.amount = 200 + roll(3'000);
    if (form_of(event.kind).lasting) event.lasting = 200ms * (1ULL << rng_.below(8));
    if (sometimes_large_ && rng_.below(20) == 0) event.amount += 1'048'576LL * (1 + roll(2));
    if (event.kind == EventKind::storm) event.amount = 50 + roll(250);
    const bool is_overtaken = event.kind == EventKind::put_again && rng_.below(3) == 0;
    events_.push_back(event);
    if (is_overtaken) draw_overtaking(event);
  }

  // Another client writes the name at the same moment, and it is gone before the first is said
  // again.
  void draw_overtaking(const Event& overtaken) {
    Event event = overtaken;
    event.kind = EventKind::put;
    event.lasting = {};
    event.at += std::chrono::milliseconds(roll(30));
    event.node = roll(scenario_.nodes.size());
    event.peer = (overtaken.peer + 1) % scenario_.clients;
    event.number = static_cast<std::uint32_t>(events_.size()) + 1;
    event.amount = 200 + roll(3'000);
    events_.push_back(event);
    event.kind = EventKind::remove;
    event.at += overtaken.lasting / 2;
    event.amount = 0;
    event.number = static_cast<std::uint32_t>(events_.size()) + 1;
    events_.push_back(std::move(event));
  }

  Rng rng_;
  const Scenario& scenario_;
  ClientFaults client_faults_;
  std::uint64_t names_ = 1;
  std::array<std::uint32_t, 8> shares_{};  // of the kinds, in the order of draw_kind
  bool sometimes_large_ = false;
  std::vector<Event> events_;
};

}  // namespace

std::vector<Event> draw_operations(Rng rng, const Scenario& scenario,
                                   const ClientFaults& client_faults) {
  return OperationDraw(rng, scenario, client_faults).draw();
}

}  // namespace pixmesh

#pragma once

#include <span>
#include <vector>

#include "base/rng.h"
#include "simulations/faults/chances.h"
#include "simulations/scenario/scenario.h"

namespace pixmesh {

/// Draws the faults of one class.
class ClassDraw {
 public:
  ClassDraw(Rng rng, const Scenario& scenario, std::vector<Event>& events)
      : rng_(rng), scenario_(scenario), events_(events) {}

  void draw(FaultClass fault);

 private:
  Event& add(EventKind kind);
  [[nodiscard]] Duration time(Duration low, Duration high) { return log_time(rng_, low, high); }
  /// One after the other, on average `mean` apart, itself drawn between these.
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
  void draw_network();
  void draw_partition();
  void draw_crashes();
  void draw_pauses();
  void draw_clocks();
  [[nodiscard]] std::int64_t wrong_clock();
  void draw_kept_clocks();
  void draw_wild_clocks();
  void draw_disks();
  void draw_state();
  void draw_troubles(std::span<const EventKind> kinds, std::uint64_t times_max);
  void draw_losses();
  void draw_silences_around(const Event& loss);
  void draw_restores();
  void draw_rot();
  void draw_bays();
  void draw_tools();
  void draw_members();
  void draw_copies();
  void draw_absence();
  void draw_motion();
  void draw_reversal();

  Rng rng_;
  const Scenario& scenario_;
  std::vector<Event>& events_;
  Duration at_{};
};

}  // namespace pixmesh

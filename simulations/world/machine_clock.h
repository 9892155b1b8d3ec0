#pragma once

#include "base/time.h"

namespace pixmesh {

/// The two clocks of one machine, told from the world's time. The monotonic one runs faster or
/// slower than the world's, never backwards; the wall clock also stands apart from it and may be
/// set.
class MachineClock {
 public:
  /// Runs this much faster from `now` on; slower when less than zero. At most 100,000.
  void set_drift(Instant now, std::int64_t parts_per_million);
  /// The wall clock is this much ahead of the monotonic one, which began with the world.
  void set_wall_shift(Duration shift) { wall_shift_ = shift; }
  [[nodiscard]] Duration wall_shift() const { return wall_shift_; }

  [[nodiscard]] Instant monotonic_at(Instant now) const;
  [[nodiscard]] WallTime wall_at(Instant now) const;
  /// The first moment of the world at which the monotonic clock shows `local` or more.
  [[nodiscard]] Instant when_shows(Instant local) const;

 private:
  std::int64_t drift_ = 0;  // parts per million
  Instant since_{};         // of the world, when the present drift began
  Instant local_since_{};   // and what the clock showed then
  Duration wall_shift_{};
};

}  // namespace pixmesh

#include "simulations/world/machine_clock.h"

#include "base/rng.h"

namespace pixmesh {
namespace {

constexpr std::int64_t million = 1'000'000;
constexpr std::uint64_t first_microsecond = 1'700'000'000'000'000;

__extension__ using WideSigned = __int128;

std::int64_t scaled(std::int64_t value, std::int64_t by, std::int64_t over) {
  return static_cast<std::int64_t>(static_cast<WideSigned>(value) * by / over);
}

}  // namespace

void MachineClock::set_drift(Instant now, std::int64_t parts_per_million) {
  local_since_ = monotonic_at(now);
  since_ = now;
  drift_ = parts_per_million;
}

Instant MachineClock::monotonic_at(Instant now) const {
  const Duration passed = now - since_;
  if (drift_ == 0) return local_since_ + passed;
  return local_since_ + Duration(scaled(passed.count(), million + drift_, million));
}

WallTime MachineClock::wall_at(Instant now) const {
  const auto passed = (monotonic_at(now).time_since_epoch() + wall_shift_) / 1us;
  return {first_microsecond + static_cast<std::uint64_t>(passed)};
}

Instant MachineClock::when_shows(Instant local) const {
  const Duration passed = local - local_since_;
  if (drift_ == 0) return since_ + passed;
  return since_ + Duration(scaled(passed.count(), million, million + drift_) + 1);
}

}  // namespace pixmesh

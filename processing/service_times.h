#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/time.h"

namespace pixmesh {

/// How long each recipe took here lately: an exponentially weighted average in whole microseconds,
/// the newest run counting one sixteenth. The first run of a recipe counts fully.
///
/// One eighth (as TCP smooths round trips, RFC 6298) is too restless where times vary: requests go
/// to holders for a moment's luck, and `pixmesh-sim routing` shows p99 5 % higher at load 0.9.
class ServiceTimes {
 public:
  /// @param before_any  what to expect of a recipe that never ran here; > 0.
  explicit ServiceTimes(Duration before_any);

  void add(std::string_view recipe, Duration took);

  /// >= 1 microsecond, at most 2^40 (12 days).
  [[nodiscard]] std::uint64_t micros_of(std::string_view recipe) const;

 private:
  std::uint64_t before_any_micros_;
  std::map<std::string, std::uint64_t, std::less<>> micros_;  // at most recipes_max
};

}  // namespace pixmesh

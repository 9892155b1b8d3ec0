#include "processing/service_times.h"

#include <algorithm>

#include "base/invariant.h"

namespace pixmesh {
namespace {

constexpr std::uint64_t micros_max = 1ULL << 40;
constexpr std::size_t recipes_max = 1'000;  // as many as a recipe book holds

std::uint64_t clamped_micros(Duration span) {
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(span).count();
  return std::clamp<std::uint64_t>(micros < 1 ? 1 : static_cast<std::uint64_t>(micros), 1,
                                   micros_max);
}

}  // namespace

ServiceTimes::ServiceTimes(Duration before_any) : before_any_micros_(clamped_micros(before_any)) {
  invariant(before_any > Duration{}, "a run takes time");
}

void ServiceTimes::add(std::string_view recipe, Duration took) {
  const std::uint64_t newest = clamped_micros(took);
  const auto found = micros_.find(recipe);
  if (found == micros_.end()) {
    if (micros_.size() < recipes_max) micros_.emplace(recipe, newest);
    return;
  }
  // Rounded to the nearest, so that the average can reach a steady value from both sides.
  found->second = std::max<std::uint64_t>(1, (found->second * 15 + newest + 8) / 16);
}

std::uint64_t ServiceTimes::micros_of(std::string_view recipe) const {
  const auto found = micros_.find(recipe);
  return found == micros_.end() ? before_any_micros_ : found->second;
}

}  // namespace pixmesh

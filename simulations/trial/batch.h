#pragma once

#include <functional>
#include <map>
#include <vector>

#include "simulations/trial/draw_scenario.h"
#include "simulations/trial/trial.h"

namespace pixmesh {

/// Many seeds, a few at a time.
struct BatchPlan {
  std::uint64_t first = 1;
  std::uint64_t last = 0;       // inclusive; 0: no end but `real_time`
  Duration real_time{};         // none new is begun after that; 0: no limit
  std::uint32_t processes = 2;  // at one time; >= 1
  bool until_broken = false;    // begins none after the first failure
  DrawWishes wishes;
};
struct BatchFailure {
  std::uint64_t seed = 0;
  Finding finding;
  std::string phase;
};
struct BatchResult {
  std::uint64_t seeds = 0;
  std::uint64_t events = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t shortfalls = 0;
  std::uint64_t node_microseconds = 0;
  Duration simulated{};
  Duration cpu{};
  std::vector<BatchFailure> failures;  // in order of seed

  [[nodiscard]] std::map<std::string, std::vector<std::uint64_t>> seeds_by_promise() const;
};

/// @param told  called at each failure.
[[nodiscard]] BatchResult run_batch(const BatchPlan& plan,
                                    const std::function<void(const BatchFailure&)>& told);

/// Seeds and their failures by promise, and how fast it went, for people.
[[nodiscard]] std::string report_of(const BatchResult& result);

}  // namespace pixmesh

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "simulations/checks/findings.h"
#include "simulations/scenario/scenario.h"

namespace pixmesh {

/// What became of one run of a scenario.
struct TrialResult {
  std::optional<Finding> finding;        // none: every promise was kept
  std::string phase;                     // in which it ended
  std::uint64_t digest = 0;              // of everything that happened, in order
  std::uint64_t events = 0;              // that nodes handled
  std::uint64_t acknowledged = 0;        // writes
  std::uint64_t shortfalls = 0;          // see Findings
  Duration simulated{};                  // the world's time at the end
  std::uint64_t node_microseconds = 0;   // simulated time, summed over the nodes that were there
  std::vector<std::string> last_events;  // of the nodes involved in the finding
};

/// Plays a scenario in a world of its own:
///
///   setup      the founding members come together
///   safety     faults and clients at once; nothing false may be seen
///   liveness   faults stop; everything must be right within `rest_within`
///   power cut  of all nodes at once, and everything right again
///
/// Ends at the first broken promise. The same scenario gives the same result everywhere.
/// @param told  if given, gets every event as a line.
[[nodiscard]] TrialResult run_trial(const Scenario& scenario,
                                    const std::function<void(const std::string&)>& told = nullptr);

/// How long the mesh may take to be right after the last fault, transfers of a few MB included.
inline constexpr Duration rest_within = 60s;
/// And so much more for each node: what only the periodic repair can find takes a round of it.
inline constexpr Duration repair_within = 10s;

}  // namespace pixmesh

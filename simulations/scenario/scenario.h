#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "base/result.h"
#include "simulations/scenario/event.h"

namespace pixmesh {

inline constexpr std::uint32_t disks_max = 4;  // of one node

struct PlannedNode {
  std::uint32_t zone = 0;
  std::uint32_t weight = 8;  // 1 … 255
  std::uint32_t disks = 1;   // 1 … disks_max
  friend bool operator==(const PlannedNode&, const PlannedNode&) = default;
};

/// Everything one run consists of, as values that a person can read, change and keep. `seed` drives
/// only the chance inside the protocols and the world; what goes wrong and what clients want is in
/// `events`, so that one of them can be taken out and the rest stays as it was.
struct Scenario {
  std::uint64_t seed = 1;
  std::uint32_t partition_bits = 6;
  std::uint32_t replicas = 3;
  std::uint32_t write_quorum = 2;
  std::uint32_t clients = 2;
  Duration safety{};                  // how long the phase with faults lasts
  std::optional<Duration> out_delay;  // who is dead for longer may be evicted; none: nobody is
  std::vector<PlannedNode> nodes;     // the founding members; at least one
  std::vector<Event> events;          // in order of time
  [[nodiscard]] bool has_several_disks() const {
    return std::ranges::any_of(nodes, [](const auto& node) { return node.disks > 1; });
  }
  friend bool operator==(const Scenario&, const Scenario&) = default;
};

/// One line a value, then one line an event. Lines that begin with `#` are for people.
[[nodiscard]] std::string text_of(const Scenario& scenario);

/// Errors: malformed, with the line that is wrong.
[[nodiscard]] Result<Scenario> parse_scenario(std::string_view text);

}  // namespace pixmesh

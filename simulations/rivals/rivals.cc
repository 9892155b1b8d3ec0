#include "simulations/rivals/rivals.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>

#include "base/digest.h"
#include "base/rng.h"
#include "ring/acceptance.h"
#include "ring/repair.h"

namespace pixmesh::studies {
namespace {

using Members = std::vector<PlacementMember>;

Members sorted(Members members) {
  std::ranges::sort(members, {}, &PlacementMember::node);
  return members;
}

/// Rows of node indices, as an outcome.
template <typename RowOf>
Outcome outcome_of(const Members& members, const Shares& shares, const RowOf& row_of) {
  Outcome outcome;
  for (const PlacementMember& member : members) outcome.nodes.push_back(member.node);
  outcome.targets = shares.targets;
  outcome.loads.resize(members.size());
  for (std::uint32_t p = 0; p < shares.partition_count; ++p) {
    std::vector<NodeId> row;
    for (const std::uint16_t node : row_of(p)) {
      row.push_back(members[node].node);
      ++outcome.loads[node];
    }
    std::ranges::sort(row);
    outcome.rows.push_back(std::move(row));
  }
  return outcome;
}

double slots_of(std::uint64_t target) { return std::ldexp(static_cast<double>(target), -20); }

/// Zone rates in closed form; targets as fractions of all partitions.
class ZoneRates {
 public:
  explicit ZoneRates(const Shares& shares) : shares_(shares), limit_(shares.zone_limit) {}

  [[nodiscard]] double of(std::size_t zone) const {
    const double share = fraction(shares_.zone_targets[zone]);
    const double certain =
        std::min<double>(static_cast<double>(shares_.zones[zone].size()), limit_ - 1);
    const double exact = rate(share, certain);
    const double zone_count = static_cast<double>(shares_.zones.size());
    if (limit_ * zone_count <= shares_.replicas) return exact;
    const double even = shares_.replicas / zone_count;
    const double linear = rate(even, limit_ - 1) * share / even;
    return exact > linear ? std::max(linear, exact / dead_zone)
                          : std::min(linear, exact * dead_zone);
  }
  /// The part of its zone's rate that falls to `node`, not yet divided by the zone's sum.
  [[nodiscard]] double part_of(std::uint16_t node) const {
    const double share = fraction(shares_.targets[node]);
    const double of_zone = fraction(shares_.zone_targets[shares_.zone_of[node]]);
    return limit_ == 1 || of_zone <= 1 ? share : theta(share);
  }

 private:
  static constexpr double dead_zone = 1.05;

  [[nodiscard]] double fraction(std::uint64_t target) const {
    return slots_of(target) / shares_.partition_count;
  }
  static double theta(double share) { return -std::log2(1 - std::min(share, 1 - 1.0 / 4096)); }
  [[nodiscard]] double rate(double share, double certain) const {
    if (limit_ == 1) return theta(share);
    const double due = theta(std::max(0.0, share - certain));
    double low = 0;
    double high = 64;
    for (int i = 0; i < 40; ++i) {
      const double x = (low + high) / 2;
      double term = 1;
      double sum = 0;
      for (std::uint32_t j = 0; j < limit_; term *= x / ++j) sum += term;
      (x * std::log2(std::exp(1.0)) - std::log2(sum) >= due ? high : low) = x;
    }
    return std::max(high, 1.0 / 1024);
  }

  const Shares& shares_;
  std::uint32_t limit_;
};

void shift_by_rates(const Members& members, const Shares& shares, Keys& keys) {
  const ZoneRates rates(shares);
  for (std::size_t zone = 0; zone < shares.zones.size(); ++zone) {
    double parts = 0;
    for (const std::uint16_t node : shares.zones[zone]) parts += rates.part_of(node);
    for (const std::uint16_t node : shares.zones[zone]) {
      const double weight = rates.of(zone) * rates.part_of(node) / parts;
      const double offset = std::log2(members[node].weight) - std::log2(weight);
      keys.shift(node, static_cast<std::int64_t>(std::ldexp(std::clamp(offset, -60.0, 60.0), 40)));
    }
  }
}

}  // namespace

Outcome calibrated(const Members& members, const PlacementOptions& options) {
  const Members ordered = sorted(members);
  const PlacementTable table = compute_placement(ordered, options);
  return outcome_of(ordered, shares_of(ordered, options),
                    [&](std::uint32_t p) { return table.row_of(PartitionId{p}); });
}

Outcome closed_form(const Members& members, const PlacementOptions& options) {
  const Members ordered = sorted(members);
  const Shares shares = shares_of(ordered, options);
  Keys keys(ordered, options.key);
  shift_by_rates(ordered, shares, keys);
  Preferences preferences(shares, keys);
  Assignment assignment = accept_within_caps(shares, preferences);
  fill_free_slots(shares, preferences, assignment);
  return outcome_of(ordered, shares, [&](std::uint32_t p) { return assignment.row_of(p); });
}

Outcome token_ring(const Members& members, const PlacementOptions& options) {
  const Members ordered = sorted(members);
  const Shares shares = shares_of(ordered, options);
  std::vector<std::pair<std::uint64_t, std::uint16_t>> tokens;
  for (std::size_t n = 0; n < ordered.size(); ++n) {
    Rng places(keyed_hash(options.key, ordered[n].node.raw));
    for (std::uint32_t i = 0; i < 256 * ordered[n].weight; ++i) {
      tokens.emplace_back(places.next(), static_cast<std::uint16_t>(n));
    }
  }
  std::ranges::sort(tokens);
  return outcome_of(ordered, shares, [&](std::uint32_t p) {
    const std::uint64_t place = static_cast<std::uint64_t>(p) << (64 - options.partition_bits);
    const auto start = std::ranges::lower_bound(tokens, std::pair{place, std::uint16_t{0}});
    std::size_t next = static_cast<std::size_t>(start - tokens.begin());
    std::vector<std::uint16_t> row;
    for (; row.size() < shares.replicas; ++next) {
      const std::uint16_t node = tokens[next % tokens.size()].second;
      if (shares.fits(row, node)) row.push_back(node);
    }
    return row;
  });
}

Outcome plain_rendezvous(const Members& members, const PlacementOptions& options) {
  const Members ordered = sorted(members);
  const Shares shares = shares_of(ordered, options);
  const Keys keys(ordered, options.key);
  Preferences preferences(shares, keys);
  return outcome_of(ordered, shares, [&](std::uint32_t p) {
    std::vector<std::uint16_t> row;
    while (row.size() < shares.replicas) {
      row.push_back(number_in(*preferences.next_choice(p, row)));
    }
    return row;
  });
}

std::uint64_t over_cap_count(const Outcome& outcome) {
  std::uint64_t over = 0;
  for (std::size_t n = 0; n < outcome.loads.size(); ++n) {
    const std::uint64_t target = outcome.targets[n];
    const std::uint64_t rounded_up = (target + (1U << slot_bits) - 1) >> slot_bits;
    const std::uint64_t with_slack = (target * 103 / 100) >> slot_bits;
    if (outcome.loads[n] > std::max(rounded_up, with_slack)) ++over;
  }
  return over;
}

double peak_over_target(const Outcome& outcome) {
  double peak = 0;
  for (std::size_t n = 0; n < outcome.loads.size(); ++n) {
    const double target = slots_of(outcome.targets[n]);
    if (target >= 100) peak = std::max(peak, static_cast<double>(outcome.loads[n]) / target);
  }
  return peak;
}

double lowest_over_target(const Outcome& outcome) {
  double lowest = 1;
  for (std::size_t n = 0; n < outcome.loads.size(); ++n) {
    const double target = slots_of(outcome.targets[n]);
    if (target >= 100) lowest = std::min(lowest, static_cast<double>(outcome.loads[n]) / target);
  }
  return lowest;
}

std::uint64_t moved_slots(const Outcome& before, const Outcome& after) {
  std::uint64_t moved = 0;
  for (std::size_t p = 0; p < after.rows.size(); ++p) {
    moved += static_cast<std::uint64_t>(std::ranges::count_if(after.rows[p], [&](NodeId node) {
      return !std::ranges::binary_search(before.rows[p], node);
    }));
  }
  return moved;
}

double ideal_slots(const Outcome& before, const Outcome& after) {
  std::map<NodeId, double> growth;
  for (std::size_t n = 0; n < after.nodes.size(); ++n) {
    growth[after.nodes[n]] += slots_of(after.targets[n]);
  }
  for (std::size_t n = 0; n < before.nodes.size(); ++n) {
    growth[before.nodes[n]] -= slots_of(before.targets[n]);
  }
  double ideal = 0;
  for (const auto& [node, slots] : growth) ideal += std::max(0.0, slots);
  return ideal;
}

}  // namespace pixmesh::studies

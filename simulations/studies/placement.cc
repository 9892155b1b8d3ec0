#include "simulations/studies/placement.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "base/invariant.h"
#include "simulations/rivals/member_history.h"
#include "simulations/rivals/rivals.h"

namespace pixmesh::studies {
namespace {

constexpr std::size_t slots_wanted = 500;       // a node, on average
constexpr double ideal_slots_that_count = 100;  // for the worst single change

struct Placer {
  std::string name;
  Outcome (*place)(const std::vector<PlacementMember>&, const PlacementOptions&);
};
const std::array<Placer, 3>& placers() {
  static const std::array<Placer, 3> all{
      {{"pixmesh", calibrated}, {"256 tokens", token_ring}, {"rendezvous", plain_rendezvous}}};
  return all;
}

struct ZoneShape {
  std::uint32_t count = 1;
  bool even = false;
};

std::optional<ZoneShape> parse_zones(const std::string& text) {
  ZoneShape shape;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, shape.count);
  shape.even = rest + 1 == end && *rest == 'e';
  const bool whole = rest == end || shape.even;
  if (error != std::errc{} || !whole || shape.count < 1 || shape.count > 100) return std::nullopt;
  return shape;
}

struct Shape {
  std::size_t nodes = 0;
  ZoneShape zones;
  PlacementOptions placement;
  [[nodiscard]] std::size_t least() const { return nodes - nodes / 4; }
  [[nodiscard]] std::size_t most() const { return nodes + nodes / 4; }
  [[nodiscard]] std::size_t slots_a_node() const {
    const std::size_t copies = std::min<std::size_t>(placement.replicas, nodes);
    return (copies << placement.partition_bits) / nodes;
  }
};

Shape shape_of(std::size_t nodes, ZoneShape zones, const PlacementStudyOptions& options) {
  Shape shape{nodes, zones, {}};
  shape.placement.partition_bits = 10;
  shape.placement.replicas = options.replicas;
  while (shape.slots_a_node() < slots_wanted &&
         shape.placement.partition_bits < options.partition_bits_max) {
    ++shape.placement.partition_bits;
  }
  return shape;
}

struct Balance {
  std::uint64_t tables = 0;
  std::uint64_t over = 0;  // nodes above max(ceil(target), 1.03 * target), in all tables
  double peak = 0;
  double lowest = 1;
  double moved = 0;
  double ideal = 0;
  double worst = 0;
};

void weigh(const Outcome& outcome, Balance& balance) {
  ++balance.tables;
  balance.over += over_cap_count(outcome);
  balance.peak = std::max(balance.peak, peak_over_target(outcome));
  balance.lowest = std::min(balance.lowest, lowest_over_target(outcome));
}

Balance follow(const Placer& placer, const Shape& shape, const PlacementStudyOptions& options) {
  Balance balance;
  for (std::uint32_t i = 0; i < options.histories; ++i) {
    MemberHistory history = mesh_of(shape.nodes, shape.zones.count, shape.zones.even,
                                    options.seed + i, options.weight_max);
    Outcome before = placer.place(history.members(), shape.placement);
    weigh(before, balance);
    for (std::uint32_t change = 0; change < options.changes; ++change) {
      history.change(shape.least(), shape.most());
      Outcome after = placer.place(history.members(), shape.placement);
      weigh(after, balance);
      const auto moved = static_cast<double>(moved_slots(before, after));
      const double ideal = ideal_slots(before, after);
      balance.moved += moved;
      balance.ideal += ideal;
      if (ideal >= ideal_slots_that_count) balance.worst = std::max(balance.worst, moved / ideal);
      before = std::move(after);
    }
  }
  return balance;
}

/// What a history may move of the ideal; none where nothing was promised.
std::optional<double> movement_goal(const Shape& shape) {
  const std::uint32_t zones = shape.zones.count;
  if (shape.slots_a_node() < slots_wanted) return std::nullopt;
  if (zones == 1 || zones == shape.placement.replicas) return 1.15;
  if (shape.zones.even && (zones == 2 || zones >= 8)) return 1.35;
  if (zones >= 4 && zones <= 6) return 1.75;
  return std::nullopt;
}

std::vector<Cell> row_of(const Placer& placer, const Shape& shape, const Balance& balance) {
  const std::optional<double> goal = movement_goal(shape);
  const bool moves = balance.ideal > 0;
  const double ratio = moves ? balance.moved / balance.ideal : 0;
  const bool met = balance.over == 0 && (!goal || !moves || ratio <= *goal);
  return {word(placer.name),
          count(shape.nodes),
          word(std::to_string(shape.zones.count) + (shape.zones.even ? " even" : "")),
          count(shape.placement.partition_bits),
          count(shape.slots_a_node()),
          count(balance.tables),
          count(balance.over),
          number(balance.peak, 3),
          number(balance.lowest, 2),
          moves ? number(ratio, 2) : nothing(),
          moves ? number(balance.worst, 1) : nothing(),
          goal && moves ? number(*goal, 2) : nothing(),
          yes_or_no(met)};
}

Table empty_table() {
  return {
      "placement",
      "Random histories of joins, leaves and changed weights. Over: nodes, of all tables, with "
      "more than\nmax(ceil(target), 1.03 x target) slots. Peak and lowest: load over target of "
      "nodes that should hold\n100 slots or more. Moved: over the ideal, of the whole histories; "
      "worst: of a single change.",
      {{"way", "way"},
       {"nodes", "nodes"},
       {"zones", "zones"},
       {"partition_bits", "k"},
       {"slots", "slots"},
       {"tables", "tables"},
       {"over", "over"},
       {"peak", "peak"},
       {"lowest", "lowest"},
       {"moved", "moved"},
       {"worst", "worst"},
       {"goal", "goal"},
       {"met", "met"}},
      {}};
}

}  // namespace

PlacementStudyOptions full_placement() {
  PlacementStudyOptions options;
  options.nodes = {1, 2, 3, 4, 5, 7, 10, 20, 30, 60, 100, 300, 1000};
  options.zones = {"1", "2", "2e", "3", "4", "4e", "5", "6", "6e", "8e", "12e"};
  options.histories = 4;
  options.changes = 24;
  return options;
}

std::string zones_fault(const std::string& text) {
  return parse_zones(text) ? ""
                           : text + " is not a number of zones, 1 to 100, or one with an e: 4e";
}

Report placement_study(const PlacementStudyOptions& options) {
  Report report{"placement", options.seed, {}, {}};
  Table table = empty_table();
  for (const std::string& text : options.zones) {
    const std::optional<ZoneShape> zones = parse_zones(text);
    invariant(zones.has_value(), "zones_fault() was asked before");
    Chart peaks{"Peak load over target, zones: " + text, "nodes", "peak over target", true, {}};
    Chart moves{"Moved over ideal, zones: " + text, "nodes", "moved over ideal", true, {}};
    for (const Placer& placer : placers()) {
      Series peak{placer.name, {}};
      Series moved{placer.name, {}};
      for (const std::size_t nodes : options.nodes) {
        const Shape shape = shape_of(nodes, *zones, options);
        const Balance balance = follow(placer, shape, options);
        const auto x = static_cast<double>(nodes);
        peak.points.push_back({x, balance.peak});
        if (balance.ideal > 0) moved.points.push_back({x, balance.moved / balance.ideal});
        table.rows.push_back(row_of(placer, shape, balance));
      }
      peaks.series.push_back(std::move(peak));
      moves.series.push_back(std::move(moved));
    }
    report.charts.push_back(std::move(peaks));
    report.charts.push_back(std::move(moves));
  }
  report.tables.push_back(std::move(table));
  return report;
}

}  // namespace pixmesh::studies

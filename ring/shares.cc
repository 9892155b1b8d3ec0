#include "ring/shares.h"

#include <algorithm>
#include <functional>
#include <map>
#include <string_view>

namespace pixmesh {
namespace {

constexpr std::uint64_t slack_permille = 30;  // a node may hold this much more than its target

void group_by_zone(std::span<const PlacementMember> members, Shares& shares) {
  std::map<std::string_view, std::uint32_t> numbers;
  for (const PlacementMember& member : members) numbers[member.zone] = 0;
  std::uint32_t next = 0;
  for (auto& [text, number] : numbers) number = next++;
  shares.zones.resize(numbers.size());
  for (std::size_t n = 0; n < members.size(); ++n) {
    const std::uint32_t zone = numbers[members[n].zone];
    shares.zone_of.push_back(zone);
    shares.zones[zone].push_back(static_cast<std::uint16_t>(n));
  }
}

/// Copies of one partition that all zones together can hold when none may hold more than `limit`.
std::uint32_t room_within(const Shares& shares, std::uint32_t limit) {
  std::uint32_t room = 0;
  for (const auto& zone : shares.zones) {
    room += std::min(static_cast<std::uint32_t>(zone.size()), limit);
  }
  return room;
}

void set_zone_rule(Shares& shares) {
  while (room_within(shares, shares.zone_limit) < shares.replicas) ++shares.zone_limit;
  shares.zone_extra = shares.replicas - room_within(shares, shares.zone_limit - 1);
}

/// Water-filling: a level rises until the nodes, each holding weight * level, hold everything. A
/// node stops at every partition once; a zone stays within the copies its rule allows.
class Water {
 public:
  Water(std::span<const PlacementMember> members, const Shares& shares)
      : members_(members),
        shares_(shares),
        full_(static_cast<std::uint64_t>(shares.partition_count) << slot_bits) {}

  [[nodiscard]] std::uint64_t held_by(std::uint16_t node, std::uint64_t level) const {
    return std::min(full_, members_[node].weight * level);
  }
  [[nodiscard]] std::uint64_t unbounded(std::size_t zone, std::uint64_t level) const {
    std::uint64_t sum = 0;
    for (const std::uint16_t node : shares_.zones[zone]) sum += held_by(node, level);
    return sum;
  }
  [[nodiscard]] std::uint64_t bounded(std::size_t zone, std::uint64_t level) const {
    const std::uint64_t size = shares_.zones[zone].size();
    const std::uint64_t least = std::min<std::uint64_t>(size, shares_.zone_limit - 1) * full_;
    const std::uint64_t most = std::min<std::uint64_t>(size, shares_.zone_limit) * full_;
    return std::clamp(unbounded(zone, level), least, most);
  }
  [[nodiscard]] std::uint64_t mesh_level() const {
    return lowest_level(shares_.replicas * full_, [this](std::uint64_t level) {
      std::uint64_t sum = 0;
      for (std::size_t zone = 0; zone < shares_.zones.size(); ++zone) sum += bounded(zone, level);
      return sum;
    });
  }
  /// The level in one zone: its own when the zone rule gives it more or less than the others.
  [[nodiscard]] std::uint64_t zone_level(std::size_t zone, std::uint64_t mesh_level) const {
    const std::uint64_t due = bounded(zone, mesh_level);
    if (unbounded(zone, mesh_level) == due) return mesh_level;
    return lowest_level(due, [this, zone](std::uint64_t level) { return unbounded(zone, level); });
  }

 private:
  [[nodiscard]] std::uint64_t lowest_level(
      std::uint64_t due, const std::function<std::uint64_t(std::uint64_t)>& sum) const {
    std::uint64_t low = 0;
    std::uint64_t high = full_;
    while (low < high) {
      const std::uint64_t middle = low + (high - low) / 2;
      if (sum(middle) >= due) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return low;
  }

  std::span<const PlacementMember> members_;
  const Shares& shares_;
  std::uint64_t full_;  // every partition once
};

void set_targets(std::span<const PlacementMember> members, Shares& shares) {
  const Water water(members, shares);
  const std::uint64_t mesh_level = water.mesh_level();
  shares.targets.resize(members.size());
  for (std::size_t zone = 0; zone < shares.zones.size(); ++zone) {
    const std::uint64_t level = water.zone_level(zone, mesh_level);
    shares.zone_targets.push_back(water.unbounded(zone, level));
    for (const std::uint16_t node : shares.zones[zone]) {
      shares.targets[node] = water.held_by(node, level);
    }
  }
}

std::uint32_t cap_of(std::uint64_t target, std::uint32_t partition_count) {
  const std::uint64_t rounded_up = (target + (1ULL << slot_bits) - 1) >> slot_bits;
  const std::uint64_t with_slack = (target * (1000 + slack_permille) / 1000) >> slot_bits;
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(partition_count, std::max(rounded_up, with_slack)));
}

}  // namespace

bool Shares::zone_open(std::span<const std::uint16_t> row, std::uint32_t zone) const {
  const auto held_in = [&](std::uint32_t other) {
    return static_cast<std::uint32_t>(
        std::ranges::count_if(row, [&](std::uint16_t node) { return zone_of[node] == other; }));
  };
  const std::uint32_t held = held_in(zone);
  if (held >= zone_limit) return false;
  if (held + 1 < zone_limit || zone_limit == 1) return true;
  const auto in_full_zones = std::ranges::count_if(
      row, [&](std::uint16_t node) { return held_in(zone_of[node]) == zone_limit; });
  return static_cast<std::uint32_t>(in_full_zones) / zone_limit < zone_extra;
}

bool Shares::fits(std::span<const std::uint16_t> row, std::uint16_t node) const {
  return std::ranges::find(row, node) == row.end() && zone_open(row, zone_of[node]);
}

Shares shares_of(std::span<const PlacementMember> members, const PlacementOptions& options) {
  Shares shares;
  shares.partition_count = 1U << options.partition_bits;
  shares.replicas = std::min(options.replicas, static_cast<std::uint32_t>(members.size()));
  group_by_zone(members, shares);
  set_zone_rule(shares);
  set_targets(members, shares);
  for (const std::uint64_t target : shares.targets) {
    shares.caps.push_back(cap_of(target, shares.partition_count));
  }
  return shares;
}

}  // namespace pixmesh

#include "history.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <utility>

namespace pixmesh::test {

void History::step() {
  const std::uint64_t dice = rng_.below(10);
  const bool room = members_.size() < options_.members_max;
  const bool spare = members_.size() > options_.members_min;
  if (dice < 5 && room) return join();
  if (dice < 8 && spare) return leave();
  change_weight();
}

std::vector<PlacementMember> History::shuffled() {
  std::vector<PlacementMember> members = members_;
  for (std::size_t i = members.size(); i > 1; --i) {
    std::swap(members[i - 1], members[rng_.below(i)]);
  }
  return members;
}

void History::join() {
  PlacementMember member;
  member.node = drawn_id(rng_);
  member.weight = drawn_weight();
  member.zone = options_.even_zones ? emptiest_zone()
                                    : "zone-" + std::to_string(rng_.below(options_.zone_count));
  members_.push_back(std::move(member));
}

void History::leave() {
  std::size_t leaver = rng_.below(members_.size());
  if (options_.even_zones) {
    for (std::size_t i = 0; i < members_.size(); ++i) {
      if (count_in(members_[i].zone) > count_in(members_[leaver].zone)) leaver = i;
    }
  }
  members_.erase(members_.begin() + static_cast<std::ptrdiff_t>(leaver));
}

void History::change_weight() {
  const std::size_t changed = rng_.below(members_.size());
  members_[changed].weight = drawn_weight();
}

std::uint32_t History::drawn_weight() {
  return 1 + static_cast<std::uint32_t>(rng_.below(options_.weight_max));
}

std::size_t History::count_in(const std::string& zone) const {
  return static_cast<std::size_t>(
      std::ranges::count(members_, zone, [](const auto& member) { return member.zone; }));
}

std::string History::emptiest_zone() const {
  std::string best = "zone-0";
  for (std::uint32_t zone = 1; zone < options_.zone_count; ++zone) {
    const std::string name = "zone-" + std::to_string(zone);
    if (count_in(name) < count_in(best)) best = name;
  }
  return best;
}

std::uint64_t test_seed() {
  const char* text = std::getenv("PIXMESH_TEST_SEED");
  return text != nullptr ? std::strtoull(text, nullptr, 10) : 20240611;
}

NodeId drawn_id(Rng& rng) {
  NodeId id;
  rng.fill(id.raw);
  return id;
}

std::vector<PlacementMember> mesh_of(const std::vector<std::uint32_t>& weights,
                                     const std::vector<std::string>& zones, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<PlacementMember> members;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const NodeId id = drawn_id(rng);
    members.push_back({id, weights[i], zones[i % zones.size()]});
  }
  return members;
}

namespace {

/// The zone rule, reckoned here anew: copies each zone may hold of one partition.
struct ZoneRule {
  std::map<std::string, std::uint32_t> sizes;
  std::uint32_t limit = 1;
  std::uint32_t at_limit_max = 0;

  ZoneRule(const std::vector<PlacementMember>& members, std::uint32_t replicas) {
    for (const PlacementMember& member : members) ++sizes[member.zone];
    while (room(limit) < replicas) ++limit;
    at_limit_max = replicas - room(limit - 1);
  }
  [[nodiscard]] std::uint32_t room(std::uint32_t per_zone) const {
    std::uint32_t sum = 0;
    for (const auto& [zone, size] : sizes) sum += std::min(size, per_zone);
    return sum;
  }
};

std::string broken_in_row(const PlacementTable& table, PartitionId partition,
                          const std::map<NodeId, std::string>& zone_of, const ZoneRule& rule) {
  const std::vector<NodeId> owners = table.owners_of(partition);
  if (owners.size() != table.replicas()) return "a slot is not filled";
  std::map<std::string, std::uint32_t> held;
  for (std::size_t i = 0; i < owners.size(); ++i) {
    if (i > 0 && !(owners[i - 1] < owners[i])) return "owners are not distinct and sorted";
    if (!table.owns(owners[i], partition)) return "an owner is not said to own";
    const auto zone = zone_of.find(owners[i]);
    if (zone == zone_of.end()) return "an owner is not a member";
    ++held[zone->second];
  }
  std::uint32_t at_limit = 0;
  for (const auto& [zone, count] : held) {
    if (count > rule.limit) return "a zone holds too many copies";
    if (count == rule.limit) ++at_limit;
  }
  return at_limit > rule.at_limit_max ? "copies are unevenly spread over zones" : "";
}

std::string broken_by_load(const PlacementTable& table, NodeId node, std::uint64_t counted) {
  const std::uint64_t target = table.target_of(node);
  const std::uint64_t rounded_up = (target + (1U << 20) - 1) >> 20;
  const std::uint64_t with_slack = (target * 103 / 100) >> 20;
  if (table.load_of(node) != counted) return "load_of is not the number of slots held";
  return counted > std::max(rounded_up, with_slack) ? "a node holds more than its cap" : "";
}

}  // namespace

std::string broken_promise(const PlacementTable& table, const std::vector<PlacementMember>& members,
                           const PlacementOptions& options) {
  const auto count = static_cast<std::uint32_t>(members.size());
  if (table.replicas() != std::min(options.replicas, count)) return "wrong number of replicas";
  std::map<NodeId, std::string> zone_of;
  for (const PlacementMember& member : members) zone_of[member.node] = member.zone;
  const ZoneRule rule(members, table.replicas());

  std::vector<std::uint64_t> loads(table.nodes().size(), 0);
  for (std::uint32_t p = 0; p < table.partition_count(); ++p) {
    const std::string broken = broken_in_row(table, PartitionId{p}, zone_of, rule);
    if (!broken.empty()) return broken;
    for (const std::uint16_t index : table.row_of(PartitionId{p})) ++loads[index];
  }
  for (std::size_t n = 0; n < loads.size(); ++n) {
    const std::string broken = broken_by_load(table, table.nodes()[n], loads[n]);
    if (!broken.empty()) return broken;
  }
  return "";
}

}  // namespace pixmesh::test

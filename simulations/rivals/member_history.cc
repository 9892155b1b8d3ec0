#include "simulations/rivals/member_history.h"

#include <algorithm>

namespace pixmesh::studies {
namespace {

std::string zone_name(std::uint64_t zone) { return "zone-" + std::to_string(zone); }

}  // namespace

void MemberHistory::join() {
  PlacementMember member;
  chance_.fill(member.node.raw);
  member.weight = drawn_weight();
  member.zone = zone_name(even_zones_ ? emptiest() : chance_.below(zone_count_));
  members_.push_back(member);
}

void MemberHistory::leave() {
  std::size_t leaver = chance_.below(members_.size());
  if (even_zones_) {
    for (std::size_t i = 0; i < members_.size(); ++i) {
      if (count_in(members_[i].zone) > count_in(members_[leaver].zone)) leaver = i;
    }
  }
  members_.erase(members_.begin() + static_cast<std::ptrdiff_t>(leaver));
}

void MemberHistory::change(std::size_t least, std::size_t most) {
  const std::uint64_t dice = chance_.below(3);
  if (dice == 0 && members_.size() < most) return join();
  if (dice == 1 && members_.size() > least) return leave();
  const std::size_t changed = chance_.below(members_.size());
  members_[changed].weight = drawn_weight();
}

std::uint32_t MemberHistory::drawn_weight() {
  return 1 + static_cast<std::uint32_t>(chance_.below(weight_max_));
}

std::ptrdiff_t MemberHistory::count_in(const std::string& zone) const {
  return std::ranges::count(members_, zone, [](const auto& member) { return member.zone; });
}

std::uint64_t MemberHistory::emptiest() const {
  std::uint32_t best = 0;
  for (std::uint32_t zone = 1; zone < zone_count_; ++zone) {
    if (count_in(zone_name(zone)) < count_in(zone_name(best))) best = zone;
  }
  return best;
}

MemberHistory mesh_of(std::size_t count, std::uint32_t zone_count, bool even_zones,
                      std::uint64_t seed, std::uint32_t weight_max) {
  MemberHistory mesh(zone_count, even_zones, weight_max, seed);
  while (mesh.members().size() < count) mesh.join();
  return mesh;
}

}  // namespace pixmesh::studies

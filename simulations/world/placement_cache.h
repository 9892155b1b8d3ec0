#pragma once

#include <map>

#include "base/bytes.h"
#include "ring/placement.h"

namespace pixmesh {

/// Placements of one mesh that are known already: all its nodes ask for the same ones.
class PlacementCache {
 public:
  [[nodiscard]] const PlacementTable& of(std::vector<PlacementMember> members,
                                         const PlacementOptions& options) {
    CanonicalBytes key;
    key.u32(options.partition_bits).u32(options.replicas).u64(options.key);
    for (const PlacementMember& member : members) {
      key.raw(member.node.raw).u32(member.weight).text(member.zone);
    }
    const auto [place, fresh] = tables_.try_emplace(key.bytes());
    if (fresh) place->second = compute_placement(std::move(members), options);
    return place->second;
  }

 private:
  std::map<Bytes, PlacementTable> tables_;
};

}  // namespace pixmesh

#include "routing/avoidance.h"

#include <algorithm>
#include <iterator>

namespace pixmesh {

Avoidance::Avoidance(Duration avoid_time) : avoid_time_(avoid_time) {}

void Avoidance::on_unanswered(Instant now, NodeId node) {
  std::erase_if(until_, [now](const auto& entry) { return entry.second <= now; });
  until_.insert_or_assign(node, now + avoid_time_);
}

void Avoidance::on_answered(NodeId node) { until_.erase(node); }

bool Avoidance::avoids(Instant now, NodeId node) const {
  const auto found = until_.find(node);
  return found != until_.end() && found->second > now;
}

std::vector<NodeId> Avoidance::preferred(Instant now, std::span<const NodeId> holders) const {
  std::vector<NodeId> kept;
  std::ranges::copy_if(holders, std::back_inserter(kept),
                       [&](NodeId node) { return !avoids(now, node); });
  return kept.empty() ? std::vector(holders.begin(), holders.end()) : kept;
}

}  // namespace pixmesh

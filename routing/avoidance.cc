#include "routing/avoidance.h"

#include <algorithm>
#include <iterator>

namespace pixmesh {

Avoidance::Avoidance(Duration avoid_time) : avoid_time_(avoid_time) {}

void Avoidance::on_unanswered(Instant now, NodeId node) {
  std::erase_if(until_, [now](const auto& entry) { return entry.second <= now; });
  until_.insert_or_assign(node, now + avoid_time_);
  on_down(now, node);
}

void Avoidance::on_down(Instant now, NodeId node) {
  std::erase_if(silent_at_, [now](const auto& one) { return one.second + doubted_for <= now; });
  silent_at_.try_emplace(node, now);
}

void Avoidance::on_answered(NodeId node) {
  until_.erase(node);
  silent_at_.erase(node);
}

bool Avoidance::fell_silent_lately(Instant now, NodeId node) const {
  const auto found = silent_at_.find(node);
  return found != silent_at_.end() && now < found->second + doubted_for;
}

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

#include "simulations/checks/placement_log.h"

namespace pixmesh {

void PlacementLog::read() {
  const auto& log = world_.log();
  for (; read_ < log.size(); ++read_) {
    const LoggedEvent& line = log[read_];
    if (line.name != "placement_changed") continue;
    last_[line.node] = line.fields;
    ++changes_[line.node];
  }
}

bool PlacementLog::is_in_use(std::uint32_t node, Epoch epoch) {
  read();
  const auto last = last_.find(node);
  return last != last_.end() && last->second.rfind("epoch=" + short_text(epoch), 0) == 0;
}

std::uint32_t PlacementLog::changes_of(std::uint32_t node) {
  read();
  return changes_[node];
}

void PlacementLog::on_crashed(std::uint32_t node) {
  read();
  last_.erase(node);
}

}  // namespace pixmesh

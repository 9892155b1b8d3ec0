#include "simulations/studies/gossip.h"

#include <algorithm>
#include <utility>

namespace pixmesh::studies {
namespace {

using Part = void (*)(const GossipOptions&, Report&);

const std::vector<std::pair<std::string, Part>>& all_parts() {
  static const std::vector<std::pair<std::string, Part>> parts{
      {"detection", study_detection}, {"quiet", study_quiet}, {"pauses", study_pauses},
      {"detached", study_detached},   {"split", study_split}, {"speed", study_speed}};
  return parts;
}

}  // namespace

const std::vector<std::string>& gossip_parts() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const auto& [name, part] : all_parts()) all.push_back(name);
    return all;
  }();
  return names;
}

GossipOptions full_gossip() {
  GossipOptions options;
  options.parts = gossip_parts();
  options.nodes = {10, 30, 100, 300, 1000, 3000, 10'000};
  options.loss_percents = {0, 1, 5, 10, 20, 30};
  options.crashes = 30;
  options.row_million_events = 60;
  options.quiet_hours = 100;
  options.paused_minutes = 60;
  options.splits = 20;
  options.speed_nodes = {100, 1000, 10'000};
  return options;
}

Report gossip_study(const GossipOptions& options) {
  Report report{"gossip", options.seed, {}, {}};
  for (const auto& [name, part] : all_parts()) {
    const bool wanted = options.parts.empty()
                            ? name != "speed"
                            : std::ranges::find(options.parts, name) != options.parts.end();
    if (wanted) part(options, report);
  }
  return report;
}

}  // namespace pixmesh::studies

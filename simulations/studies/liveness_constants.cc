#include "simulations/studies/liveness_constants.h"

#include <chrono>

namespace pixmesh::studies {

LivenessChoice pixmesh_constants() { return {"pixmesh", {}}; }

LivenessChoice memberlist_constants() {
  LivenessOptions options;
  options.probe_interval = 1s;
  options.probe_timeout = 500ms;
  options.indirect_timeout = 500ms;
  options.gossip_interval = 200ms;
  options.gossip_hurry = 200ms;
  options.retransmit_factor = 4;
  options.suspicion_multiplier = 4;
  options.confirmations = 2;
  options.health_max = 7;
  options.dead_probe_min = 30s;
  options.dead_probe_max = 30s;
  return {"memberlist", options};
}

LivenessChoice without_health(LivenessChoice choice) {
  choice.name += ", no health";
  choice.options.health_max = 0;
  return choice;
}

LivenessChoice without_forgiving(LivenessChoice choice) {
  choice.name += ", no forgiving";
  choice.options.oversleep = std::chrono::hours(1000);
  return choice;
}

LivenessChoice without_confirmations(LivenessChoice choice) {
  choice.name += ", no confirming";
  choice.options.confirmations = 0;
  choice.options.suspicion_most_factor = 1;
  return choice;
}

}  // namespace pixmesh::studies

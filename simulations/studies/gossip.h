#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "simulations/studies/liveness_constants.h"
#include "simulations/studies/liveness_mesh.h"
#include "simulations/studies/report.h"

namespace pixmesh::studies {

/// What the gossip study looks at. Times are simulated ones.
struct GossipOptions {
  std::uint64_t seed = 1;
  std::vector<std::string> parts;  // of gossip_parts; empty: all but speed
  std::vector<std::size_t> nodes{10, 100, 1000};
  std::vector<std::uint32_t> loss_percents{0, 5};
  std::size_t crashes = 10;           // for each row of the detection table
  double row_million_events = 1'000;  // after that a detection row has the crashes that it has
  std::vector<std::uint32_t> quiet_loss_percents{0, 5};
  std::size_t quiet_nodes = 100;  // of the meshes that are watched for false deaths
  double quiet_hours = 0.5;
  std::size_t paused_nodes = 128;  // of the mesh whose members pause
  double paused_share = 0.04;
  double paused_minutes = 3;
  double well_seconds = 1;  // at most, between two pauses; at least 0.01
  std::vector<std::uint32_t> paused_loss_percents{0, 5};
  std::size_t split_nodes = 100;
  std::size_t splits = 5;
  std::vector<std::size_t> speed_nodes{1000};
};

/// The names that GossipOptions::parts may have.
[[nodiscard]] const std::vector<std::string>& gossip_parts();

/// The options of `--full`: every size and loss of the goals. Needs 4 GB and some hours. Where a
/// fifth of the messages is lost, rumours become a storm: there large meshes get few crashes or
/// none out of their events.
[[nodiscard]] GossipOptions full_gossip();

/// The product's Liveness machines on virtual links: how fast a crash is known, who is wrongly held
/// dead, what it costs. Each part adds its tables and charts.
[[nodiscard]] Report gossip_study(const GossipOptions& options);

// The parts.
void study_detection(const GossipOptions& options, Report& report);
void study_quiet(const GossipOptions& options, Report& report);
void study_pauses(const GossipOptions& options, Report& report);
void study_detached(const GossipOptions& options, Report& report);
void study_split(const GossipOptions& options, Report& report);
/// Its table is about the machine it runs on: it differs from run to run.
void study_speed(const GossipOptions& options, Report& report);

}  // namespace pixmesh::studies

#pragma once

#include <cstdint>
#include <vector>

#include "simulations/studies/churn_mesh.h"
#include "simulations/studies/report.h"

namespace pixmesh::studies {

struct ChurnOptions {
  std::uint64_t seed = 1;
  std::vector<std::uint32_t> nodes{5, 10, 20};
  std::vector<double> between_seconds{0, 60, 15};  // changes; 0: each waits for the one before
  double minutes = 10;                             // simulated, for each row
  std::uint32_t images = 40;                       // a node, stored before the first change
  double image_megabytes = 13;
  double link_megabits = 1'000;  // of a node, in each direction
  double scale = 1'000;          // images and links are played so many times smaller
  double reads = 0.5;            // a second and node
  double writes = 0.1;
  double down_seconds = 10;  // of a node that restarts
  std::uint32_t partition_bits = 10;
};

/// The options of `--full`. Needs an hour.
[[nodiscard]] ChurnOptions full_churn();

/// Whole nodes that come and go under the load of clients: what clients notice, how many bytes are
/// moved against the difference of the placement tables, and how long until every image has all its
/// copies again.
[[nodiscard]] Report churn_study(const ChurnOptions& options);

}  // namespace pixmesh::studies

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "processing/cost_model.h"
#include "simulations/studies/report.h"

namespace pixmesh::studies {

struct RoutingStudyOptions {
  std::uint64_t seed = 1;
  std::vector<double> loads{0.7, 0.8, 0.9, 0.95};
  std::vector<double> gossip_ages{0.1, 0.5, 1, 2};  // seconds between two words of a node
  std::size_t requests = 200'000;                   // counted, for each row
  std::size_t nodes = 30;
  std::uint32_t workers = 2;
  double service_seconds = 0.5;
  double service_cv = 0.8;
  double latency_ms = 0.25;
  double slow_factor = 3;
  double hot_share = 0.05;
  std::string costs;              // a file that `recipe cost --json` wrote; empty: one kind of work
  std::vector<RecipeCost> known;  // what is in it
};

/// The options of `--full`. Needs half an hour.
[[nodiscard]] RoutingStudyOptions full_routing();

/// How long requests take when their holder is chosen by the product's probes, by fewer probes, by
/// gossiped loads, or by chance; with equal nodes, with a fifth of the nodes slow, with one image
/// that many want. Three holders an image.
[[nodiscard]] Report routing_study(const RoutingStudyOptions& options);

}  // namespace pixmesh::studies

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "simulations/studies/report.h"

namespace pixmesh::studies {

struct PlacementStudyOptions {
  std::uint64_t seed = 1;
  std::vector<std::size_t> nodes{5, 10, 30};  // on average: a history strays a quarter from it
  std::vector<std::string> zones{"1", "2e", "3", "4", "6", "8e"};  // an `e`: evenly filled
  std::uint32_t weight_max = 8;
  std::uint32_t replicas = 3;
  std::uint32_t histories = 2;  // for each row …
  std::uint32_t changes = 12;   // … of so many joins, leaves and changes of weight
  std::uint32_t partition_bits_max = 16;
};

/// The options of `--full`. Needs an hour.
[[nodiscard]] PlacementStudyOptions full_placement();

/// "4" or "4e" as CLI11 checks it: an empty text, or what is wrong.
[[nodiscard]] std::string zones_fault(const std::string& text);

/// How even the product's placement is, and how much it moves, beside a ring of 256 tokens and
/// plain rendezvous along the same random histories. Each mesh has the fewest partitions, at least
/// 2^10, that give its nodes 500 slots on average.
[[nodiscard]] Report placement_study(const PlacementStudyOptions& options);

}  // namespace pixmesh::studies

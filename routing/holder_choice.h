#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/ids.h"

namespace pixmesh {

/// What a holder said of itself when it was probed.
struct HolderLoad {
  NodeId node;
  std::uint32_t running = 0;
  std::uint32_t queued = 0;
  std::uint32_t announced = 0;       // probed there by others and not yet started or released
  std::uint32_t workers = 0;         // 0: cannot run anything
  std::uint64_t service_micros = 0;  // what the run would take there; 0 counts as 1
  std::uint64_t wait_micros = 0;     // and how long it would wait for its turn
};

/// A holder and how long a request would take there.
struct Candidate {
  NodeId node;
  std::uint64_t score_micros = 0;
  friend bool operator==(const Candidate&, const Candidate&) = default;
};

/// When the holder would have done all that it has to do and this run, in microseconds, rounded
/// down: wait + service / workers. The run itself takes longer than its share, but by that a node
/// with one job more would look little worse, and whose service time strays upwards would look
/// worse than that: with `wait + service` the p99 below is 4.71. A holder that is busy and tells no
/// wait is from before holders did: it gets (running + queued + announced) / workers * service for
/// it. A service above 2^40 counts as 2^40. `load.workers` >= 1.
[[nodiscard]] std::uint64_t score_of(const HolderLoad& load);

/// The holders in the order in which a request should try them: lowest score first, equal scores by
/// lower id; holders without workers are left out. Runs that are announced at all of them, at most
/// 64, are being placed at this moment by what this request sees, each at one holder: each raises
/// the lowest score by its share, so that requests that come together do not all go to one holder.
/// In a model of 30 nodes with 2 workers at load 0.9 the first of three probed holders gives a p99
/// of 4.6 service times; choosing by gossiped load alone gives 7.5 to 16. Pure: the same loads give
/// the same order on every node. O(n log n + n x announced).
[[nodiscard]] std::vector<Candidate> rank_holders(std::span<const HolderLoad> loads);

}  // namespace pixmesh

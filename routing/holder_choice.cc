#include "routing/holder_choice.h"

#include <algorithm>
#include <map>

#include "base/invariant.h"
#include "base/rng.h"

namespace pixmesh {
namespace {

constexpr std::uint64_t micros_max = 1ULL << 40;
constexpr Wide score_max = ~std::uint64_t{0};
constexpr std::uint32_t burst_max = 64;  // announced runs that are given places

std::uint64_t service_of(const HolderLoad& load) {
  return std::clamp<std::uint64_t>(load.service_micros, 1, micros_max);
}

bool is_sooner(const Candidate& a, const Candidate& b) {
  return a.score_micros != b.score_micros ? a.score_micros < b.score_micros : a.node < b.node;
}

}  // namespace

std::uint64_t score_of(const HolderLoad& load) {
  invariant(load.workers >= 1, "only a holder with workers has a score");
  const std::uint64_t service = service_of(load);
  const Wide jobs = Wide{load.running} + load.queued + load.announced;
  const Wide others = load.wait_micros > 0 ? Wide{load.wait_micros} * load.workers : jobs * service;
  return static_cast<std::uint64_t>(std::min((others + service) / load.workers, score_max));
}

std::vector<Candidate> rank_holders(std::span<const HolderLoad> loads) {
  std::vector<Candidate> ranked;
  std::map<NodeId, std::uint64_t> shares;
  std::uint32_t undecided = burst_max;
  for (const HolderLoad& load : loads) {
    if (load.workers == 0) continue;
    ranked.push_back({load.node, score_of(load)});
    shares[load.node] = service_of(load) / load.workers;
    undecided = std::min(undecided, load.announced);
  }
  for (; undecided > 0 && !ranked.empty(); --undecided) {
    Candidate& first = *std::ranges::min_element(ranked, is_sooner);
    const Wide later = Wide{first.score_micros} + std::max<std::uint64_t>(shares[first.node], 1);
    first.score_micros = static_cast<std::uint64_t>(std::min(later, score_max));
  }
  std::ranges::sort(ranked, is_sooner);
  return ranked;
}

}  // namespace pixmesh

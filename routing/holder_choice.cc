#include "routing/holder_choice.h"

#include <algorithm>

#include "base/invariant.h"
#include "base/rng.h"

namespace pixmesh {
namespace {

constexpr std::uint64_t micros_max = 1ULL << 40;
constexpr Wide score_max = ~std::uint64_t{0};

}  // namespace

std::uint64_t score_of(const HolderLoad& load) {
  invariant(load.workers >= 1, "only a holder with workers has a score");
  const std::uint64_t service = std::clamp<std::uint64_t>(load.service_micros, 1, micros_max);
  const Wide jobs = Wide{load.running} + load.queued + load.announced;
  const Wide others = load.wait_micros > 0 ? Wide{load.wait_micros} * load.workers : jobs * service;
  return static_cast<std::uint64_t>(std::min((others + service) / load.workers, score_max));
}

std::vector<Candidate> rank_holders(std::span<const HolderLoad> loads) {
  std::vector<Candidate> ranked;
  for (const HolderLoad& load : loads) {
    if (load.workers >= 1) ranked.push_back({load.node, score_of(load)});
  }
  std::ranges::sort(ranked, [](const Candidate& a, const Candidate& b) {
    return a.score_micros != b.score_micros ? a.score_micros < b.score_micros : a.node < b.node;
  });
  return ranked;
}

}  // namespace pixmesh

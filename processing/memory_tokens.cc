#include "processing/memory_tokens.h"

#include <algorithm>

#include "base/invariant.h"
#include "base/rng.h"

namespace pixmesh {

MemoryNeed memory_need_of(const CostEstimate& estimate, std::uint64_t pixels,
                          std::uint32_t held_a_pixel, std::uint64_t most) {
  constexpr std::uint64_t program_bytes = 64ULL << 20;  // of a program with its libraries
  constexpr std::uint64_t guessed_a_pixel = 16;
  constexpr std::uint64_t pixels_counted = 1ULL << 40;
  pixels = std::min(pixels, pixels_counted);
  MemoryNeed need;
  need.learned = estimate.memory_bytes > 0 && !estimate.of_others;
  need.bytes = estimate.memory_bytes + estimate.memory_bytes / 4;
  if (!need.learned) need.bytes = std::max(need.bytes, program_bytes + guessed_a_pixel * pixels);
  if (held_a_pixel > 0) {
    need.bytes = std::max(need.bytes, program_bytes + held_a_pixel * pixels);
  }
  if (most > 0) need.bytes = std::min(need.bytes, most);
  return need;
}

bool MemoryTokens::fits(std::uint64_t bytes) const {
  if (budget_ == 0 || holders_.empty()) return true;
  return bytes <= budget_ && taken_ <= budget_ - bytes;
}

void MemoryTokens::take(RunId run, std::uint64_t bytes) {
  invariant(fits(bytes) && !holders_.contains(run), "memory is taken once, and when it is there");
  const std::uint64_t counted = budget_ == 0 ? 0 : std::min(bytes, budget_);
  holders_.emplace(run, counted);
  taken_ += counted;
}

void MemoryTokens::give_back(RunId run) {
  const auto found = holders_.find(run);
  if (found == holders_.end()) return;
  taken_ -= found->second;
  holders_.erase(found);
}

void MemoryTokens::check_invariants() const {
  std::uint64_t sum = 0;
  for (const auto& [run, bytes] : holders_) sum += bytes;
  invariant(sum == taken_ && taken_ <= budget_, "no more memory is out than there is");
}

}  // namespace pixmesh

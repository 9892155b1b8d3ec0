#pragma once

#include <cstdint>
#include <span>

namespace pixmesh {

/// Fills `out` from the kernel's random source; good enough for keys. Waits only in the first
/// seconds after boot. A kernel without getrandom stops the process: no node runs without it.
void fill_from_entropy(std::span<std::uint8_t> out);

/// A seed for the one Rng from which a node's other sources are split.
[[nodiscard]] std::uint64_t seed_from_entropy();

}  // namespace pixmesh

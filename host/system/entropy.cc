#include "host/system/entropy.h"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/invariant.h"

namespace pixmesh {

void fill_from_entropy(std::span<std::uint8_t> out) {
  while (!out.empty()) {
    const ssize_t got = ::getrandom(out.data(), out.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    invariant(got > 0, "the kernel has a random source");
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

std::uint64_t seed_from_entropy() {
  std::array<std::uint8_t, sizeof(std::uint64_t)> bytes{};
  fill_from_entropy(bytes);
  std::uint64_t seed = 0;
  std::memcpy(&seed, bytes.data(), sizeof seed);
  return seed;
}

}  // namespace pixmesh

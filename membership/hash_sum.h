#pragma once

#include <array>
#include <cstdint>

#include "base/ids.h"

namespace pixmesh {

/// The digest of a set: the sum of its elements' 256-bit hashes modulo 2^256. One element more or
/// less costs one addition, and the order in which they came does not matter.
/// Source: AdHash (Bellare, Micciancio 1997). It tells sets of signed records apart; it is no
/// protection against a member that searches for collisions.
class HashSum {
 public:
  void add(const Digest& hash);
  void subtract(const Digest& hash);  // of an element that was added before

  /// The sum, least byte first.
  [[nodiscard]] std::array<std::uint8_t, 32> bytes() const;

 private:
  std::array<std::uint64_t, 4> words_{};  // least word first
};

}  // namespace pixmesh

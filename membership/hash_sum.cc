#include "membership/hash_sum.h"

#include <cstddef>

#include "base/rng.h"

namespace pixmesh {
namespace {

std::uint64_t word_of(const Digest& hash, std::size_t index) {
  std::uint64_t word = 0;
  for (std::size_t i = 8; i-- > 0;) word = (word << 8) | hash.raw[index * 8 + i];
  return word;
}

}  // namespace

void HashSum::add(const Digest& hash) {
  Wide carry = 0;
  for (std::size_t i = 0; i < words_.size(); ++i) {
    carry += static_cast<Wide>(words_[i]) + word_of(hash, i);
    words_[i] = static_cast<std::uint64_t>(carry);
    carry >>= 64;
  }
}

void HashSum::subtract(const Digest& hash) {
  std::uint64_t borrow = 0;
  for (std::size_t i = 0; i < words_.size(); ++i) {
    const Wide taken = static_cast<Wide>(word_of(hash, i)) + borrow;
    borrow = taken > words_[i] ? 1 : 0;
    words_[i] -= static_cast<std::uint64_t>(taken);
  }
}

std::array<std::uint8_t, 32> HashSum::bytes() const {
  std::array<std::uint8_t, 32> out{};
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<std::uint8_t>(words_[i / 8] >> (8 * (i % 8)));
  }
  return out;
}

}  // namespace pixmesh

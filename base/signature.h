#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"

namespace pixmesh {

using PublicKey = std::array<std::uint8_t, 32>;
using Signature = std::array<std::uint8_t, 64>;

/// An Ed25519 key pair (RFC 8032). The secret half never leaves the node that made it.
struct SigningKey {
  PublicKey public_key{};
  std::array<std::uint8_t, 64> secret_key{};
};

/// The key pair of a 32-byte seed; the seed is all that has to be kept.
[[nodiscard]] SigningKey signing_key_of(const std::array<std::uint8_t, 32>& seed);

[[nodiscard]] Signature sign(const SigningKey& key, ByteView message);

/// False for a wrong signature or key. About 50 µs.
[[nodiscard]] bool verify(const PublicKey& key, ByteView message, const Signature& signature);

/// While one lives, verify() does not compute again what it found right on this thread: in a
/// simulation every node checks the record of every other. Answers stay what they are. A repeated
/// check costs 1 µs and a new one 2 µs more; at most some MB are kept.
class RememberedSignatures {
 public:
  RememberedSignatures();
  RememberedSignatures(const RememberedSignatures&) = delete;
  RememberedSignatures& operator=(const RememberedSignatures&) = delete;
  ~RememberedSignatures();
};

}  // namespace pixmesh

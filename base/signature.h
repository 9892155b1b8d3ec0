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

}  // namespace pixmesh

#pragma once

#include <cstdint>

#include "base/ids.h"
#include "base/limits.h"
#include "base/result.h"
#include "base/signature.h"

namespace pixmesh {

inline constexpr std::uint32_t partition_bits_min = 6;

/// What all members of a mesh must agree on. The founder signs the first one; any active member may
/// sign other replicas or another write quorum at a higher generation. Mesh, partition bits and
/// placement key stay for the life of the mesh.
struct MeshSettings {
  MeshId mesh;
  std::uint32_t partition_bits = 12;  // partition_bits_min … partition_bits_max
  std::uint64_t placement_key = 0;
  std::uint32_t placement_version = 1;
  std::uint32_t replicas = 3;                      // R, 1 … replicas_max
  std::uint32_t write_quorum = 2;                  // W; R/2 < W <= R
  std::uint64_t weight_unit_bytes = 128ULL << 30;  // capacity that makes a weight of 1; >= 1
  std::uint64_t generation = 0;                    // >= 1 once signed
  PublicKey signer{};
  Signature signature{};  // over everything above

  friend bool operator==(const MeshSettings&, const MeshSettings&) = default;
};

/// Whether every value is in its range; else `usage`, and the detail says what is wrong.
[[nodiscard]] Result<Done> check_settings(const MeshSettings& settings);

/// The settings with `signer` and `signature` set from `key`.
[[nodiscard]] MeshSettings sign_settings(MeshSettings settings, const SigningKey& key);

/// True if all values are in range and the signature is the signer's. Whether the signer is a
/// member is for the member table to know.
[[nodiscard]] bool verify_settings(const MeshSettings& settings);

/// BLAKE2b-256 over all of it, the signature too.
[[nodiscard]] Digest settings_hash(const MeshSettings& settings);

/// BLAKE2b-256 over the values alone, whoever signed them: what an epoch depends on.
[[nodiscard]] Digest settings_content_hash(const MeshSettings& settings);

/// Whether `a` replaces `b`: a higher generation, of equal ones the greater hash.
[[nodiscard]] bool newer(const MeshSettings& a, const MeshSettings& b);

/// R_eff = min(R, active members): what a small mesh can do. 0 without active members.
[[nodiscard]] std::uint32_t effective_replicas(std::uint32_t replicas, std::uint32_t active_count);

/// W_eff = min(W, R_eff). Active members count, alive or dead: W never falls because some died.
[[nodiscard]] std::uint32_t effective_write_quorum(std::uint32_t write_quorum,
                                                   std::uint32_t replicas_effective);

/// R_eff - W_eff + 1: how many holders must answer so that one of them has every acknowledged
/// write. Needs write_quorum_effective <= replicas_effective.
[[nodiscard]] std::uint32_t read_quorum(std::uint32_t replicas_effective,
                                        std::uint32_t write_quorum_effective);

}  // namespace pixmesh

#pragma once

#include <cstdint>

#include "base/ids.h"
#include "base/signature.h"

namespace pixmesh {

/// The mesh's word that a dead member is no longer one: a dead node cannot sign its own leaving.
/// It hides the member's records up to `generation` and is never deleted; only a record which the
/// member itself signed at a higher generation supersedes it.
/// One that gives the member up is an operator's word through one node, without a vote: what only
/// that member has is given up as well.
struct Eviction {
  MeshId mesh;
  NodeId node;
  std::uint64_t generation = 0;  // the highest record generation that is evicted; >= 1
  bool given_up = false;
  PublicKey signer{};  // the member that tells of the mesh's decision
  Signature signature{};

  friend bool operator==(const Eviction&, const Eviction&) = default;
};

/// The eviction with `signer` and `signature` set from `key`.
[[nodiscard]] Eviction sign_eviction(Eviction eviction, const SigningKey& key);

/// True if the generation is at least 1 and the signature is the signer's. Whether the signer is a
/// member is for the member table to know.
[[nodiscard]] bool verify_eviction(const Eviction& eviction);

/// BLAKE2b-256 of all but signer and signature: two members telling of one decision tell one fact.
[[nodiscard]] Digest eviction_hash(const Eviction& eviction);

}  // namespace pixmesh

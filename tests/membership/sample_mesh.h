#pragma once

#include <cstdint>
#include <string>

#include "base/signature.h"
#include "membership/eviction.h"
#include "membership/member_record.h"
#include "membership/mesh_settings.h"

namespace pixmesh {

inline SigningKey key_of(std::uint32_t number) {
  return signing_key_of({static_cast<std::uint8_t>(number), static_cast<std::uint8_t>(number >> 8),
                         static_cast<std::uint8_t>(number >> 16), 1});
}

inline MeshId sample_mesh() {
  MeshId mesh;
  mesh.raw.fill(42);
  return mesh;
}

inline MeshSettings sample_settings(std::uint32_t signer, std::uint64_t generation = 1) {
  MeshSettings settings;
  settings.mesh = sample_mesh();
  settings.generation = generation;
  return sign_settings(settings, key_of(signer));
}

inline MemberRecord sample_record(std::uint32_t number, std::uint64_t generation = 1,
                                  MemberState state = MemberState::active,
                                  std::uint32_t weight = 1) {
  MemberRecord record;
  record.mesh = sample_mesh();
  record.control_address = "node" + std::to_string(number) + ":7600";
  record.generation = generation;
  record.placement_generation = generation;
  record.state = state;
  record.weight = weight;
  return sign_record(record, key_of(number));
}

inline Eviction sample_eviction(std::uint32_t node, std::uint64_t generation,
                                std::uint32_t signer) {
  Eviction eviction;
  eviction.mesh = sample_mesh();
  eviction.node = sample_record(node).node;
  eviction.generation = generation;
  return sign_eviction(eviction, key_of(signer));
}

/// Who signed `sample_record(number)`.
inline NodeId id_of(std::uint32_t number) { return sample_record(number).node; }

/// An id for tests in which nobody signs.
inline NodeId node_number(std::uint8_t number) {
  NodeId id;
  id.raw[0] = number;
  return id;
}

}  // namespace pixmesh

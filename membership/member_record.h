#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "base/ids.h"
#include "base/limits.h"
#include "base/signature.h"

namespace pixmesh {

inline constexpr std::uint32_t address_bytes_max = 255;
inline constexpr std::uint32_t zone_bytes_max = 64;

/// joining: holds no data yet. active: placement uses it. leaving: placement has dropped it, it
/// serves until nobody needs it. left: it is gone for good. The values go over the wire.
enum class MemberState : std::uint8_t { joining, active, leaving, left };
/// "joining", "active", "leaving" or "left", for people.
[[nodiscard]] std::string_view text_of(MemberState state);

/// What a member says about itself, signed with its own key. Only the member changes it; the
/// highest generation wins, and of equal generations the greater `record_hash`.
struct MemberRecord {
  MeshId mesh;                  // all zero until the node knows its mesh
  NodeId node;                  // node_id_of(signing_key)
  PublicKey signing_key{};      // Ed25519
  PublicKey link_key{};         // CURVE (X25519)
  std::string control_address;  // host:port, at most address_bytes_max
  std::string bulk_address;
  std::string zone;          // at most zone_bytes_max; "" is a zone like any other
  std::uint32_t weight = 1;  // 1 … weight_max
  std::uint64_t capacity_bytes = 0;
  MemberState state = MemberState::joining;
  bool no_new_work = false;             // drained: keeps its data, gets no new work
  std::array<std::uint8_t, 16> boot{};  // drawn by the process that made the record
  std::uint32_t format = format_version;
  std::uint64_t generation = 0;            // >= 1 once signed; grows with any change
  std::uint64_t placement_generation = 0;  // grows when weight, zone or state change
  Signature signature{};                   // over everything above

  friend bool operator==(const MemberRecord&, const MemberRecord&) = default;
};

/// The record with `signing_key`, `node` and `signature` set from `key`.
[[nodiscard]] MemberRecord sign_record(MemberRecord record, const SigningKey& key);

/// True if the signature holds, the node id is that of the signing key, every text is inside its
/// limit, the weight and the state are in range, and the generation is at least 1. About 50 µs.
[[nodiscard]] bool verify_record(const MemberRecord& record);

/// BLAKE2b-256 over all of it, the signature too.
[[nodiscard]] Digest record_hash(const MemberRecord& record);

/// BLAKE2b-256 over what placement reads: node, placement generation, weight, zone, state.
[[nodiscard]] Digest placement_hash(const MemberRecord& record);

}  // namespace pixmesh

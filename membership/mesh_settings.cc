#include "membership/mesh_settings.h"

#include <algorithm>
#include <string>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/invariant.h"

namespace pixmesh {
namespace {

CanonicalBytes content_of(const MeshSettings& settings) {
  CanonicalBytes bytes;
  bytes.text("pixmesh mesh settings").u32(format_version).raw(settings.mesh.raw);
  bytes.u32(settings.partition_bits).u64(settings.placement_key);
  bytes.u32(settings.placement_version).u32(settings.replicas).u32(settings.write_quorum);
  bytes.u64(settings.weight_unit_bytes).u64(settings.generation);
  return bytes;
}

CanonicalBytes signed_part_of(const MeshSettings& settings) {
  CanonicalBytes bytes = content_of(settings);
  bytes.raw(settings.signer);
  return bytes;
}

Error out_of_range(const std::string& what, std::uint64_t value, const std::string& range) {
  return {ErrorCode::usage, what + " is " + std::to_string(value) + "; it must be " + range};
}

}  // namespace

Result<Done> check_settings(const MeshSettings& settings) {
  const std::uint32_t bits = settings.partition_bits;
  if (bits < partition_bits_min || bits > partition_bits_max) {
    return out_of_range("partition bits", bits, "6 to 16");
  }
  const std::uint32_t replicas = settings.replicas;
  if (replicas < 1 || replicas > replicas_max) return out_of_range("replicas", replicas, "1 to 8");
  const std::uint32_t quorum = settings.write_quorum;
  if (quorum > replicas || quorum <= replicas / 2) {
    return out_of_range("write quorum", quorum,
                        "more than half of the replicas and at most all of them: " +
                            std::to_string(replicas / 2 + 1) + " to " + std::to_string(replicas));
  }
  if (settings.weight_unit_bytes < 1) return out_of_range("weight unit", 0, "at least one byte");
  if (settings.generation < 1) return out_of_range("generation", 0, "at least 1");
  return Done{};
}

MeshSettings sign_settings(MeshSettings settings, const SigningKey& key) {
  settings.signer = key.public_key;
  settings.signature = sign(key, signed_part_of(settings).bytes());
  return settings;
}

bool verify_settings(const MeshSettings& settings) {
  return check_settings(settings).has_value() &&
         verify(settings.signer, signed_part_of(settings).bytes(), settings.signature);
}

Digest settings_hash(const MeshSettings& settings) {
  CanonicalBytes bytes = signed_part_of(settings);
  bytes.raw(settings.signature);
  return digest_of(bytes.bytes());
}

Digest settings_content_hash(const MeshSettings& settings) {
  return digest_of(content_of(settings).bytes());
}

bool newer(const MeshSettings& a, const MeshSettings& b) {
  if (a.generation != b.generation) return a.generation > b.generation;
  return settings_hash(a) > settings_hash(b);
}

std::uint32_t effective_replicas(std::uint32_t replicas, std::uint32_t active_count) {
  return std::min(replicas, active_count);
}

std::uint32_t effective_write_quorum(std::uint32_t write_quorum, std::uint32_t replicas_effective) {
  return std::min(write_quorum, replicas_effective);
}

std::uint32_t read_quorum(std::uint32_t replicas_effective, std::uint32_t write_quorum_effective) {
  invariant(write_quorum_effective <= replicas_effective,
            "a write quorum is a part of the holders");
  return replicas_effective - write_quorum_effective + 1;
}

}  // namespace pixmesh

#include "membership/eviction.h"

#include "base/bytes.h"
#include "base/digest.h"
#include "base/limits.h"

namespace pixmesh {
namespace {

CanonicalBytes fact_of(const Eviction& eviction) {
  CanonicalBytes bytes;
  bytes.text("pixmesh eviction").u32(format_version);
  bytes.raw(eviction.mesh.raw).raw(eviction.node.raw).u64(eviction.generation);
  bytes.u8(eviction.given_up ? 1 : 0);
  return bytes;
}

CanonicalBytes signed_part_of(const Eviction& eviction) {
  CanonicalBytes bytes = fact_of(eviction);
  bytes.raw(eviction.signer);
  return bytes;
}

}  // namespace

Eviction sign_eviction(Eviction eviction, const SigningKey& key) {
  eviction.signer = key.public_key;
  eviction.signature = sign(key, signed_part_of(eviction).bytes());
  return eviction;
}

bool verify_eviction(const Eviction& eviction) {
  return eviction.generation >= 1 &&
         verify(eviction.signer, signed_part_of(eviction).bytes(), eviction.signature);
}

Digest eviction_hash(const Eviction& eviction) { return digest_of(fact_of(eviction).bytes()); }

}  // namespace pixmesh

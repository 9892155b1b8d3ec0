#include "base/digest.h"

#include <sodium.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/invariant.h"

namespace pixmesh {
namespace {

template <typename AnyId>
AnyId blake2b(ByteView bytes) {
  AnyId id;
  crypto_generichash_blake2b(id.raw.data(), id.raw.size(), bytes.data(), bytes.size(), nullptr, 0);
  return id;
}

}  // namespace

struct Hasher::State {
  crypto_generichash_blake2b_state blake2b;
  bool finished = false;
};

Hasher::Hasher() : state_(new State) {
  crypto_generichash_blake2b_init(&state_->blake2b, nullptr, 0, Digest{}.raw.size());
}
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;
Hasher::~Hasher() = default;

void Hasher::update(ByteView bytes) {
  crypto_generichash_blake2b_update(&state_->blake2b, bytes.data(), bytes.size());
}

Digest Hasher::finish() {
  invariant(!state_->finished, "a hasher is finished once");
  state_->finished = true;
  Digest digest;
  crypto_generichash_blake2b_final(&state_->blake2b, digest.raw.data(), digest.raw.size());
  return digest;
}

Digest digest_of(ByteView bytes) { return blake2b<Digest>(bytes); }
NameDigest name_digest_of(std::string_view name) { return blake2b<NameDigest>(bytes_of(name)); }
NodeId node_id_of(ByteView public_key) { return blake2b<NodeId>(public_key); }

std::uint64_t chunk_checksum(ByteView bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }
std::uint64_t keyed_hash(std::uint64_t key, ByteView bytes) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), key);
}

}  // namespace pixmesh

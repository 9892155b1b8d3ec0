#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/ids.h"

namespace pixmesh {

/// BLAKE2b-256 of bytes that come in pieces; `b2sum -l 256` prints the same. About 1 GB/s a core.
class Hasher {
 public:
  Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  ~Hasher();

  void update(ByteView bytes);
  [[nodiscard]] Digest finish();  // once; the hasher is used up

 private:
  struct State;
  std::unique_ptr<State> state_;
};

[[nodiscard]] Digest digest_of(ByteView bytes);

/// BLAKE2b-128: the key under which a name's record is stored.
[[nodiscard]] NameDigest name_digest_of(std::string_view name);

/// BLAKE2b-128 of a signing public key: who a node is.
[[nodiscard]] NodeId node_id_of(ByteView public_key);

/// XXH3-64: tells a damaged chunk, 18 GB/s a core. No protection against intent.
[[nodiscard]] std::uint64_t chunk_checksum(ByteView bytes);

/// XXH3-64 with a seed: spreads names over the circle and ties over nodes; same on every machine.
[[nodiscard]] std::uint64_t keyed_hash(std::uint64_t key, ByteView bytes);

}  // namespace pixmesh

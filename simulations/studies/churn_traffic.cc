#include "simulations/studies/churn_traffic.h"

#include <algorithm>

#include "base/limits.h"
#include "simulations/world/mesh_client.h"
#include "wire/message.h"

namespace pixmesh::studies {

void ChurnTraffic::on_sent(PartyId from, PartyId, Plane plane, ByteView message) {
  if (plane != Plane::bulk || from >= MeshClient::first_party) return;
  const auto decoded = decode_bulk(message);
  if (!decoded) return;
  if (const auto* open = std::get_if<StreamOpen>(&decoded.value())) {
    const bool counts = !open->run && images_.contains(open->digest);
    if (counts) sizes_[open->stream] = open->size;
    return;
  }
  const auto* chunk = std::get_if<StreamChunk>(&decoded.value());
  const auto known = chunk == nullptr ? sizes_.end() : sizes_.find(chunk->stream);
  if (known == sizes_.end()) return;
  const std::uint64_t start = std::uint64_t{chunk->index} * chunk_bytes_max;
  const std::uint64_t rest = known->second - std::min(start, known->second);
  moved_ += std::min<std::uint64_t>(rest, chunk_bytes_max);
}

}  // namespace pixmesh::studies

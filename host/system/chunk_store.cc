#include "host/system/chunk_store.h"

namespace pixmesh {

ChunkRef ChunkStore::add(zmq::message_t bytes, std::uint64_t checksum) {
  const auto size = static_cast<std::uint32_t>(bytes.size());
  auto chunk = std::make_shared<zmq::message_t>(std::move(bytes));
  const std::scoped_lock lock(mutex_);
  chunks_.emplace(++last_id_, std::move(chunk));
  return {last_id_, size, checksum};
}

ChunkStore::Chunk ChunkStore::find(ChunkRef chunk) const {
  const std::scoped_lock lock(mutex_);
  const auto found = chunks_.find(chunk.id);
  return found == chunks_.end() ? nullptr : found->second;
}

void ChunkStore::release(ChunkRef chunk) {
  const std::scoped_lock lock(mutex_);
  chunks_.erase(chunk.id);
}

std::size_t ChunkStore::count() const {
  const std::scoped_lock lock(mutex_);
  return chunks_.size();
}

}  // namespace pixmesh

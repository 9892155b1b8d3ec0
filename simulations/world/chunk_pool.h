#pragma once

#include <map>
#include <memory>

#include "base/digest.h"
#include "base/transport.h"

namespace pixmesh {

using SharedBytes = std::shared_ptr<const Bytes>;

/// The buffers of one process. A chunk is there while the event that brought it is handled, and not
/// a moment longer; who wants to keep it takes it meanwhile.
class ChunkPool {
 public:
  [[nodiscard]] ChunkRef add(SharedBytes bytes) {
    const ChunkRef chunk{++last_, static_cast<std::uint32_t>(bytes->size()),
                         chunk_checksum(*bytes)};
    chunks_[chunk.id] = std::move(bytes);
    return chunk;
  }
  [[nodiscard]] SharedBytes take(const ChunkRef& chunk) const {
    const auto found = chunks_.find(chunk.id);
    invariant(found != chunks_.end(), "a chunk is used only while its event is handled");
    return found->second;
  }
  void clear() { chunks_.clear(); }

 private:
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, SharedBytes> chunks_;
};

}  // namespace pixmesh

#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

#include <zmq.hpp>

#include "base/transport.h"

namespace pixmesh {

/// The chunks now in memory, by the id that events and effects carry. The bytes live in a ZeroMQ
/// message, so that sending one to three peers copies nothing. Safe from any thread.
class ChunkStore {
 public:
  using Chunk = std::shared_ptr<zmq::message_t>;

  /// Takes the bytes in; they stay until `release`, and longer for whoever called `find`.
  [[nodiscard]] ChunkRef add(zmq::message_t bytes, std::uint64_t checksum);
  /// Null if the chunk was released.
  [[nodiscard]] Chunk find(ChunkRef chunk) const;
  void release(ChunkRef chunk);
  [[nodiscard]] std::size_t count() const;

 private:
  mutable std::mutex mutex_;
  std::unordered_map<std::uint64_t, Chunk> chunks_;
  std::uint64_t last_id_ = 0;
};

}  // namespace pixmesh

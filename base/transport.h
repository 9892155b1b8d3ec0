#pragma once

#include <cstdint>
#include <string>

#include "base/ids.h"

namespace pixmesh {

/// `host:port`, as a person writes it and a member record carries it.
struct Endpoint {
  std::string text;
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

/// Control carries small messages and must never wait; bulk carries chunks.
enum class Plane : std::uint8_t { control, bulk };

/// Up to 1 MiB of bytes that the host holds in memory. It is valid while the event that brought it
/// is handled: every effect of that event which names it (a write, any number of sends) keeps the
/// bytes for itself, so a machine never frees anything.
struct ChunkRef {
  std::uint64_t id = 0;
  std::uint32_t size = 0;      // bytes, 0 … chunk_bytes_max
  std::uint64_t checksum = 0;  // XXH3-64, checked by the host when the chunk came in
};

/// Connections to other processes. A link has two ends: the one that opened it asks, the other
/// answers along it, so an answer never needs an address. What arrives is an event:
/// `MessageArrived{link, bytes}` and, on the bulk plane, `MessageArrived{link, bytes, chunk}`.
/// Nothing here blocks. A message that does not fit the link's queue is dropped and counted;
/// whoever needs an answer has a deadline.
class Transport {
 public:
  virtual ~Transport() = default;

  /// A link to `to`; connects in the background and again after a loss. Never fails: an address
  /// that nobody answers is a link on which nothing arrives.
  virtual LinkId open(Plane plane, const Endpoint& to) = 0;

  /// Forgets a link and what still waits on it. Unknown links are ignored.
  virtual void close(LinkId link) = 0;

  /// @returns false if the link is unknown or its queue is full; the message is then dropped.
  virtual bool send(LinkId link, Bytes message) = 0;

  /// Whether something larger than control messages are may go along this link now: little waits on
  /// it and on the plane, so that it crowds nobody out. False for an unknown link.
  [[nodiscard]] virtual bool has_room(LinkId link) const = 0;

  /// As `send`, on a bulk link, with a chunk behind the message. The bytes are not copied.
  virtual bool send_chunk(LinkId link, Bytes message, ChunkRef chunk) = 0;
};

}  // namespace pixmesh

#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

namespace pixmesh {

/// What one plane of the transport counts. A dropped message is always counted exactly once.
enum class TransportCount : std::uint8_t {
  messages_in,
  bytes_in,
  messages_out,  // handed to ZeroMQ
  bytes_out,
  dropped_queue_full,    // send() said false: the link's or the plane's queue is full
  dropped_too_large,     // send() said false: over message_bytes_max
  dropped_unknown_link,  // the link was closed or forgotten
  dropped_unsent,        // waited too long for a peer that does not answer
  dropped_peer_gone,     // the inbound link's peer has disconnected
  malformed_in,          // arrived with a wrong number of frames or a chunk too large
  inbound_links_made,
  inbound_links_forgotten,  // idle, pushed out by newer ones, or their peer has gone
  sockets_refused,          // open() of what is no address, or without file descriptors left
};
inline constexpr std::size_t transport_count_kinds = 13;

/// `dropped_queue_full`, as `status` and metrics print it.
[[nodiscard]] std::string_view name_of(TransportCount kind);

/// Counted by the owner of the plane's sockets and its senders, read by any thread. Counts only
/// grow.
class TransportCounts {
 public:
  void add(TransportCount kind, std::uint64_t amount = 1) {
    slot(kind).fetch_add(amount, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t of(TransportCount kind) const {
    return counts_[static_cast<std::size_t>(kind)].load(std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint64_t>& slot(TransportCount kind) {
    return counts_[static_cast<std::size_t>(kind)];
  }
  std::array<std::atomic<std::uint64_t>, transport_count_kinds> counts_{};
};

}  // namespace pixmesh

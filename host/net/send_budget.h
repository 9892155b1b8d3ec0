#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>

#include <zmq.hpp>

#include "base/transport.h"
#include "host/net/transport_counts.h"

namespace pixmesh {

struct SendLimits {
  std::uint64_t plane_bytes_max = 64ULL << 20;
  std::uint64_t link_bytes_max = 8ULL << 20;
  std::uint32_t link_count_max = 16'384;  // messages
};

/// The links of one plane, and what each may still queue.
///
/// A message is charged when it is accepted and given back when ZeroMQ lets go of it: sent, or
/// dropped with its connection. So the limits hold in bytes over everything between `send` and the
/// kernel's socket buffer, which ZeroMQ's own marks (in messages) cannot say. Of a message with a
/// chunk, both are given back when its first frame goes, at most one chunk too early.
/// Safe from any thread. Link ids are even on the control plane and odd on bulk.
class SendBudget {
 public:
  SendBudget(Plane plane, SendLimits limits, TransportCounts& counts);

  [[nodiscard]] LinkId add_link();
  void remove_link(LinkId link);
  [[nodiscard]] bool knows(LinkId link) const;

  /// `message` as a ZeroMQ frame that holds its room until it is gone; nothing is copied.
  /// @param chunk_bytes  of the chunk that will follow, or 0.
  /// @returns nothing, and counts why, if the link is unknown or a limit would be passed.
  [[nodiscard]] std::optional<zmq::message_t> charge(LinkId link, Bytes message,
                                                     std::uint64_t chunk_bytes);

  /// Whether less than an eighth of the plane's bytes is taken, and less than a 32nd of the link's.
  [[nodiscard]] bool has_room(LinkId link) const;
  [[nodiscard]] std::uint64_t queued_bytes() const;

 private:
  struct Load {
    std::atomic<std::uint64_t> bytes{0};
    std::atomic<std::uint32_t> count{0};
  };
  struct Charged;
  static void give_back(void* bytes, void* charged);

  const SendLimits limits_;
  TransportCounts& counts_;
  std::shared_ptr<Load> plane_load_ = std::make_shared<Load>();
  mutable std::mutex mutex_;
  std::unordered_map<std::uint64_t, std::shared_ptr<Load>> links_;
  std::uint64_t next_id_;
};

/// The plane whose budget made this id.
[[nodiscard]] inline Plane plane_of(LinkId link) {
  return link.raw % 2 == 0 ? Plane::control : Plane::bulk;
}

}  // namespace pixmesh

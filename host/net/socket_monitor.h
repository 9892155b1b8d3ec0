#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include <zmq.hpp>

namespace pixmesh {

/// What happens to the connections of one socket, as ZeroMQ tells it. For the socket's thread only;
/// goes before the socket does.
class SocketMonitor {
 public:
  /// @param events  ZMQ_EVENT_… that are told of, from now on.
  /// @returns null without file descriptors for two more sockets.
  [[nodiscard]] static std::unique_ptr<SocketMonitor> open(zmq::context_t& context,
                                                           zmq::socket_t& watched, int events);
  ~SocketMonitor();
  SocketMonitor(const SocketMonitor&) = delete;
  SocketMonitor& operator=(const SocketMonitor&) = delete;

  /// Readable when there is an event.
  [[nodiscard]] zmq::socket_t& socket() { return events_; }
  /// The connection, by its descriptor, of the next event that has happened, in order; -1: not
  /// known. Does not wait.
  [[nodiscard]] std::optional<std::int32_t> next();

 private:
  SocketMonitor(void* watched, zmq::socket_t events)
      : watched_(watched), events_(std::move(events)) {}

  void* watched_;  // of ZeroMQ: it stays when the owner of the socket moves
  zmq::socket_t events_;
};

}  // namespace pixmesh

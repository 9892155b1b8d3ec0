#pragma once

#include <cstdint>
#include <optional>

#include <zmq.hpp>

namespace pixmesh {

/// What happens to the connections of one socket, as ZeroMQ tells it. For the socket's thread only;
/// goes before the socket does.
class SocketMonitor {
 public:
  struct Event {
    std::uint16_t what = 0;        // one of ZMQ_EVENT_…; 0: not readable
    std::int32_t descriptor = -1;  // of the connection
  };

  /// @param events  ZMQ_EVENT_… that are told of, from now on.
  SocketMonitor(zmq::context_t& context, zmq::socket_t& watched, int events);
  ~SocketMonitor();
  SocketMonitor(const SocketMonitor&) = delete;
  SocketMonitor& operator=(const SocketMonitor&) = delete;

  /// Readable when there is an event.
  [[nodiscard]] zmq::socket_t& socket() { return events_; }
  /// The next one that has happened, in order; does not wait.
  [[nodiscard]] std::optional<Event> next();

 private:
  void* watched_;  // of ZeroMQ: it stays when the owner of the socket moves
  zmq::socket_t events_;
};

}  // namespace pixmesh

#include "host/net/socket_monitor.h"

#include <atomic>
#include <cstring>
#include <string>

#include "base/invariant.h"

namespace pixmesh {
namespace {

// ZeroMQ frees an address a moment after its socket was closed: none is used twice.
std::string fresh_address() {
  static std::atomic<std::uint64_t> last = 0;
  return "inproc://pixmesh-monitor-" + std::to_string(++last);
}

}  // namespace

SocketMonitor::SocketMonitor(zmq::context_t& context, zmq::socket_t& watched, int events)
    : watched_(watched.handle()), events_(context, zmq::socket_type::pair) {
  const std::string address = fresh_address();
  const int made = zmq_socket_monitor(watched_, address.c_str(), events);
  invariant(made == 0, "a socket of ours can be watched");
  events_.set(zmq::sockopt::linger, 0);
  events_.connect(address);
}

SocketMonitor::~SocketMonitor() { (void)zmq_socket_monitor(watched_, nullptr, 0); }

// Each event is two frames: number and value in 6 bytes, then the address.
std::optional<SocketMonitor::Event> SocketMonitor::next() {
  zmq::message_t frame;
  if (!events_.recv(frame, zmq::recv_flags::dontwait)) return std::nullopt;
  Event event;
  if (frame.size() == sizeof(event.what) + sizeof(event.descriptor)) {
    const char* const bytes = frame.data<char>();
    std::memcpy(&event.what, bytes, sizeof(event.what));
    std::memcpy(&event.descriptor, bytes + sizeof(event.what), sizeof(event.descriptor));
  }
  while (frame.more() && events_.recv(frame, zmq::recv_flags::dontwait)) {
  }
  return event;
}

}  // namespace pixmesh

#include "host/net/socket_monitor.h"

#include <atomic>
#include <cstring>
#include <string>
#include <utility>

namespace pixmesh {
namespace {

// ZeroMQ frees an address a moment after its socket was closed: none is used twice.
std::string fresh_address() {
  static std::atomic<std::uint64_t> last = 0;
  return "inproc://pixmesh-monitor-" + std::to_string(++last);
}

}  // namespace

std::unique_ptr<SocketMonitor> SocketMonitor::open(zmq::context_t& context, zmq::socket_t& watched,
                                                   int events) {
  const std::string address = fresh_address();
  if (zmq_socket_monitor(watched.handle(), address.c_str(), events) != 0) return nullptr;
  try {
    zmq::socket_t told(context, zmq::socket_type::pair);
    told.set(zmq::sockopt::linger, 0);
    told.connect(address);
    return std::unique_ptr<SocketMonitor>(new SocketMonitor(watched.handle(), std::move(told)));
  } catch (const zmq::error_t&) {
    (void)zmq_socket_monitor(watched.handle(), nullptr, 0);
    return nullptr;
  }
}

SocketMonitor::~SocketMonitor() { (void)zmq_socket_monitor(watched_, nullptr, 0); }

// Each event is two frames: number and descriptor in 6 bytes, then the address.
std::optional<std::int32_t> SocketMonitor::next() {
  zmq::message_t frame;
  if (!events_.recv(frame, zmq::recv_flags::dontwait)) return std::nullopt;
  std::int32_t descriptor = -1;
  constexpr std::size_t number_bytes = 2;
  if (frame.size() == number_bytes + sizeof(descriptor)) {
    std::memcpy(&descriptor, frame.data<char>() + number_bytes, sizeof(descriptor));
  }
  while (frame.more() && events_.recv(frame, zmq::recv_flags::dontwait)) {
  }
  return descriptor;
}

}  // namespace pixmesh

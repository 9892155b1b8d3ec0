#include "host/net/link_ends.h"

#include <atomic>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include "base/invariant.h"

namespace pixmesh {
namespace {

constexpr int wanted_events = ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED;

// ZeroMQ frees an address a moment after its socket was closed: none is used twice.
std::string fresh_address() {
  static std::atomic<std::uint64_t> last = 0;
  return "inproc://pixmesh-ends-" + std::to_string(++last);
}

}  // namespace

LinkEnds::LinkEnds(zmq::context_t& context, zmq::socket_t& router)
    : router_(router), events_(context, zmq::socket_type::pair) {
  const std::string address = fresh_address();
  const int made = zmq_socket_monitor(router.handle(), address.c_str(), wanted_events);
  invariant(made == 0, "a socket of ours can be watched");
  events_.set(zmq::sockopt::linger, 0);
  events_.connect(address);
}

LinkEnds::~LinkEnds() { (void)zmq_socket_monitor(router_.handle(), nullptr, 0); }

void LinkEnds::note(int descriptor, LinkId link) {
  if (descriptor < 0) return;
  const auto known = links_.find(descriptor);
  if (known != links_.end() && known->second == link) return;
  read_events();  // so that an end of the earlier connection is not taken for one of this
  links_[descriptor] = link;
}

std::vector<LinkId> LinkEnds::take_closed() {
  read_events();
  return std::exchange(closed_, {});
}

// Each event is two frames: number and value in 6 bytes, then the address.
void LinkEnds::read_events() {
  zmq::message_t frame;
  while (events_.recv(frame, zmq::recv_flags::dontwait)) {
    std::uint16_t event = 0;
    std::int32_t descriptor = -1;
    if (frame.size() == sizeof(event) + sizeof(descriptor)) {
      const char* const bytes = frame.data<char>();
      std::memcpy(&event, bytes, sizeof(event));
      std::memcpy(&descriptor, bytes + sizeof(event), sizeof(descriptor));
    }
    while (frame.more() && events_.recv(frame, zmq::recv_flags::dontwait)) {
    }
    // An acceptance without an end before it: the end was not told.
    const auto ended = links_.extract(descriptor);
    if (ended) closed_.push_back(ended.mapped());
  }
}

int connection_of(zmq::message_t& frame) { return zmq_msg_get(frame.handle(), ZMQ_SRCFD); }

}  // namespace pixmesh

#include "host/net/link_ends.h"

#include <utility>

#include "base/invariant.h"

namespace pixmesh {

LinkEnds::LinkEnds(zmq::context_t& context, zmq::socket_t& router)
    : monitor_(SocketMonitor::open(context, router, ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED)) {
  invariant(monitor_ != nullptr, "a node's socket can be watched");
}

void LinkEnds::note(int descriptor, LinkId link) {
  if (descriptor < 0) return;
  const auto known = links_.find(descriptor);
  if (known != links_.end() && known->second == link) return;
  read_events();  // so that an end of the earlier connection is not taken for one of this
  // One that has a new connection lives, whenever its earlier one ends.
  std::erase_if(links_, [link](const auto& earlier) { return earlier.second == link; });
  std::erase(closed_, link);
  links_[descriptor] = link;
}

std::vector<LinkId> LinkEnds::take_closed() {
  read_events();
  return std::exchange(closed_, {});
}

void LinkEnds::read_events() {
  while (const auto descriptor = monitor_->next()) {
    // An acceptance without an end before it: the end was not told.
    const auto ended = links_.extract(*descriptor);
    if (ended) closed_.push_back(ended.mapped());
  }
}

int connection_of(zmq::message_t& frame) { return zmq_msg_get(frame.handle(), ZMQ_SRCFD); }

}  // namespace pixmesh

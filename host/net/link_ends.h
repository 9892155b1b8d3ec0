#pragma once

#include <map>
#include <memory>
#include <vector>

#include <zmq.hpp>

#include "base/ids.h"
#include "host/net/socket_monitor.h"

namespace pixmesh {

/// Which inbound links lose their connection. A ROUTER does not tell; its monitor does, by the
/// number of the descriptor, and each message carries the number of the one it came over.
///
///   message ──► note(descriptor, link)        monitor: accepted, ended ──► take_closed
///
/// Numbers are used again at once, so they are counted: a link belongs to the use of its descriptor
/// that was the last accepted one when its message was taken. That one was told before the message
/// could be read, and ends are told in their order with the acceptances, so no later connection is
/// taken for an earlier one. For the thread of the plane's sockets only; goes before the ROUTER
/// does.
class LinkEnds {
 public:
  LinkEnds(zmq::context_t& context, zmq::socket_t& router);

  /// Readable when connections began or ended.
  [[nodiscard]] zmq::socket_t& socket() { return monitor_->socket(); }

  /// A message came over this descriptor; below 0: it is not known, and nothing is noted.
  void note(int descriptor, LinkId link);

  /// The links whose connection has ended, each once.
  [[nodiscard]] std::vector<LinkId> take_closed();

 private:
  void read_events();

  std::unique_ptr<SocketMonitor> monitor_;
  std::map<int, LinkId> links_;  // of descriptors in use
  std::vector<LinkId> closed_;
};

/// The descriptor that a message came over; -1: nobody knows.
[[nodiscard]] int connection_of(zmq::message_t& frame);

}  // namespace pixmesh

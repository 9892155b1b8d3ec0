#pragma once

#include <doctest/doctest.h>

#include <deque>
#include <memory>
#include <set>
#include <string_view>

#include "host/net/zmq_transport.h"
#include "host/system/clocks.h"
#include "host/system/event_queue.h"

namespace pixmesh {

inline Bytes bytes_from(std::string_view text) {
  const ByteView view = bytes_of(text);
  return {view.begin(), view.end()};
}

/// One node's end: a transport on free ports of 127.0.0.1, and the queue it fills. Each is served
/// while any of them is waited for, as if each had a loop of its own.
struct TransportEnd {
  explicit TransportEnd(ZmqTransportOptions options = {.control_bind = {"127.0.0.1:0"},
                                                       .bulk_bind = {"127.0.0.1:0"}}) {
    // A port that an earlier transport of this process listened on becomes free a moment after it.
    const Instant deadline = monotonic_now() + 5s;
    auto started = ZmqTransport::start(options, chunks, queue);
    while (!started && monotonic_now() < deadline) {
      started = ZmqTransport::start(options, chunks, queue);
    }
    REQUIRE(started.has_value());
    transport = std::move(started).value();
    all.insert(this);
  }
  ~TransportEnd() { all.erase(this); }
  TransportEnd(const TransportEnd&) = delete;
  TransportEnd& operator=(const TransportEnd&) = delete;

  /// As EventQueue::wait_next, while the others go on.
  bool wait_next(Instant deadline, HostEvent& event) {
    while (early.empty()) {
      if (queue.wait_next(std::min(deadline, monotonic_now() + 1ms), event)) return true;
      if (monotonic_now() >= deadline) return false;
      serve_all();
    }
    event = std::move(early.front());
    early.pop_front();
    return true;
  }
  static void serve_all() {
    for (TransportEnd* end : all) {
      HostEvent event;
      while (end->queue.wait_next(Instant{}, event)) end->early.push_back(std::move(event));
    }
  }

  /// The next message within `patience`; nothing if none came.
  std::optional<MessageArrived> next(Duration patience = 5s) {
    const Instant deadline = monotonic_now() + patience;
    HostEvent event;
    while (wait_next(deadline, event)) {
      if (const auto* closed = std::get_if<LinkClosed>(&event)) {
        closed_links.push_back(closed->link);
        continue;
      }
      return std::get<MessageArrived>(event);
    }
    return std::nullopt;
  }

  /// Waits for the next link whose connection ends; messages are passed over.
  std::optional<LinkId> next_closed(Duration patience = 5s) {
    const Instant deadline = monotonic_now() + patience;
    HostEvent event;
    while (closed_links.empty() && wait_next(deadline, event)) {
      if (const auto* closed = std::get_if<LinkClosed>(&event))
        closed_links.push_back(closed->link);
    }
    if (closed_links.empty()) return std::nullopt;
    const LinkId first = closed_links.front();
    closed_links.erase(closed_links.begin());
    return first;
  }

  const Endpoint& control() const { return transport->bound(Plane::control); }
  const Endpoint& bulk() const { return transport->bound(Plane::bulk); }
  std::uint64_t count(Plane plane, TransportCount kind) const {
    return transport->counts(plane).of(kind);
  }

  inline static std::set<TransportEnd*> all;
  std::deque<HostEvent> early;  // that came while another one was waited for
  ChunkStore chunks;
  EventQueue queue;
  std::vector<LinkId> closed_links;  // that `next` came upon
  std::unique_ptr<ZmqTransport> transport;
};

/// Tries until `holds()`; gives up after `patience`.
template <typename Predicate>
bool eventually(Predicate holds, Duration patience = 5s) {
  const Instant deadline = monotonic_now() + patience;
  while (!holds()) {
    if (monotonic_now() > deadline) return false;
    TransportEnd::serve_all();
  }
  return true;
}

}  // namespace pixmesh

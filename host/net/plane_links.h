#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <zmq.hpp>

#include "base/events.h"
#include "host/net/inbound_links.h"
#include "host/net/link_ends.h"
#include "host/net/send_budget.h"
#include "host/net/socket_watch.h"
#include "host/net/zmq_sockets.h"
#include "host/system/chunk_store.h"

namespace pixmesh {

struct PlaneOptions {
  Plane plane = Plane::control;
  SendLimits limits;
  int receive_count_max = 16;              // messages a connection may hold unread; 2 MiB each
  std::uint32_t inbound_links_max = 4096;  // beyond, the link used longest ago is forgotten
  Duration inbound_idle_max = 10min;
  Duration unsent_max = 5s;                // a message that waits longer is dropped
  std::size_t chunks_in_memory_max = 256;  // with so many, bulk stops reading; peers then wait
};

/// A message on its way out, and the chunk behind it (null if none).
struct Outgoing {
  zmq::message_t message;  // charged to the budget
  ChunkStore::Chunk chunk;
  std::uint64_t bytes = 0;
  Instant accepted;
};

/// All sockets of one plane: a ROUTER for who comes to us, a DEALER for each link we opened.
///
/// A DEALER whose peer does not answer refuses messages (ZMQ_IMMEDIATE): they wait here, bounded by
/// the budget, for at most `unsent_max`. Left to ZeroMQ they would wait for as long as the peer is
/// down and all be delivered at its return: probes, votes and starts of minutes ago. What ZeroMQ
/// already holds for a connection goes when that connection is lost.
/// One thread touches an object of this class once it is bound.
class PlaneLinks {
 public:
  PlaneLinks(PlaneOptions options, ChunkStore& chunks, EventSink& sink, SendBudget& budget,
             TransportCounts& counts);

  /// Listens at `at`. @returns it with the port really taken; errors as `bind_router`.
  [[nodiscard]] Result<Endpoint> bind(const Endpoint& at);

  void open(LinkId link, const Endpoint& to);
  void close(LinkId link);
  void send(LinkId link, Outgoing outgoing);

  /// Waits until a socket, `wake_fd` or `timeout` comes.
  void wait(int wake_fd, Duration timeout);

  /// Receives and sends on the sockets that the last `wait` found ready.
  void serve();

  /// Drops what has waited too long and forgets idle links; to be called about once a second.
  void sweep(Instant now);

  /// From now on only sends.
  void stop_receiving() { receiving_ = false; }

  /// Closes the sockets: at once, or after what ZeroMQ holds was sent, for at most `linger_max`.
  void shut(bool linger);

 private:
  struct Dealer {
    Endpoint to;
    std::optional<zmq::socket_t> socket;  // none if it could not be made: tried again
    std::deque<Outgoing> waiting;
  };

  void connect(LinkId link, Dealer& dealer);
  [[nodiscard]] short wanted_of(SocketWatch::Key key) const;
  [[nodiscard]] bool paused() const;

  [[nodiscard]] int batch() const;
  [[nodiscard]] bool receive_one(zmq::socket_t& socket, ArrivedFrames& frames, int& left) const;
  void tell_ends();
  void receive_from_peers();
  void receive_from(LinkId link, zmq::socket_t& socket);
  [[nodiscard]] bool well_formed(const ArrivedFrames& frames, std::size_t first) const;
  [[nodiscard]] LinkId link_of_peer(const zmq::message_t& peer);
  void deliver(LinkId link, ArrivedFrames& frames, std::size_t first);

  [[nodiscard]] Sent send_body(zmq::socket_t& socket, Outgoing& outgoing);
  [[nodiscard]] Sent send_to_peer(LinkId link, Outgoing& outgoing);
  void flush(LinkId link, Dealer& dealer);
  void flush_stalled();
  void forget_inbound(LinkId link);
  void drop_unsent(std::deque<Outgoing>& waiting, Instant now);

  const PlaneOptions options_;
  const std::shared_ptr<zmq::context_t> context_;
  ChunkStore& chunks_;
  EventSink& sink_;
  SendBudget& budget_;
  TransportCounts& counts_;

  std::optional<zmq::socket_t> router_;
  std::optional<LinkEnds> ends_;  // of the router's connections; on the control plane
  InboundLinks inbound_;
  std::map<LinkId, std::deque<Outgoing>> stalled_;  // for peers that take no more just now
  std::map<LinkId, Dealer> dealers_;

  SocketWatch watch_;  // dealers by the number of their link, and the router
  std::span<const SocketWatch::Ready> ready_;
  bool receiving_ = true;
};

}  // namespace pixmesh

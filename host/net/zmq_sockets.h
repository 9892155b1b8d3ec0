#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include <zmq.hpp>

#include "base/result.h"
#include "base/time.h"
#include "base/transport.h"

namespace pixmesh {

// The one place that knows ZeroMQ's options and error numbers. A socket belongs to one thread.

/// The ZeroMQ context of a process's nodes: made by the first who asks, ended with the last who
/// holds it (the end waits for what is still being sent, at most `linger_max`). Two I/O threads:
/// one for the control plane, one for bulk, so that an image never delays a probe. Safe from any
/// thread.
[[nodiscard]] std::shared_ptr<zmq::context_t> node_zmq_context();

/// The one of a process's clients, likewise. It listens to nobody and answers no probe: one I/O
/// thread, no gate, and ZeroMQ's 1,023 sockets, which a command makes in a fraction of the time.
[[nodiscard]] std::shared_ptr<zmq::context_t> client_zmq_context();

inline constexpr Duration linger_max = 500ms;

/// How many whole messages one connection may hold inside ZeroMQ, each way.
struct PipeLimits {
  int send_count_max = 64;
  int receive_count_max = 16;
};

/// Where a DEALER's messages wait while nobody answers at its address.
enum class Unconnected : std::uint8_t {
  refuse,  // sending says `full`; the caller keeps them (ZMQ_IMMEDIATE)
  queue,   // inside ZeroMQ, up to `send_count_max`
};

/// A DEALER with a fresh random routing id that connects to `to` in the background, and again after
/// each loss: at once, then after 100 ms … 2 s. A host name is looked up as IPv4; IPv6 is written
/// in brackets: `[::1]:7600`.
/// Errors: `malformed` if `to` is not `host:port`; `failed` if no file descriptor is left.
[[nodiscard]] Result<zmq::socket_t> connect_dealer(zmq::context_t& context, Plane plane,
                                                   const Endpoint& to, PipeLimits limits,
                                                   Unconnected unconnected);

struct BoundRouter {
  zmq::socket_t socket;
  Endpoint address;  // as asked, with the port that was really taken
};

/// A ROUTER that listens at `at`: a number or `*` and a port; port 0 takes any free one.
/// Errors: `failed` if the port is taken, or if `at` is no address of this machine.
[[nodiscard]] Result<BoundRouter> bind_router(zmq::context_t& context, Plane plane,
                                              const Endpoint& at, PipeLimits limits);

enum class Sent : std::uint8_t {
  done,     // ZeroMQ has the frame; `frame` is empty
  full,     // try again when the socket is writable; `frame` is unchanged
  no_peer,  // a ROUTER's addressee is not connected; `frame` is unchanged
};

/// Sends one frame; never blocks. `more` says that another frame of the same message follows.
[[nodiscard]] Sent send_frame(zmq::socket_t& socket, zmq::message_t& frame, bool more);

/// One message that came in: its first frames, and how many it had. The rest are thrown away.
struct ArrivedFrames {
  static constexpr std::size_t kept_max = 3;
  std::array<zmq::message_t, kept_max> kept;
  std::size_t count = 0;
};

/// Takes one whole message; never blocks. @returns false if there is none.
[[nodiscard]] bool receive_frames(zmq::socket_t& socket, ArrivedFrames& out);

/// Waits until an item is ready or `timeout` has passed (rounded up to ms; negative is 0).
/// @returns false if nothing is ready, which may be early when a signal came.
bool poll_items(std::span<zmq_pollitem_t> items, Duration timeout);

}  // namespace pixmesh

#pragma once

#include <memory>
#include <optional>
#include <span>

#include <zmq.hpp>

#include "base/result.h"
#include "base/transport.h"
#include "host/net/socket_monitor.h"
#include "host/net/zmq_sockets.h"

namespace pixmesh {

/// What a wait ended with; all false when time ran out.
struct Readiness {
  bool control = false;
  bool bulk = false;
  bool lost = false;
  bool cancelled = false;
};

struct BulkFrame {
  Bytes message;
  std::optional<zmq::message_t> chunk;  // at most chunk_bytes_max; not yet checked
};

/// A command's connection to one node: asks along it and waits for the answers, on one thread.
///
/// Messages wait inside ZeroMQ until the node answers, so that the first can be sent before the
/// connection stands; whether anybody is there shows only in an answer. A client that talks to
/// several nodes keeps one of these for each and waits with `wait_any`. Movable, not thread-safe.
class DealerClient {
 public:
  DealerClient(DealerClient&&) = default;
  DealerClient& operator=(DealerClient&&) = delete;  // what is replaced would go in the wrong order

  /// Connects in the background. `bulk` may be empty: `open_bulk` comes later or never.
  /// Errors: `malformed` if an address is not `host:port`; `failed` without file descriptors.
  [[nodiscard]] static Result<DealerClient> open(const Endpoint& control, const Endpoint& bulk);

  /// Connects the bulk plane, in place of an earlier one. Errors as `open`.
  [[nodiscard]] Result<Done> open_bulk(const Endpoint& bulk);

  /// From now on `wait` ends too when the control connection does; it is made anew by itself.
  /// @returns false without file descriptors for it.
  [[nodiscard]] bool watch_connection();
  void stop_watching() { monitor_.reset(); }
  /// Whether it has ended since this was asked last, while it was watched.
  [[nodiscard]] bool take_loss();

  /// @returns false if 64 messages wait already (8 on bulk), the message or chunk is too large, or
  /// there is no bulk plane.
  [[nodiscard]] bool send(const Bytes& message);
  [[nodiscard]] bool send_bulk(const Bytes& message);
  [[nodiscard]] bool send_bulk(const Bytes& message, zmq::message_t chunk);  // takes it

  /// The next message, waiting at most `timeout`. Malformed ones are passed over.
  [[nodiscard]] std::optional<Bytes> receive(Duration timeout);
  [[nodiscard]] std::optional<BulkFrame> receive_bulk(Duration timeout);

  /// Waits until a plane has something or `cancel_fd` (-1: none) is readable.
  [[nodiscard]] Readiness wait(Duration timeout, int cancel_fd = -1);

  /// Waits until the control plane has something or one of these descriptors is readable.
  void wait_with(std::span<const int> descriptors, Duration timeout);

 private:
  friend Readiness wait_any(std::span<DealerClient* const>, Duration, int);
  DealerClient() = default;
  [[nodiscard]] std::optional<BulkFrame> take(zmq::socket_t& socket, Plane plane);
  [[nodiscard]] std::optional<BulkFrame> receive_on(std::optional<zmq::socket_t>& socket,
                                                    Plane plane, Duration timeout);

  std::shared_ptr<zmq::context_t> context_;  // ends after the sockets below
  std::optional<zmq::socket_t> control_;
  std::optional<zmq::socket_t> bulk_;
  std::unique_ptr<SocketMonitor> monitor_;  // of `control_`, so it goes first
};

/// Waits until any of several connections has something or `cancel_fd` (-1: none) is readable;
/// `receive(0s)` then tells which.
[[nodiscard]] Readiness wait_any(std::span<DealerClient* const> clients, Duration timeout,
                                 int cancel_fd = -1);

}  // namespace pixmesh

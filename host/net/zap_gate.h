#pragma once

#include <thread>

#include <zmq.hpp>

namespace pixmesh {

/// A ZeroMQ context whose listening sockets let nobody in by an old protocol.
///
/// libzmq answers ZMTP 1 and 2 too, which have no handshake to speak of: any bytes from a port
/// scanner become messages, and one that is being read while the socket closes stops the process
/// (libzmq 4.3.4, zmtp_engine.cpp:446). A socket with a ZAP domain refuses them, and asks this
/// gate (RFC 27) about every other connection. The gate says yes to all: who may *join* is for
/// keys to decide.
/// Safe from any thread. All sockets must be closed before its life ends, which waits for what is
/// still being sent (each socket's linger).
class GatedContext {
 public:
  GatedContext(int io_threads, int sockets_max);
  GatedContext(const GatedContext&) = delete;
  GatedContext& operator=(const GatedContext&) = delete;
  ~GatedContext();

  [[nodiscard]] zmq::context_t& context() { return context_; }

 private:
  static void answer(zmq::socket_t& gate);

  zmq::context_t context_;
  std::thread thread_;
};

}  // namespace pixmesh

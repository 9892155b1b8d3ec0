#include "host/net/zap_gate.h"

#include <array>
#include <memory>
#include <utility>

#include "host/system/signals.h"

namespace pixmesh {
namespace {

/// Reads one request whole. @returns its id (the second frame); throws ETERM at the end.
zmq::message_t receive_request(zmq::socket_t& gate) {
  zmq::message_t id;
  zmq::message_t frame;
  int position = 0;
  do {
    (void)gate.recv(frame);
    if (position++ == 1) id.copy(frame);
  } while (frame.more());
  return id;
}

}  // namespace

GatedContext::GatedContext(int io_threads, int sockets_max) : context_(io_threads) {
  context_.set(zmq::ctxopt::max_sockets, sockets_max);
  // Bound before any other socket exists: a listener without its gate would refuse everybody.
  auto gate = std::make_shared<zmq::socket_t>(context_, zmq::socket_type::rep);
  gate->set(zmq::sockopt::linger, 0);
  gate->bind("inproc://zeromq.zap.01");
  thread_ = start_quiet_thread([gate = std::move(gate)]() mutable {
    answer(*gate);
    gate.reset();
  });
}

GatedContext::~GatedContext() {
  context_.shutdown();
  thread_.join();
}

void GatedContext::answer(zmq::socket_t& gate) {
  try {
    while (true) {
      zmq::message_t id = receive_request(gate);
      std::array<zmq::message_t, 6> reply{zmq::message_t(std::string_view("1.0")), std::move(id),
                                          zmq::message_t(std::string_view("200")),
                                          zmq::message_t(std::string_view("OK"))};
      for (std::size_t i = 0; i < reply.size(); ++i) {
        const bool last = i + 1 == reply.size();
        gate.send(reply[i], last ? zmq::send_flags::none : zmq::send_flags::sndmore);
      }
    }
  } catch (const zmq::error_t&) {
    // ETERM: the context ends.
  }
}

}  // namespace pixmesh

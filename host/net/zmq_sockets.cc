#include "host/net/zmq_sockets.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/limits.h"
#include "host/net/zap_gate.h"
#include "host/system/entropy.h"

namespace pixmesh {
namespace {

constexpr int node_io_threads = 2;
constexpr int sockets_max = 30'000;  // one a plane for each of 10,000 members, and room

/// Made by the first who asks, ended by the last who holds it.
template <typename T>
class Shared {
 public:
  template <typename Make>
  std::shared_ptr<T> get(Make make) {
    const std::scoped_lock lock(mutex_);
    std::shared_ptr<T> held = current_.lock();
    if (!held) current_ = held = make();
    return held;
  }

 private:
  std::mutex mutex_;
  std::weak_ptr<T> current_;
};

int milliseconds_of(Duration duration) {
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(duration).count());
}

struct HostAndPort {
  std::string host;
  std::uint16_t port = 0;
};

/// ZeroMQ's addresses can say more than ours (`eth0;10.0.0.1:5`), and ours come from peers: only
/// characters that stand in names and numbers get through.
std::optional<HostAndPort> parse_endpoint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0 || text.size() > 300) return std::nullopt;
  HostAndPort parts{std::string(text.substr(0, colon)), 0};
  for (const char c : parts.host) {
    const bool letter_or_digit =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!letter_or_digit && std::string_view("-._:[]%*").find(c) == std::string_view::npos) {
      return std::nullopt;
    }
  }
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data() + colon + 1, end, parts.port);
  if (error != std::errc() || rest != end) return std::nullopt;
  return parts;
}

/// With IPv6 on, ZeroMQ tries only a name's first address, which is `::1` for `localhost` on
/// Debian, where a node that listens on 127.0.0.1 is not found.
bool wants_ipv6(const HostAndPort& parts) { return parts.host[0] == '[' || parts.host == "*"; }

/// One I/O thread for control and one for bulk, where the context has two.
std::uint64_t affinity_of(zmq::context_t& context, Plane plane) {
  const bool apart = context.get(zmq::ctxopt::io_threads) > 1;
  return apart && plane == Plane::bulk ? 2 : 1;
}

void set_common_options(zmq::socket_t& socket, PipeLimits limits, bool ipv6) {
  namespace opt = zmq::sockopt;
  socket.set(opt::ipv6, ipv6);
  socket.set(opt::linger, milliseconds_of(linger_max));
  socket.set(opt::maxmsgsize, std::int64_t{message_bytes_max});
  socket.set(opt::sndhwm, limits.send_count_max);
  socket.set(opt::rcvhwm, limits.receive_count_max);
  socket.set(opt::handshake_ivl, milliseconds_of(5s));
  // No ZeroMQ heartbeats: on the 40 links of a mesh of 20 they cost 8 kB/s a node at rest, and
  // members are probed anyway. A cut path shows when what was sent on it stays unacknowledged.
  socket.set(opt::tcp_maxrt, milliseconds_of(6s));
  socket.set(opt::tcp_keepalive, 1);
  socket.set(opt::tcp_keepalive_idle, 30);
  socket.set(opt::tcp_keepalive_intvl, 10);
  socket.set(opt::tcp_keepalive_cnt, 3);
}

std::array<std::uint8_t, 16> random_routing_id() {
  std::array<std::uint8_t, 16> id{};
  fill_from_entropy(id);
  id[0] |= 1;  // ids that begin with 0 belong to ZeroMQ
  return id;
}

Error bind_error(const HostAndPort& parts, int code) {
  const std::string port = std::to_string(parts.port);
  if (code == EADDRINUSE) {
    return {ErrorCode::failed, "port " + port + " on " + parts.host + " is taken"};
  }
  if (code == EACCES) {
    return {ErrorCode::failed, "port " + port + " needs root; take one above 1023"};
  }
  if (code == ENODEV || code == EADDRNOTAVAIL || code == EINVAL) {
    return {ErrorCode::failed, parts.host + " is no address of this machine; give a number, " +
                                   "for example 0.0.0.0:" + port};
  }
  return {ErrorCode::failed,
          "cannot listen at " + parts.host + ":" + port + ": " + zmq_strerror(code)};
}

bool receive_frame(zmq::socket_t& socket, zmq::message_t& frame) {
  while (zmq_msg_recv(frame.handle(), socket.handle(), ZMQ_DONTWAIT) < 0) {
    if (zmq_errno() != EINTR) return false;
  }
  return true;
}

}  // namespace

std::shared_ptr<zmq::context_t> node_zmq_context() {
  static Shared<GatedContext> shared;
  const auto gated =
      shared.get([] { return std::make_shared<GatedContext>(node_io_threads, sockets_max); });
  return {gated, &gated->context()};
}

std::shared_ptr<zmq::context_t> client_zmq_context() {
  static Shared<zmq::context_t> shared;
  return shared.get([] {
    auto context = std::make_shared<zmq::context_t>(1);
    context->set(zmq::ctxopt::max_sockets, sockets_max);  // of many clients of one process
    return context;
  });
}

Result<zmq::socket_t> connect_dealer(zmq::context_t& context, Plane plane, const Endpoint& to,
                                     PipeLimits limits, Unconnected unconnected) {
  const auto parts = parse_endpoint(to.text);
  if (!parts || parts->port == 0 || parts->host == "*") {
    return Error{ErrorCode::malformed, "'" + to.text + "' is not host:port"};
  }
  try {
    zmq::socket_t socket(context, zmq::socket_type::dealer);
    socket.set(zmq::sockopt::affinity, affinity_of(context, plane));
    set_common_options(socket, limits, wants_ipv6(*parts));
    socket.set(zmq::sockopt::routing_id, zmq::buffer(random_routing_id()));
    socket.set(zmq::sockopt::reconnect_ivl, milliseconds_of(100ms));
    socket.set(zmq::sockopt::reconnect_ivl_max, milliseconds_of(2s));
    // Without it a machine that is switched off holds the attempt for two minutes.
    socket.set(zmq::sockopt::connect_timeout, milliseconds_of(3s));
    socket.set(zmq::sockopt::immediate, unconnected == Unconnected::refuse);
    socket.connect("tcp://" + to.text);
    return socket;
  } catch (const zmq::error_t& error) {
    return Error{ErrorCode::failed, "cannot connect to " + to.text + ": " + error.what()};
  }
}

Result<BoundRouter> bind_router(zmq::context_t& context, Plane plane, const Endpoint& at,
                                PipeLimits limits) {
  const auto parts = parse_endpoint(at.text);
  if (!parts) {
    return Error{ErrorCode::failed,
                 "'" + at.text + "' is no address; give host:port, " + "for example 0.0.0.0:7600"};
  }
  try {
    zmq::socket_t socket(context, zmq::socket_type::router);
    socket.set(zmq::sockopt::affinity, affinity_of(context, plane));
    set_common_options(socket, limits, wants_ipv6(*parts));
    socket.set(zmq::sockopt::zap_domain, "pixmesh");  // see GatedContext
    socket.set(zmq::sockopt::router_mandatory, true);
    // A peer that reconnects before we noticed its loss keeps its id and so its link.
    socket.set(zmq::sockopt::router_handover, true);
    socket.set(zmq::sockopt::backlog, 512);
    socket.bind("tcp://" + at.text);
    const std::string bound = socket.get(zmq::sockopt::last_endpoint);
    return BoundRouter{std::move(socket), {parts->host + bound.substr(bound.rfind(':'))}};
  } catch (const zmq::error_t& error) {
    return bind_error(*parts, error.num());
  }
}

Sent send_frame(zmq::socket_t& socket, zmq::message_t& frame, bool more) {
  const int flags = ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0);
  while (zmq_msg_send(frame.handle(), socket.handle(), flags) < 0) {
    if (zmq_errno() == EINTR) continue;
    return zmq_errno() == EAGAIN ? Sent::full : Sent::no_peer;
  }
  return Sent::done;
}

bool receive_frames(zmq::socket_t& socket, ArrivedFrames& out) {
  out.count = 0;
  bool more = true;
  while (more) {
    zmq::message_t spare;
    zmq::message_t& frame = out.count < out.kept.size() ? out.kept[out.count] : spare;
    if (!receive_frame(socket, frame)) return false;
    ++out.count;
    more = frame.more();
  }
  return true;
}

bool poll_items(std::span<zmq_pollitem_t> items, Duration timeout) {
  const long wait = std::max(0, milliseconds_of(std::min<Duration>(timeout, 1h)));
  return zmq_poll(items.data(), static_cast<int>(items.size()), wait) > 0;
}

}  // namespace pixmesh

#include "host/net/plane_links.h"

#include <algorithm>
#include <utility>

#include "base/digest.h"
#include "base/limits.h"
#include "host/system/clocks.h"

namespace pixmesh {
namespace {

constexpr int control_batch = 256;  // messages taken from one socket before the others' turn
constexpr int bulk_batch = 16;
constexpr Duration retry_interval = 2ms;  // ZeroMQ does not tell when one ROUTER peer has room

constexpr SocketWatch::Key router_key = SocketWatch::key_max;
constexpr SocketWatch::Key ends_key = SocketWatch::key_max - 1;

ByteView view_of(const zmq::message_t& frame) { return {frame.data<std::uint8_t>(), frame.size()}; }

}  // namespace

PlaneLinks::PlaneLinks(PlaneOptions options, ChunkStore& chunks, EventSink& sink,
                       SendBudget& budget, TransportCounts& counts)
    : options_(options),
      context_(node_zmq_context()),
      chunks_(chunks),
      sink_(sink),
      budget_(budget),
      counts_(counts),
      inbound_(options.inbound_links_max) {}

Result<Endpoint> PlaneLinks::bind(const Endpoint& at) {
  const PipeLimits pipe{static_cast<int>(options_.limits.link_count_max),
                        options_.receive_count_max};
  auto bound = bind_router(*context_, options_.plane, at, pipe);
  if (!bound) return bound.error();
  BoundRouter router = std::move(bound).value();
  router_ = std::move(router.socket);
  watch_.add(router_key, *router_);
  if (options_.plane == Plane::control) {
    ends_.emplace(*context_, *router_);
    watch_.add(ends_key, ends_->socket());
  }
  return router.address;
}

void PlaneLinks::open(LinkId link, const Endpoint& to) {
  Dealer& dealer = dealers_[link];
  dealer.to = to;
  connect(link, dealer);
}

void PlaneLinks::connect(LinkId link, Dealer& dealer) {
  const PipeLimits pipe{static_cast<int>(options_.limits.link_count_max),
                        options_.receive_count_max};
  auto socket = connect_dealer(*context_, options_.plane, dealer.to, pipe, Unconnected::refuse);
  if (!socket) return counts_.add(TransportCount::sockets_refused);
  dealer.socket = std::move(socket).value();
  watch_.add(link.raw, *dealer.socket);
}

void PlaneLinks::close(LinkId link) {
  const auto found = dealers_.find(link);
  if (found == dealers_.end()) {
    if (inbound_.forget(link)) counts_.add(TransportCount::inbound_links_forgotten);
    stalled_.erase(link);
    return;
  }
  watch_.remove(link.raw);
  if (found->second.socket) found->second.socket->set(zmq::sockopt::linger, 0);
  dealers_.erase(found);
}

void PlaneLinks::send(LinkId link, Outgoing outgoing) {
  const auto dealer = dealers_.find(link);
  if (dealer != dealers_.end()) {
    dealer->second.waiting.push_back(std::move(outgoing));
    return flush(link, dealer->second);
  }
  const auto stalled = stalled_.find(link);
  if (stalled != stalled_.end()) return stalled->second.push_back(std::move(outgoing));
  if (send_to_peer(link, outgoing) == Sent::full) stalled_[link].push_back(std::move(outgoing));
}

void PlaneLinks::wait(int wake_fd, Duration timeout) {
  if (!stalled_.empty() || paused()) timeout = std::min(timeout, retry_interval);
  ready_ = watch_.wait(wake_fd, timeout, [this](auto key) { return wanted_of(key); });
}

short PlaneLinks::wanted_of(SocketWatch::Key key) const {
  const short reading = receiving_ && !paused() ? ZMQ_POLLIN : 0;
  const auto dealer = dealers_.find(LinkId{key});
  const bool writing = dealer != dealers_.end() && !dealer->second.waiting.empty();
  return static_cast<short>(reading | (writing ? ZMQ_POLLOUT : 0));
}

void PlaneLinks::serve() {
  flush_stalled();
  for (const auto [key, events] : ready_) {
    if (key == router_key) {
      receive_from_peers();
      continue;
    }
    if (key == ends_key) {
      tell_ends();
      continue;
    }
    const auto found = dealers_.find(LinkId{key});
    if (found == dealers_.end()) continue;  // closed since
    if ((events & ZMQ_POLLOUT) != 0) flush(found->first, found->second);
    if ((events & ZMQ_POLLIN) != 0) receive_from(found->first, *found->second.socket);
  }
  ready_ = {};
}

int PlaneLinks::batch() const {
  return options_.plane == Plane::control ? control_batch : bulk_batch;
}

bool PlaneLinks::paused() const {
  return options_.plane == Plane::bulk && chunks_.count() >= options_.chunks_in_memory_max;
}

/// The next message, as long as `left` allows it; the watch tells of the rest again.
bool PlaneLinks::receive_one(zmq::socket_t& socket, ArrivedFrames& frames, int& left) const {
  return left-- > 0 && !paused() && receive_frames(socket, frames);
}

void PlaneLinks::tell_ends() {
  for (const LinkId link : ends_->take_closed()) sink_.post(LinkClosed{link});
}

void PlaneLinks::receive_from_peers() {
  ArrivedFrames frames;
  int left = batch();
  while (receive_one(*router_, frames, left)) {
    if (well_formed(frames, 1)) {
      const LinkId link = link_of_peer(frames.kept[0]);
      if (ends_) ends_->note(connection_of(frames.kept[1]), link);
      deliver(link, frames, 1);
    } else {
      counts_.add(TransportCount::malformed_in);
    }
  }
}

void PlaneLinks::receive_from(LinkId link, zmq::socket_t& socket) {
  ArrivedFrames frames;
  int left = batch();
  while (receive_one(socket, frames, left)) {
    if (!well_formed(frames, 0)) {
      counts_.add(TransportCount::malformed_in);
    } else if (budget_.knows(link)) {
      deliver(link, frames, 0);
    }
  }
}

bool PlaneLinks::well_formed(const ArrivedFrames& frames, std::size_t first) const {
  if (frames.count == first + 1) return true;
  return options_.plane == Plane::bulk && frames.count == first + 2 &&
         frames.kept[first + 1].size() <= chunk_bytes_max;
}

LinkId PlaneLinks::link_of_peer(const zmq::message_t& peer) {
  const std::string_view id = text_of(view_of(peer));
  const Instant now = monotonic_now();
  if (const auto known = inbound_.find(id, now)) {
    if (budget_.knows(*known)) return *known;
    close(*known);  // another thread closed it; the command is on its way here
  }
  const LinkId link = budget_.add_link();
  counts_.add(TransportCount::inbound_links_made);
  if (const auto pushed_out = inbound_.add(id, link, now)) forget_inbound(*pushed_out);
  return link;
}

void PlaneLinks::deliver(LinkId link, ArrivedFrames& frames, std::size_t first) {
  const ByteView message = view_of(frames.kept[first]);
  MessageArrived arrived{link, options_.plane, Bytes(message.begin(), message.end()), {}};
  std::uint64_t bytes = message.size();
  if (frames.count == first + 2) {
    zmq::message_t& chunk = frames.kept[first + 1];
    bytes += chunk.size();
    const std::uint64_t checksum = chunk_checksum(view_of(chunk));
    arrived.chunk = chunks_.add(std::move(chunk), checksum);
  }
  counts_.add(TransportCount::messages_in);
  counts_.add(TransportCount::bytes_in, bytes);
  sink_.post(std::move(arrived));
}

Sent PlaneLinks::send_body(zmq::socket_t& socket, Outgoing& outgoing) {
  Sent sent = send_frame(socket, outgoing.message, outgoing.chunk != nullptr);
  if (sent == Sent::done && outgoing.chunk) {
    // Copies are made on this thread only: ZeroMQ's first copy of a message changes the original.
    zmq::message_t chunk;
    chunk.copy(*outgoing.chunk);
    // Between the frames the connection can be lost; the first is then gone with it.
    if (send_frame(socket, chunk, false) != Sent::done) sent = Sent::no_peer;
  }
  if (sent == Sent::done) {
    counts_.add(TransportCount::messages_out);
    counts_.add(TransportCount::bytes_out, outgoing.bytes);
  }
  return sent;
}

Sent PlaneLinks::send_to_peer(LinkId link, Outgoing& outgoing) {
  const std::string* const peer = inbound_.peer_of(link, monotonic_now());
  if (peer == nullptr || !router_) {
    counts_.add(TransportCount::dropped_unknown_link);
    return Sent::no_peer;
  }
  watch_.touch(router_key);
  zmq::message_t id(*peer);
  Sent sent = send_frame(*router_, id, true);
  if (sent == Sent::done) sent = send_body(*router_, outgoing);
  if (sent == Sent::no_peer) {
    counts_.add(TransportCount::dropped_peer_gone);
    inbound_.forget(link);
    forget_inbound(link);
  }
  return sent;
}

void PlaneLinks::flush(LinkId link, Dealer& dealer) {
  watch_.touch(link.raw);
  while (dealer.socket && !dealer.waiting.empty()) {
    const Sent sent = send_body(*dealer.socket, dealer.waiting.front());
    if (sent == Sent::full) return;
    if (sent == Sent::no_peer) counts_.add(TransportCount::dropped_peer_gone);
    dealer.waiting.pop_front();
  }
}

void PlaneLinks::flush_stalled() {
  for (auto place = stalled_.begin(); place != stalled_.end();) {
    std::deque<Outgoing>& waiting = place->second;
    while (!waiting.empty() && send_to_peer(place->first, waiting.front()) != Sent::full) {
      waiting.pop_front();
    }
    place = waiting.empty() ? stalled_.erase(place) : std::next(place);
  }
}

void PlaneLinks::forget_inbound(LinkId link) {
  budget_.remove_link(link);
  counts_.add(TransportCount::inbound_links_forgotten);
}

void PlaneLinks::sweep(Instant now) {
  for (auto& [link, dealer] : dealers_) {
    drop_unsent(dealer.waiting, now);
    if (!dealer.socket) connect(link, dealer);
  }
  for (auto& [link, waiting] : stalled_) drop_unsent(waiting, now);
  for (const LinkId link : inbound_.forget_idle(now - options_.inbound_idle_max)) {
    forget_inbound(link);
  }
}

void PlaneLinks::drop_unsent(std::deque<Outgoing>& waiting, Instant now) {
  while (!waiting.empty() && waiting.front().accepted + options_.unsent_max < now) {
    counts_.add(TransportCount::dropped_unsent);
    waiting.pop_front();
  }
}

void PlaneLinks::shut(bool linger) {
  stalled_.clear();
  ends_.reset();
  if (router_ && !linger) router_->set(zmq::sockopt::linger, 0);
  router_.reset();
  for (auto& [link, dealer] : dealers_) {
    if (dealer.socket && !linger) dealer.socket->set(zmq::sockopt::linger, 0);
  }
  dealers_.clear();
}

}  // namespace pixmesh

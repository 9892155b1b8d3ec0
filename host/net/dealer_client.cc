#include "host/net/dealer_client.h"

#include <array>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "host/system/clocks.h"

namespace pixmesh {
namespace {

constexpr PipeLimits control_limits{.send_count_max = 64, .receive_count_max = 64};
constexpr PipeLimits bulk_limits{.send_count_max = 8, .receive_count_max = 8};

/// A copy: messages of a client are small, and chunks do not pass here.
zmq::message_t frame_of(const Bytes& message) { return {message.data(), message.size()}; }

}  // namespace

Result<DealerClient> DealerClient::open(const Endpoint& control, const Endpoint& bulk) {
  DealerClient client;
  client.context_ = client_zmq_context();
  auto socket =
      connect_dealer(*client.context_, Plane::control, control, control_limits, Unconnected::queue);
  if (!socket) return socket.error();
  client.control_ = std::move(socket).value();
  if (!bulk.text.empty()) {
    const auto opened = client.open_bulk(bulk);
    if (!opened) return opened.error();
  }
  return client;
}

Result<Done> DealerClient::open_bulk(const Endpoint& bulk) {
  auto socket = connect_dealer(*context_, Plane::bulk, bulk, bulk_limits, Unconnected::queue);
  if (!socket) return socket.error();
  bulk_ = std::move(socket).value();
  return Done{};
}

bool DealerClient::watch_connection() {
  if (!monitor_) monitor_ = SocketMonitor::open(*context_, *control_, ZMQ_EVENT_DISCONNECTED);
  return monitor_ != nullptr;
}

bool DealerClient::take_loss() {
  bool lost = false;
  while (monitor_ && monitor_->next()) lost = true;
  return lost;
}

bool DealerClient::send(const Bytes& message) {
  if (message.size() > message_bytes_max) return false;
  zmq::message_t frame = frame_of(message);
  return send_frame(*control_, frame, false) == Sent::done;
}

bool DealerClient::send_bulk(const Bytes& message) {
  if (!bulk_ || message.size() > message_bytes_max) return false;
  zmq::message_t frame = frame_of(message);
  return send_frame(*bulk_, frame, false) == Sent::done;
}

bool DealerClient::send_bulk(const Bytes& message, zmq::message_t chunk) {
  if (!bulk_ || message.size() > message_bytes_max || chunk.size() > chunk_bytes_max) return false;
  zmq::message_t frame = frame_of(message);
  return send_frame(*bulk_, frame, true) == Sent::done &&
         send_frame(*bulk_, chunk, false) == Sent::done;
}

std::optional<Bytes> DealerClient::receive(Duration timeout) {
  auto arrived = receive_on(control_, Plane::control, timeout);
  if (!arrived) return std::nullopt;
  return std::move(arrived->message);
}

std::optional<BulkFrame> DealerClient::receive_bulk(Duration timeout) {
  return receive_on(bulk_, Plane::bulk, timeout);
}

std::optional<BulkFrame> DealerClient::receive_on(std::optional<zmq::socket_t>& socket, Plane plane,
                                                  Duration timeout) {
  if (!socket) return std::nullopt;
  const Instant deadline = monotonic_now() + timeout;
  while (true) {
    if (auto arrived = take(*socket, plane)) return arrived;
    const Duration left = deadline - monotonic_now();
    if (left <= 0s) return std::nullopt;
    std::array<zmq_pollitem_t, 1> item{zmq_pollitem_t{socket->handle(), 0, ZMQ_POLLIN, 0}};
    poll_items(item, left);
  }
}

std::optional<BulkFrame> DealerClient::take(zmq::socket_t& socket, Plane plane) {
  ArrivedFrames frames;
  while (receive_frames(socket, frames)) {
    const bool with_chunk = plane == Plane::bulk && frames.count == 2;
    if (frames.count != 1 && !with_chunk) continue;
    if (with_chunk && frames.kept[1].size() > chunk_bytes_max) continue;
    const auto* const first = frames.kept[0].data<std::uint8_t>();
    BulkFrame arrived{Bytes(first, first + frames.kept[0].size()), {}};
    if (with_chunk) arrived.chunk = std::move(frames.kept[1]);
    return arrived;
  }
  return std::nullopt;
}

Readiness DealerClient::wait(Duration timeout, int cancel_fd) {
  const std::array<DealerClient*, 1> self{this};
  return wait_any(self, timeout, cancel_fd);
}

void DealerClient::wait_with(std::span<const int> descriptors, Duration timeout) {
  std::vector<zmq_pollitem_t> items{{control_->handle(), 0, ZMQ_POLLIN, 0}};
  for (const int descriptor : descriptors) items.push_back({nullptr, descriptor, ZMQ_POLLIN, 0});
  (void)poll_items(items, timeout);
}

Readiness wait_any(std::span<DealerClient* const> clients, Duration timeout, int cancel_fd) {
  std::vector<zmq_pollitem_t> items;
  for (DealerClient* const client : clients) {
    items.push_back({client->control_->handle(), 0, ZMQ_POLLIN, 0});
    if (client->bulk_) items.push_back({client->bulk_->handle(), 0, ZMQ_POLLIN, 0});
    if (client->monitor_) items.push_back({client->monitor_->socket().handle(), 0, ZMQ_POLLIN, 0});
  }
  if (cancel_fd >= 0) items.push_back({nullptr, cancel_fd, ZMQ_POLLIN, 0});
  const Instant deadline = monotonic_now() + timeout;
  while (!poll_items(items, deadline - monotonic_now())) {
    if (monotonic_now() >= deadline) return {};
  }
  Readiness ready;
  std::size_t next = 0;
  for (DealerClient* const client : clients) {
    ready.control |= items[next++].revents != 0;
    if (client->bulk_) ready.bulk |= items[next++].revents != 0;
    if (client->monitor_) ready.lost |= items[next++].revents != 0;
  }
  if (cancel_fd >= 0) ready.cancelled = items[next].revents != 0;
  return ready;
}

}  // namespace pixmesh

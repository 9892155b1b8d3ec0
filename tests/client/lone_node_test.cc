#include <doctest/doctest.h>

#include <thread>

#include "client/client.h"
#include "host/net/zmq_transport.h"
#include "host/system/clocks.h"
#include "host/system/event_queue.h"
#include "wire/message.h"

using namespace pixmesh;

namespace {

/// A mesh of one node that does not answer the first question for a row. A later one it answers
/// with a row that nobody holds.
class LoneNode {
 public:
  explicit LoneNode(std::uint32_t partition_bits) : partition_bits_(partition_bits) {
    const ZmqTransportOptions anywhere{.control_bind = {"127.0.0.1:0"},
                                       .bulk_bind = {"127.0.0.1:0"}};
    auto started = ZmqTransport::start(anywhere, chunks_, queue_);
    REQUIRE(started);
    transport_ = std::move(started).value();
    thread_ = std::jthread([this](const std::stop_token& stop) {
      while (!stop.stop_requested()) serve();
    });
  }
  LoneNode(const LoneNode&) = delete;
  LoneNode& operator=(const LoneNode&) = delete;
  ~LoneNode() {
    thread_.request_stop();
    thread_.join();
  }
  [[nodiscard]] const Endpoint& control() const { return transport_->bound(Plane::control); }

 private:
  void serve() {
    HostEvent event;
    if (!queue_.wait_next(monotonic_now() + 20ms, event)) return;
    const auto* arrived = std::get_if<MessageArrived>(&event);
    if (arrived == nullptr) return;
    const auto message = decode_message(arrived->message);
    if (!message) return;
    if (const auto* mesh = std::get_if<MeshRequest>(&message.value())) {
      MeshAnswer answer;
      answer.operation = mesh->operation;
      answer.mesh.raw[0] = answer.node.raw[0] = 1;
      answer.partition_bits = partition_bits_;
      answer.replicas = answer.write_quorum = 1;
      answer.members.push_back({answer.node, control().text, "", "", true});
      (void)transport_->send(arrived->link, encode(answer));
    } else if (const auto* row = std::get_if<RowRequest>(&message.value())) {
      if (++rows_asked_ == 1) return;
      RowAnswer answer;
      answer.operation = row->operation;
      (void)transport_->send(arrived->link, encode(answer));
    }
  }

  std::uint32_t partition_bits_;
  int rows_asked_ = 0;
  ChunkStore chunks_;
  EventQueue queue_;
  std::unique_ptr<ZmqTransport> transport_;
  std::jthread thread_;
};

ClientOptions options_for(const LoneNode& node) {
  ClientOptions options;
  options.nodes = {node.control()};
  options.connect_timeout = 500ms;
  return options;
}

}  // namespace

TEST_CASE("client: the only node that it knows is asked again, though it was silent once") {
  LoneNode node(6);
  auto client = Client::connect(options_for(node));
  REQUIRE(client);
  const auto found = client.value()->stat("a.png", false);
  REQUIRE_FALSE(found);
  CHECK(found.error().detail == "the partition has no holders");
}

TEST_CASE("client: what describes a mesh without partitions is no node") {
  for (const std::uint32_t bits : {0U, 17U, 64U}) {
    LoneNode node(bits);
    CHECK_FALSE(Client::connect(options_for(node)));
  }
}

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <optional>
#include <thread>

#include "base/limits.h"
#include "client/client.h"
#include "host/net/zmq_transport.h"
#include "host/system/clocks.h"
#include "host/system/event_queue.h"
#include "wire/message.h"

using namespace pixmesh;

namespace {

/// A mesh of one node. Unless a test wants it otherwise it does not answer the first question for a
/// row; a later one it answers with a row that nobody holds.
class LoneNode {
 public:
  explicit LoneNode(std::uint32_t partition_bits) : partition_bits_(partition_bits) {
    const ZmqTransportOptions anywhere{.control_bind = {"127.0.0.1:0"},
                                       .bulk_bind = {"127.0.0.1:0"}};
    auto started = ZmqTransport::start(anywhere, chunks_, queue_);
    REQUIRE(started);
    transport_ = std::move(started).value();
  }
  LoneNode(const LoneNode&) = delete;
  LoneNode& operator=(const LoneNode&) = delete;
  virtual ~LoneNode() { stop(); }

  void start() {
    thread_ = std::jthread([this](const std::stop_token& stop) {
      while (!stop.stop_requested()) serve();
    });
  }
  void stop() {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
  }
  [[nodiscard]] const Endpoint& control() const { return transport_->bound(Plane::control); }

 protected:
  /// What it says to a message, if anything.
  [[nodiscard]] virtual std::optional<Message> answer_to(const Message& message) {
    if (const auto* mesh = std::get_if<MeshRequest>(&message)) {
      MeshAnswer answer;
      answer.operation = mesh->operation;
      answer.mesh.raw[0] = answer.node.raw[0] = 1;
      answer.partition_bits = partition_bits_;
      answer.replicas = answer.write_quorum = 1;
      answer.members.push_back({answer.node, control().text, "", "", true});
      return answer;
    }
    const auto* row = std::get_if<RowRequest>(&message);
    if (row == nullptr || ++rows_asked_ == 1) return std::nullopt;
    RowAnswer answer;
    answer.operation = row->operation;
    return answer;
  }

 private:
  void serve() {
    HostEvent event;
    if (!queue_.wait_next(monotonic_now() + 20ms, event)) return;
    const auto* arrived = std::get_if<MessageArrived>(&event);
    if (arrived == nullptr) return;
    const auto message = decode_message(arrived->message);
    if (!message) return;
    const auto answer = answer_to(message.value());
    if (answer) (void)transport_->send(arrived->link, encode(*answer));
  }

  std::uint32_t partition_bits_;
  int rows_asked_ = 0;
  ChunkStore chunks_;
  EventQueue queue_;
  std::unique_ptr<ZmqTransport> transport_;
  std::jthread thread_;
};

/// Holds everything, and is done with a run when it is told twice that somebody waits for it.
class SlowNode : public LoneNode {
 public:
  SlowNode() : LoneNode(6) {}
  ~SlowNode() override { stop(); }

  /// How often it was told so.
  [[nodiscard]] int heard() const { return heard_; }

 protected:
  std::optional<Message> answer_to(const Message& message) override {
    if (const auto* row = std::get_if<RowRequest>(&message)) {
      RowAnswer answer;
      answer.operation = row->operation;
      answer.holders.push_back({NodeId{{1}}, control().text, control().text, "", true});
      return answer;
    }
    if (const auto* wish = std::get_if<RunRequest>(&message)) {
      RunCandidates answer;
      answer.operation = wish->operation;
      answer.candidates.emplace_back();
      answer.candidates.back().control = answer.candidates.back().bulk = control().text;
      return answer;
    }
    if (const auto* start = std::get_if<RunStart>(&message)) {
      run_ = start->operation;
      return RunAccepted{run_, 0};
    }
    if (const auto* alive = std::get_if<AliveRequest>(&message)) {
      return AliveAnswer{alive->operation, UINT64_MAX};
    }
    if (!std::holds_alternative<RunAlive>(message)) return LoneNode::answer_to(message);
    if (++heard_ < 2) return std::nullopt;
    RunDone done;
    done.operation = run_;
    done.output = Bytes{1, 2, 3};
    done.output_size = done.output.size();
    return done;
  }

 private:
  OperationId run_;
  std::atomic<int> heard_ = 0;
};

/// Ends this process's own connections to a port of this machine.
void end_connections_to(const std::string& address) {
  const int port = std::stoi(address.substr(address.rfind(':') + 1));
  for (int descriptor = 3; descriptor < 1024; ++descriptor) {
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    auto* into = reinterpret_cast<sockaddr*>(&peer);
    if (getpeername(descriptor, into, &size) != 0 || peer.sin_family != AF_INET) continue;
    if (ntohs(peer.sin_port) == port) (void)shutdown(descriptor, SHUT_RDWR);
  }
}

/// Counts bytes.
class Sink : public ByteSink {
 public:
  Result<Done> write(ByteView bytes) override {
    size += bytes.size();
    return Done{};
  }
  Result<Done> restart() override { return Done{}; }
  std::size_t size = 0;
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
  node.start();
  auto client = Client::connect(options_for(node));
  REQUIRE(client);
  const auto found = client.value()->stat("a.png", false);
  REQUIRE_FALSE(found);
  CHECK(found.error().detail == "the partition has no holders");
}

TEST_CASE("client: what describes a mesh without partitions is no node") {
  for (const std::uint32_t bits : {0U, 17U, 64U}) {
    LoneNode node(bits);
    node.start();
    CHECK_FALSE(Client::connect(options_for(node)));
  }
}

// The node would give the run up 0.7 s after the connection has ended; the next word is due later.
TEST_CASE("client: whose connection ends while it waits for a run says at once that it is there") {
  SlowNode node;
  node.start();
  auto client = Client::connect(options_for(node));
  REQUIRE(client);
  std::atomic<bool> ended = false;
  const std::jthread breaks([&] {
    while (node.heard() == 0) std::this_thread::sleep_for(5ms);
    std::this_thread::sleep_for(200ms);  // it watches by now
    end_connections_to(node.control().text);
    ended = true;
  });
  RunOptions options;
  options.name = "a.jpg";
  options.recipe = "thumbnail";
  Sink sink;
  const Instant begun = monotonic_now();
  const auto receipt = client.value()->run(options, sink, {});
  REQUIRE_MESSAGE(receipt, receipt.error().detail);
  CHECK(sink.size == 3);
  CHECK(ended);
  CHECK(monotonic_now() < begun + run_alive_every);
}

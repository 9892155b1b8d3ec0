// Two transports on the loopback device, each with its own loop, as in two nodes:
// control ping-pong (median and 99th percentile), bulk throughput with 1 MiB chunks and a credit
// of 4, and both at once. Usage: transport_benchmark [rounds] [chunks]

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "base/digest.h"
#include "base/limits.h"
#include "host/net/zmq_transport.h"
#include "host/system/clocks.h"
#include "host/system/event_queue.h"

namespace {

using namespace pixmesh;

constexpr int credit = 4;

/// A node that sends each control message back and answers each chunk with a grant.
class Echo {
 public:
  Echo() : transport_(start(chunks_, queue_)), thread_([this] { run(); }) {}
  ~Echo() {
    queue_.post(StopAsked{});
    thread_.join();
    transport_->stop();
  }
  Echo(const Echo&) = delete;
  Echo& operator=(const Echo&) = delete;
  const Endpoint& bound(Plane plane) const { return transport_->bound(plane); }

  static std::unique_ptr<ZmqTransport> start(ChunkStore& chunks, EventQueue& queue) {
    auto started = ZmqTransport::start(
        {.control_bind = {"127.0.0.1:0"}, .bulk_bind = {"127.0.0.1:0"}}, chunks, queue);
    invariant(started.has_value(), "the benchmark finds free ports");
    return std::move(started).value();
  }

 private:
  void run() {
    HostEvent event;
    while (queue_.wait_next(Instant::max(), event) && !std::holds_alternative<StopAsked>(event)) {
      auto* arrived = std::get_if<MessageArrived>(&event);
      if (arrived == nullptr) continue;
      if (arrived->chunk) chunks_.release(*arrived->chunk);
      transport_->send(arrived->link, std::move(arrived->message));
    }
  }

  ChunkStore chunks_;
  EventQueue queue_;
  std::unique_ptr<ZmqTransport> transport_;
  std::thread thread_;
};

struct Asker {
  ChunkStore chunks;
  EventQueue queue;
  std::unique_ptr<ZmqTransport> transport = Echo::start(chunks, queue);

  void await() {
    HostEvent event;
    invariant(queue.wait_next(monotonic_now() + 10s, event), "an answer comes within 10 s");
  }
};

void ping_pong(const Echo& peer, int rounds, const char* title) {
  Asker asker;
  const LinkId link = asker.transport->open(Plane::control, peer.bound(Plane::control));
  std::vector<double> times;
  for (int i = 0; i < rounds; ++i) {
    const Instant start = monotonic_now();
    asker.transport->send(link, Bytes(120));
    asker.await();
    times.push_back(std::chrono::duration<double, std::micro>(monotonic_now() - start).count());
  }
  std::sort(times.begin(), times.end());
  const std::size_t count = times.size();
  std::printf("%s: p50 %.0f us, p99 %.0f us, max %.0f us\n", title, times[count / 2],
              times[count * 99 / 100], times.back());
}

void bulk(const Echo& peer, int chunks) {
  Asker asker;
  const LinkId link = asker.transport->open(Plane::bulk, peer.bound(Plane::bulk));
  std::vector<ChunkRef> content;  // more than the processor's caches hold, as images are
  for (int i = 0; i < 64; ++i) {
    zmq::message_t piece(chunk_bytes_max);
    std::fill_n(piece.data<char>(), piece.size(), static_cast<char>(i));
    content.push_back(asker.chunks.add(std::move(piece), 0));
  }
  const Instant start = monotonic_now();
  for (int i = 0; i < chunks; ++i) {
    if (i >= credit) asker.await();
    const ChunkRef chunk = content[static_cast<std::size_t>(i) % content.size()];
    invariant(asker.transport->send_chunk(link, Bytes(64), chunk), "four chunks fit the queue");
  }
  for (int i = 0; i < std::min(credit, chunks); ++i) asker.await();
  const double seconds = std::chrono::duration<double>(monotonic_now() - start).count();
  std::printf("bulk, 1 MiB chunks, credit %d: %.0f MB/s\n", credit,
              chunks * double{chunk_bytes_max} / 1e6 / seconds);
}

void control_flood(const Echo& peer, int messages) {
  Asker asker;
  const LinkId link = asker.transport->open(Plane::control, peer.bound(Plane::control));
  constexpr int window = 1000;
  const Instant start = monotonic_now();
  for (int i = 0; i < messages; ++i) {
    if (i >= window) asker.await();
    invariant(asker.transport->send(link, Bytes(120)), "a window of small messages fits");
  }
  for (int i = 0; i < std::min(window, messages); ++i) asker.await();
  const double seconds = std::chrono::duration<double>(monotonic_now() - start).count();
  std::printf("control, 120 B, %d in flight: %.0f round trips/s\n", window, messages / seconds);
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 10'000;
  const int chunks = argc > 2 ? std::atoi(argv[2]) : 4'000;
  const Echo peer;
  ping_pong(peer, rounds, "control ping-pong, 120 B");
  control_flood(peer, rounds * 10);
  bulk(peer, chunks);
  std::atomic<bool> busy = true;
  std::thread load([&] {
    while (busy) bulk(peer, chunks);
  });
  ping_pong(peer, rounds, "control ping-pong beside bulk");
  busy = false;
  load.join();
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  std::printf("peak memory of the process: %ld MB\n", usage.ru_maxrss / 1024);
  return 0;
}

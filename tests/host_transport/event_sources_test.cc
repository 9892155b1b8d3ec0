#include <doctest/doctest.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "host/disk/worker_background.h"
#include "host/system/chunk_store.h"
#include "host/system/clocks.h"
#include "host/system/entropy.h"
#include "host/system/event_queue.h"
#include "host/system/signals.h"

using namespace pixmesh;

namespace {

MessageArrived message_of(std::size_t size) { return {LinkId{1}, Plane::control, Bytes(size), {}}; }

}  // namespace

TEST_CASE("host_transport: the queue gives events in order and none before its deadline") {
  EventQueue queue;
  HostEvent event;
  CHECK_FALSE(queue.wait_next(monotonic_now() + 5ms, event));
  queue.post(BackgroundDone{OperationId{1}});
  queue.post(StopAsked{});
  REQUIRE(queue.wait_next(Instant{}, event));
  CHECK(std::get<BackgroundDone>(event).ticket == OperationId{1});
  REQUIRE(queue.wait_next(Instant::max(), event));
  CHECK(std::holds_alternative<StopAsked>(event));
  CHECK(queue.waiting_max() == 2);
}

TEST_CASE("host_transport: the queue wakes who waits") {
  EventQueue queue;
  std::thread poster([&queue] { queue.post(StopAsked{}); });
  HostEvent event;
  CHECK(queue.wait_next(Instant::max(), event));
  poster.join();
}

namespace {

/// Counts its turns; sleeps like a source that nothing comes to.
struct Idle : LoopSource {
  void serve(int wake_fd, Duration timeout) override {
    ++turns;
    pollfd wait{wake_fd, POLLIN, 0};
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(std::min<Duration>(timeout, 10s));
    (void)::poll(&wait, 1, static_cast<int>(ms.count()));
    if (on_turn) on_turn();
  }
  std::atomic<int> turns = 0;
  std::function<void()> on_turn;
};

}  // namespace

TEST_CASE("host_transport: what is posted wakes a loop that sleeps in its source, each time") {
  EventQueue queue;
  Idle source;
  queue.serve_while_waiting(&source);
  HostEvent event;
  for (int i = 0; i < 3; ++i) {
    const int seen = source.turns;
    std::thread poster([&] {
      while (source.turns == seen) std::this_thread::yield();
      queue.post(StopAsked{});
    });
    const Instant before = monotonic_now();
    CHECK(queue.wait_next(before + 10s, event));
    CHECK(monotonic_now() - before < 5s);
    poster.join();
  }
  CHECK_FALSE(queue.wait_next(monotonic_now() + 5ms, event));
  CHECK_FALSE(queue.wait_next(Instant{}, event));
}

TEST_CASE("host_transport: a source posts from the loop, and has its turn while events wait") {
  EventQueue queue;
  Idle source;
  queue.serve_while_waiting(&source);
  source.on_turn = [&] {
    if (source.turns == 1) queue.post(ReloadAsked{});
  };
  HostEvent event;
  CHECK(queue.wait_next(Instant{}, event));
  CHECK(std::holds_alternative<ReloadAsked>(event));

  for (int i = 0; i < 1'000; ++i) queue.post(BackgroundDone{});
  const int before = source.turns;
  for (int i = 0; i < 1'000; ++i) REQUIRE(queue.wait_next(Instant{}, event));
  CHECK(source.turns - before >= 10);
  CHECK(source.turns - before <= 100);
}

TEST_CASE("host_transport: a full queue drops plain messages only, and counts them") {
  EventQueue queue({.message_bytes_max = 100, .messages_max = 3});
  queue.post(message_of(60));
  queue.post(message_of(60));  // over 100 bytes
  queue.post(message_of(20));
  queue.post(message_of(20));
  queue.post(message_of(0));  // over 3 messages
  MessageArrived with_chunk = message_of(60);
  with_chunk.chunk = ChunkRef{};
  queue.post(with_chunk);
  queue.post(BackgroundDone{});
  CHECK(queue.dropped_count() == 2);
  CHECK(queue.waiting_count() == 5);

  HostEvent event;
  while (queue.wait_next(Instant{}, event)) {
  }
  queue.post(message_of(100));
  CHECK(queue.waiting_count() == 1);
}

TEST_CASE("host_transport: signals become events, each interrupt of its own") {
  block_signals();
  EventQueue queue;
  const SignalThread signals(queue);
  HostEvent event;
  const Duration patience = 5s;
  for (int i = 0; i < 2; ++i) {
    REQUIRE(::kill(::getpid(), SIGINT) == 0);
    REQUIRE(queue.wait_next(monotonic_now() + patience, event));
    CHECK(std::holds_alternative<StopAsked>(event));
  }
  REQUIRE(::kill(::getpid(), SIGPIPE) == 0);
  REQUIRE(::kill(::getpid(), SIGHUP) == 0);
  REQUIRE(queue.wait_next(monotonic_now() + patience, event));
  CHECK(std::holds_alternative<ReloadAsked>(event));
}

TEST_CASE("host_transport: background jobs run in order, each followed by its event") {
  EventQueue queue;
  int sum = 0;  // written by the jobs, read after their events
  WorkerBackground background(queue);
  for (std::uint64_t i = 1; i <= 3; ++i)
    background.run(OperationId{i}, [&sum] { sum = sum * 2 + 1; });
  HostEvent event;
  for (std::uint64_t i = 1; i <= 3; ++i) {
    REQUIRE(queue.wait_next(Instant::max(), event));
    CHECK(std::get<BackgroundDone>(event).ticket == OperationId{i});
  }
  CHECK(sum == 7);
}

TEST_CASE("host_transport: background jobs that still wait are forgotten at the end") {
  EventQueue queue;
  std::atomic<int> ran = 0;
  {
    WorkerBackground background(queue);
    for (std::uint64_t i = 0; i < 3; ++i) {
      background.run(OperationId{i}, [&ran] {
        ++ran;
        std::this_thread::sleep_for(20ms);
      });
    }
    while (ran == 0) std::this_thread::yield();
  }
  CHECK(ran == 1);
}

TEST_CASE("host_transport: entropy fills every byte and seeds differ") {
  CHECK(seed_from_entropy() != seed_from_entropy());
  std::array<std::uint8_t, 64> first{};
  std::array<std::uint8_t, 64> second{};
  fill_from_entropy(first);
  fill_from_entropy(second);
  int same = 0;
  for (std::size_t i = 0; i < first.size(); ++i) same += first[i] == second[i] ? 1 : 0;
  CHECK(same < 16);
}

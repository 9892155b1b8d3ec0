#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>

#include "base/events.h"
#include "host/system/wake_fd.h"

namespace pixmesh {

struct EventQueueLimits {
  std::uint64_t message_bytes_max = 64ULL << 20;  // of waiting messages, chunks not counted
  std::uint32_t messages_max = 100'000;
};

/// A part of the outside that has no thread of its own: the loop thread serves it while it waits.
class LoopSource {
 public:
  virtual ~LoopSource() = default;
  /// Does what is due and posts what has come; if that is nothing, waits for it, for `wake_fd` to
  /// be readable, or for `timeout`. It may return early.
  virtual void serve(int wake_fd, Duration timeout) = 0;
};

/// The one queue between the host's threads and the loop thread: first in, first out.
///
/// Over a limit, a message from a peer is dropped and counted: its sender has a deadline. Never
/// dropped are answers to our own effects (a machine waits for each) and messages that carry a
/// chunk (the transport stops reading when too many chunks are in memory).
/// `post` and the counts: any thread. `wait_next`: one thread.
class EventQueue : public EventSink {
 public:
  explicit EventQueue(EventQueueLimits limits = {}) : limits_(limits) {}

  void post(HostEvent event) override;

  /// Whoever waits serves this source from now on; it must be the same thread. It outlives the last
  /// wait, or null takes its place before.
  void serve_while_waiting(LoopSource* source);

  /// Takes the next event into `out`, waiting for it until `deadline` (`monotonic_now`'s clock).
  /// @returns false if none came; `out` is then unchanged.
  [[nodiscard]] bool wait_next(Instant deadline, HostEvent& out);

  [[nodiscard]] std::uint64_t dropped_count() const;
  [[nodiscard]] std::size_t waiting_count() const;
  [[nodiscard]] std::size_t waiting_max() const;  // the most that ever waited at once

 private:
  [[nodiscard]] bool has_room_for(const MessageArrived& arrived) const;

  [[nodiscard]] bool wait_with_source(Instant deadline, HostEvent& out);
  void take(HostEvent& out);

  static constexpr std::uint32_t taken_max = 64;  // events until the source has its turn

  const EventQueueLimits limits_;
  WakeFd wake_;
  LoopSource* source_ = nullptr;  // these two are the loop thread's
  std::uint32_t taken_ = 0;       // since the source was served
  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<HostEvent> events_;
  std::uint64_t message_bytes_ = 0;
  std::uint32_t messages_ = 0;
  std::uint64_t dropped_ = 0;
  std::optional<std::thread::id> sleeper_;  // the loop, while it waits in its source: wake it
  std::size_t waiting_max_ = 0;
};

}  // namespace pixmesh

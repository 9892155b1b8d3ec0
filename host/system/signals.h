#pragma once

#include <functional>
#include <thread>

#include "base/events.h"
#include "host/system/wake_fd.h"

namespace pixmesh {

/// Blocks SIGINT, SIGTERM, SIGHUP and SIGPIPE in the calling thread and all it starts later.
/// main() calls it first, so that a `SignalThread` alone hears of them.
void block_signals();

/// Gives a child process back the signals that `block_signals` took; for use between fork and exec.
void unblock_signals();

/// A thread that no signal ever interrupts.
[[nodiscard]] std::thread start_quiet_thread(std::function<void()> body);

/// Turns signals into events while it lives: each SIGINT or SIGTERM posts `StopAsked` (a person who
/// presses Ctrl-C twice is heard twice), each SIGHUP `ReloadAsked`. SIGPIPE is swallowed.
/// Requires `block_signals` before any thread was started.
class SignalThread {
 public:
  explicit SignalThread(EventSink& sink);
  SignalThread(const SignalThread&) = delete;
  SignalThread& operator=(const SignalThread&) = delete;
  ~SignalThread();

 private:
  void run();
  void read_signals();

  EventSink& sink_;
  int signal_fd_;
  WakeFd stop_;
  std::thread thread_;
};

}  // namespace pixmesh

#include "host/system/signals.h"

#include <poll.h>
#include <pthread.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <utility>

#include "base/invariant.h"

namespace pixmesh {
namespace {

sigset_t awaited_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) sigaddset(&set, signal);
  return set;
}

}  // namespace

void block_signals() {
  const sigset_t set = awaited_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

void unblock_signals() {
  const sigset_t set = awaited_signals();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

std::thread start_quiet_thread(std::function<void()> body) {
  // A new thread inherits the mask: set before, it leaves no moment in which a signal gets in.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread(std::move(body));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

SignalThread::SignalThread(EventSink& sink) : sink_(sink) {
  const sigset_t set = awaited_signals();
  signal_fd_ = ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  invariant(signal_fd_ >= 0, "the process may open a file descriptor");
  thread_ = start_quiet_thread([this] { run(); });
}

SignalThread::~SignalThread() {
  stop_.wake();
  thread_.join();
  ::close(signal_fd_);
}

void SignalThread::run() {
  std::array<pollfd, 2> watched{pollfd{stop_.fd(), POLLIN, 0}, pollfd{signal_fd_, POLLIN, 0}};
  while ((watched[0].revents & POLLIN) == 0) {
    if (::poll(watched.data(), watched.size(), -1) > 0) read_signals();
  }
}

void SignalThread::read_signals() {
  signalfd_siginfo seen{};
  while (::read(signal_fd_, &seen, sizeof seen) == static_cast<ssize_t>(sizeof seen)) {
    const auto signal = static_cast<int>(seen.ssi_signo);
    if (signal == SIGINT || signal == SIGTERM) sink_.post(StopAsked{});
    if (signal == SIGHUP) sink_.post(ReloadAsked{});
  }
}

}  // namespace pixmesh

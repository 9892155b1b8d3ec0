#include "host/net/socket_watch.h"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/invariant.h"

namespace pixmesh {
namespace {

constexpr SocketWatch::Key wake_key = SocketWatch::key_max + 1;
constexpr std::size_t batch = 256;

}  // namespace

SocketWatch::SocketWatch() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  invariant(epoll_.is_open(), "the process may open a file descriptor");
}

void SocketWatch::add(Key key, zmq::socket_t& socket) {
  const Watched watched{&socket, socket.get(zmq::sockopt::fd)};
  watch_descriptor(key, watched.descriptor);
  sockets_[key] = watched;
  touch(key);
}

void SocketWatch::remove(Key key) {
  const auto found = sockets_.find(key);
  if (found == sockets_.end()) return;
  (void)::epoll_ctl(epoll_.descriptor(), EPOLL_CTL_DEL, found->second.descriptor, nullptr);
  sockets_.erase(found);
  touched_.erase(key);
}

void SocketWatch::watch_descriptor(Key key, int descriptor) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = key;
  const int added = ::epoll_ctl(epoll_.descriptor(), EPOLL_CTL_ADD, descriptor, &event);
  invariant(added == 0, "an open descriptor can be watched once");
}

std::span<const SocketWatch::Ready> SocketWatch::wait(int wake_fd, Duration timeout,
                                                      const std::function<short(Key)>& wanted) {
  if (std::exchange(wake_fd_, wake_fd) != wake_fd) watch_descriptor(wake_key, wake_fd);
  ready_.clear();
  for (const Key key : std::exchange(touched_, {})) look(key, wanted);
  if (!ready_.empty()) timeout = Duration{};
  const auto ms =
      std::chrono::ceil<std::chrono::milliseconds>(std::clamp<Duration>(timeout, 0s, 1h));
  std::array<epoll_event, batch> events{};
  const int count = ::epoll_wait(epoll_.descriptor(), events.data(), static_cast<int>(batch),
                                 static_cast<int>(ms.count()));
  for (int i = 0; i < count; ++i) {
    const Key key = events[static_cast<std::size_t>(i)].data.u64;
    if (key != wake_key && !touched_.contains(key)) look(key, wanted);
  }
  return ready_;
}

void SocketWatch::look(Key key, const std::function<short(Key)>& wanted) {
  const auto found = sockets_.find(key);
  if (found == sockets_.end()) return;
  const int events = found->second.socket->get(zmq::sockopt::events);
  const auto useful = static_cast<short>(events & wanted(key));
  if (useful != 0) ready_.push_back({key, useful});
  // The descriptor will not tell again of what was told or not wanted.
  if (useful != 0 || (events & ZMQ_POLLIN) != 0) touch(key);
}

}  // namespace pixmesh

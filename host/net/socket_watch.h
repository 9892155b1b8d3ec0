#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <vector>

#include <zmq.hpp>

#include "base/time.h"
#include "host/system/file_handle.h"

namespace pixmesh {

/// Tells which of many ZeroMQ sockets have something to do, at a cost that grows with these and not
/// with all: `zmq_poll` asks every socket at every call, two system calls each.
///
/// A socket's descriptor (ZMQ_FD) becomes readable when its I/O thread has left it a command, and
/// stays so until somebody takes the command: whoever asks for the socket's events (ZMQ_EVENTS),
/// sends or receives. The descriptor alone thus says nothing about a socket that was sent on: it
/// must be touched, and is asked at the next wait. So is each one that was told to be ready, by
/// itself: an event that nobody took is told again, as `zmq_poll` does.
/// For one thread. Ends the process if no descriptor is left for it.
class SocketWatch {
 public:
  using Key = std::uint64_t;
  static constexpr Key key_max = UINT64_MAX - 1;

  struct Ready {
    Key key = 0;
    short events = 0;  // of those that were wanted: ZMQ_POLLIN, ZMQ_POLLOUT
  };

  SocketWatch();

  /// The socket must be removed before it is closed.
  void add(Key key, zmq::socket_t& socket);
  void remove(Key key);

  /// The socket was sent on, or received from without having been told of.
  void touch(Key key) { touched_.insert(key); }

  /// Waits until a socket has events that `wanted(key)` asks for, `wake_fd` is readable or
  /// `timeout` (rounded up to ms; negative is 0) has passed; it may return early with nothing.
  /// @returns sockets in no order, valid until the next wait. An event that was not wanted is
  /// reported once it is.
  [[nodiscard]] std::span<const Ready> wait(int wake_fd, Duration timeout,
                                            const std::function<short(Key)>& wanted);

 private:
  struct Watched {
    zmq::socket_t* socket = nullptr;
    int descriptor = -1;
  };

  void look(Key key, const std::function<short(Key)>& wanted);
  void watch_descriptor(Key key, int descriptor);

  FileHandle epoll_;
  int wake_fd_ = -1;
  std::map<Key, Watched> sockets_;
  std::set<Key> touched_;
  std::vector<Ready> ready_;
};

}  // namespace pixmesh

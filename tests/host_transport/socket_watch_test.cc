#include <doctest/doctest.h>

#include <array>
#include <memory>
#include <string>

#include "host/net/socket_watch.h"
#include "host/system/wake_fd.h"

namespace pixmesh {
namespace {

/// Sockets 0 … 2 under watch, each with a peer that can send to it.
struct WatchRig {
  zmq::context_t context{1};
  std::array<zmq::socket_t, 3> watched;
  std::array<zmq::socket_t, 3> peers;
  WakeFd wake;
  SocketWatch watch;
  short wanted = ZMQ_POLLIN;

  WatchRig() {
    for (std::size_t i = 0; i < watched.size(); ++i) {
      watched[i] = zmq::socket_t(context, zmq::socket_type::pair);
      peers[i] = zmq::socket_t(context, zmq::socket_type::pair);
      watched[i].bind("inproc://" + std::to_string(i));
      peers[i].connect("inproc://" + std::to_string(i));
      watch.add(i, watched[i]);
    }
  }

  void send(std::size_t to) { (void)peers[to].send(zmq::str_buffer("x"), zmq::send_flags::none); }
  bool receive(std::size_t at) {
    zmq::message_t message;
    return watched[at].recv(message, zmq::recv_flags::dontwait).has_value();
  }

  /// The keys with something to do, after at most `timeout`.
  std::vector<SocketWatch::Key> keys(Duration timeout = Duration{}) {
    std::vector<SocketWatch::Key> found;
    for (const auto [key, events] :
         watch.wait(wake.fd(), timeout, [this](auto) { return wanted; })) {
      found.push_back(key);
    }
    return found;
  }
};

using Keys = std::vector<SocketWatch::Key>;

}  // namespace

TEST_CASE("host_transport: of many sockets those with something to do are told") {
  WatchRig rig;
  CHECK(rig.keys().empty());
  rig.send(1);
  CHECK(rig.keys(10s) == Keys{1});
  CHECK(rig.receive(1));
  CHECK(!rig.receive(1));
  CHECK(rig.keys().empty());
  rig.send(2);
  CHECK(rig.keys(10s) == Keys{2});
}

TEST_CASE("host_transport: what nobody took is told again") {
  WatchRig rig;
  rig.send(0);
  rig.send(0);
  CHECK(rig.keys(10s) == Keys{0});
  CHECK(rig.keys() == Keys{0});
  CHECK(rig.receive(0));
  CHECK(rig.keys() == Keys{0});
  CHECK(rig.receive(0));
  CHECK(rig.keys().empty());
}

TEST_CASE("host_transport: a message that was not wanted is told once it is") {
  WatchRig rig;
  rig.wanted = 0;
  rig.send(2);
  CHECK(rig.keys().empty());
  CHECK(rig.keys().empty());
  rig.wanted = ZMQ_POLLIN;
  CHECK(rig.keys() == Keys{2});
}

TEST_CASE("host_transport: room to send is told when it is wanted") {
  WatchRig rig;
  CHECK(rig.keys().empty());
  rig.wanted = ZMQ_POLLOUT;
  rig.watch.touch(1);
  CHECK(rig.keys() == Keys{1});
  CHECK(rig.keys() == Keys{1});
  rig.wanted = ZMQ_POLLIN;
  CHECK(rig.keys().empty());
  CHECK(rig.keys().empty());
}

TEST_CASE("host_transport: a removed socket is told no more, and a wake ends the wait") {
  WatchRig rig;
  rig.watch.remove(1);
  rig.send(1);
  rig.watched[1].close();
  rig.wake.wake();
  CHECK(rig.keys(10s).empty());
  rig.send(0);
  rig.wake.clear();
  CHECK(rig.keys(10s) == Keys{0});
}

}  // namespace pixmesh

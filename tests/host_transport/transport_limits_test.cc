#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "base/limits.h"
#include "base/rng.h"
#include "host/net/dealer_client.h"
#include "transport_pair.h"

using namespace pixmesh;

namespace {

/// A port that nobody listens on: taken for a moment, then given back.
Endpoint dead_address() {
  TransportEnd gone;
  return gone.control();
}

int connect_raw(const Endpoint& to) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port =
      htons(static_cast<std::uint16_t>(std::stoi(to.text.substr(to.text.rfind(':') + 1))));
  inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  REQUIRE(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  return fd;
}

/// A peer that speaks ZeroMQ but not our frames.
zmq::socket_t strange_dealer(zmq::context_t& context, const Endpoint& to) {
  zmq::socket_t dealer(context, zmq::socket_type::dealer);
  dealer.set(zmq::sockopt::linger, 0);
  dealer.connect("tcp://" + to.text);
  return dealer;
}

}  // namespace

TEST_CASE("host_transport: sends to an address nobody answers end in false, within the limits") {
  const Endpoint nobody = dead_address();
  TransportEnd ada;
  const LinkId link = ada.transport->open(Plane::control, nobody);
  int accepted = 0;
  while (accepted < 1000 && ada.transport->send(link, Bytes(64U << 10))) ++accepted;
  CHECK(accepted == 128);  // 8 MiB
  CHECK(ada.count(Plane::control, TransportCount::dropped_queue_full) == 1);
  CHECK(ada.transport->queued_bytes(Plane::control) == 8U << 20);

  int links = 1;  // the plane's limit holds over all links
  while (links < 100 && ada.transport->queued_bytes(Plane::control) < 64U << 20) {
    const LinkId next = ada.transport->open(Plane::control, nobody);
    while (ada.transport->send(next, Bytes(64U << 10))) {
    }
    ++links;
  }
  CHECK(links == 8);
  CHECK_FALSE(ada.transport->send(ada.transport->open(Plane::control, nobody), bytes_from("x")));
}

TEST_CASE("host_transport: what waits too long for a dead peer is dropped and counted") {
  const Endpoint nobody = dead_address();
  ZmqTransportOptions hasty;
  hasty.control.unsent_max = 100ms;
  TransportEnd ada(hasty);
  const LinkId link = ada.transport->open(Plane::control, nobody);
  REQUIRE(ada.transport->send(link, bytes_from("stale")));
  CHECK(eventually([&] { return ada.transport->queued_bytes(Plane::control) == 0; }));
  CHECK(ada.count(Plane::control, TransportCount::dropped_unsent) == 1);
}

TEST_CASE("host_transport: a bulk link takes 64 chunks for a dead peer and no more") {
  const Endpoint nobody = dead_address();
  TransportEnd ada;
  const ChunkRef chunk = ada.chunks.add(zmq::message_t(chunk_bytes_max), 0);
  const LinkId link = ada.transport->open(Plane::bulk, nobody);
  int accepted = 0;
  while (accepted < 100 && ada.transport->send_chunk(link, bytes_from("x"), chunk)) ++accepted;
  CHECK(accepted == 64);
  ada.transport->close(link);
  CHECK(eventually([&] { return ada.transport->queued_bytes(Plane::bulk) == 0; }));
}

TEST_CASE("host_transport: an inbound link whose peer has gone is forgotten at the next send") {
  TransportEnd ada;
  std::optional<MessageArrived> arrived;
  {
    auto client = DealerClient::open(ada.control(), {});
    REQUIRE(client.has_value());
    DealerClient asks = std::move(client).value();
    REQUIRE(asks.send(bytes_from("hello")));
    arrived = ada.next();
    REQUIRE(arrived);
  }
  const auto forgotten = [&] {
    (void)ada.transport->send(arrived->link, bytes_from("anyone?"));
    return ada.count(Plane::control, TransportCount::inbound_links_forgotten) == 1;
  };
  CHECK(eventually(forgotten));
  CHECK_FALSE(ada.transport->send(arrived->link, bytes_from("anyone?")));
  CHECK(ada.count(Plane::control, TransportCount::dropped_peer_gone) >= 1);
}

TEST_CASE("host_transport: an inbound peer that reads nothing fills its own queue only") {
  ZmqTransportOptions options{.control_bind = {"127.0.0.1:0"}, .bulk_bind = {"127.0.0.1:0"}};
  options.control.limits.link_count_max = 1000;
  TransportEnd ada(options);
  zmq::context_t context;
  zmq::socket_t idle = strange_dealer(context, ada.control());
  idle.send(zmq::str_buffer("hello"), zmq::send_flags::none);
  const auto slow = ada.next();
  REQUIRE(slow);
  CHECK(ada.transport->has_room(slow->link));
  while (ada.transport->send(slow->link, Bytes(60'000))) {
  }
  CHECK(ada.transport->queued_bytes(Plane::control) <= 8U << 20);
  CHECK_FALSE(ada.transport->has_room(slow->link));

  auto client = DealerClient::open(ada.control(), {});
  REQUIRE(client.has_value());
  DealerClient quick = std::move(client).value();
  REQUIRE(quick.send(bytes_from("ask")));
  const auto asked = ada.next();
  REQUIRE(asked);
  CHECK(ada.transport->queued_bytes(Plane::control) < 8U << 20);  // a bit less than an eighth …
  CHECK(ada.transport->has_room(asked->link));                    // … of the plane is taken
  REQUIRE(ada.transport->send(asked->link, bytes_from("answer")));
  CHECK(quick.receive(5s) == bytes_from("answer"));
}

TEST_CASE("host_transport: an oversize message costs its sender the connection and nobody else") {
  TransportEnd ada;
  TransportEnd bob(ZmqTransportOptions{});
  const LinkId link = bob.transport->open(Plane::control, ada.control());
  CHECK_FALSE(bob.transport->send(link, Bytes(message_bytes_max + 1)));
  CHECK(bob.count(Plane::control, TransportCount::dropped_too_large) == 1);

  zmq::context_t context;
  zmq::socket_t huge = strange_dealer(context, ada.control());
  huge.send(zmq::message_t(3U << 20), zmq::send_flags::none);
  REQUIRE(bob.transport->send(link, Bytes(message_bytes_max)));
  const auto arrived = ada.next();
  REQUIRE(arrived);
  CHECK(arrived->message.size() == message_bytes_max);
  CHECK_FALSE(ada.next(200ms));
}

TEST_CASE("host_transport: messages of a wrong shape are dropped and counted") {
  TransportEnd ada;
  zmq::context_t context;
  zmq::socket_t control = strange_dealer(context, ada.control());
  control.send(zmq::str_buffer("one"), zmq::send_flags::sndmore);
  control.send(zmq::str_buffer("two"), zmq::send_flags::none);
  zmq::socket_t bulk = strange_dealer(context, ada.bulk());
  for (int i = 0; i < 9; ++i) bulk.send(zmq::str_buffer("many"), zmq::send_flags::sndmore);
  bulk.send(zmq::str_buffer("end"), zmq::send_flags::none);
  bulk.send(zmq::str_buffer("header"), zmq::send_flags::sndmore);
  bulk.send(zmq::message_t(chunk_bytes_max + 1), zmq::send_flags::none);
  bulk.send(zmq::str_buffer("good"), zmq::send_flags::none);

  const auto arrived = ada.next();
  REQUIRE(arrived);
  CHECK(text_of(arrived->message) == "good");
  CHECK(ada.count(Plane::bulk, TransportCount::malformed_in) == 2);
  CHECK(eventually([&] { return ada.count(Plane::control, TransportCount::malformed_in) == 1; }));
  CHECK(ada.chunks.count() == 0);
}

TEST_CASE("host_transport: garbage from raw TCP connections disturbs nobody") {
  TransportEnd ada;
  TransportEnd bob;
  Rng rng(7);
  for (int i = 0; i < 20; ++i) {
    const int fd = connect_raw(i % 2 == 0 ? ada.control() : ada.bulk());
    Bytes garbage(1 + rng.below(5000));
    rng.fill(garbage);
    if (i % 4 < 2) garbage[0] = 0xff;  // looks like ZeroMQ's greeting at first; else like ZMTP 1
    (void)::send(fd, garbage.data(), garbage.size(), MSG_NOSIGNAL);
    ::close(fd);
  }
  const LinkId link = bob.transport->open(Plane::control, ada.control());
  REQUIRE(bob.transport->send(link, bytes_from("still there?")));
  const auto arrived = ada.next();
  REQUIRE(arrived);
  CHECK(text_of(arrived->message) == "still there?");
  CHECK(ada.count(Plane::control, TransportCount::messages_in) == 1);
}

TEST_CASE("host_transport: with too many chunks in memory bulk stops reading, and goes on later") {
  ZmqTransportOptions options{.control_bind = {"127.0.0.1:0"}, .bulk_bind = {"127.0.0.1:0"}};
  options.bulk.chunks_in_memory_max = 3;
  TransportEnd ada(options);
  TransportEnd bob;
  const LinkId link = bob.transport->open(Plane::bulk, ada.bulk());
  const ChunkRef chunk = bob.chunks.add(zmq::message_t(1000), 0);
  for (int i = 0; i < 10; ++i) REQUIRE(bob.transport->send_chunk(link, bytes_from("x"), chunk));

  for (int i = 0; i < 10; ++i) {
    const auto arrived = ada.next();
    REQUIRE(arrived);
    CHECK(ada.chunks.count() <= 3);
    ada.chunks.release(*arrived->chunk);
  }
}

TEST_CASE("host_transport: stop ends within two seconds with a dead peer and a full queue") {
  const Endpoint nobody = dead_address();
  TransportEnd ada;
  const LinkId link = ada.transport->open(Plane::control, nobody);
  while (ada.transport->send(link, Bytes(1U << 20))) {
  }
  const Instant start = monotonic_now();
  ada.transport->stop();
  ada.transport.reset();
  CHECK(monotonic_now() - start < 2s);
}

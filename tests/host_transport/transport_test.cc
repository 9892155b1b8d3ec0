#include "host/net/zmq_transport.h"

#include <doctest/doctest.h>

#include "base/digest.h"
#include "base/limits.h"
#include "transport_pair.h"

using namespace pixmesh;

namespace {

const ZmqTransportOptions only_outgoing{};

zmq::message_t chunk_of(std::size_t size) {
  zmq::message_t chunk(size);
  for (std::size_t i = 0; i < size; ++i) {
    chunk.data<std::uint8_t>()[i] = static_cast<std::uint8_t>(i * 7);
  }
  return chunk;
}

ChunkRef keep(TransportEnd& end, zmq::message_t chunk) {
  const std::uint64_t checksum = chunk_checksum({chunk.data<std::uint8_t>(), chunk.size()});
  return end.chunks.add(std::move(chunk), checksum);
}

}  // namespace

TEST_CASE("host_transport: a control message and its answer travel along one link") {
  TransportEnd ada;
  TransportEnd bob;

  const LinkId to_bob = ada.transport->open(Plane::control, bob.control());
  REQUIRE(ada.transport->send(to_bob, bytes_from("ask")));
  const auto asked = bob.next();
  REQUIRE(asked);
  CHECK(text_of(asked->message) == "ask");
  CHECK(asked->plane == Plane::control);
  CHECK_FALSE(asked->chunk);

  REQUIRE(bob.transport->send(asked->link, bytes_from("answer")));
  const auto answered = ada.next();
  REQUIRE(answered);
  CHECK(answered->link == to_bob);
  CHECK(text_of(answered->message) == "answer");
}

TEST_CASE("host_transport: chunks travel both ways on a bulk link with their checksum") {
  TransportEnd ada;
  TransportEnd bob;
  const ChunkRef there = keep(ada, chunk_of(chunk_bytes_max));
  const ChunkRef back = keep(bob, chunk_of(5000));

  const LinkId to_bob = ada.transport->open(Plane::bulk, bob.bulk());
  REQUIRE(ada.transport->send_chunk(to_bob, bytes_from("there"), there));
  ada.chunks.release(there);  // the send keeps the bytes for itself
  const auto arrived = bob.next();
  REQUIRE(arrived);
  REQUIRE(bob.transport->send_chunk(arrived->link, bytes_from("back"), back));
  const auto answered = ada.next();
  REQUIRE(answered);

  REQUIRE(arrived->chunk);
  CHECK(arrived->plane == Plane::bulk);
  CHECK(arrived->chunk->size == chunk_bytes_max);
  CHECK(arrived->chunk->checksum == there.checksum);
  CHECK(*bob.chunks.find(*arrived->chunk) == chunk_of(chunk_bytes_max));
  CHECK(answered->link == to_bob);
  REQUIRE(answered->chunk);
  CHECK(answered->chunk->checksum == back.checksum);
}

TEST_CASE("host_transport: one chunk goes to three peers without a copy being charged twice") {
  TransportEnd ada;
  TransportEnd bob;
  const ChunkRef chunk = keep(ada, chunk_of(100'000));
  for (int i = 0; i < 3; ++i) {
    const LinkId link = ada.transport->open(Plane::bulk, bob.bulk());
    REQUIRE(ada.transport->send_chunk(link, bytes_from("x"), chunk));
  }
  std::vector<LinkId> links;
  for (int i = 0; i < 3; ++i) {
    const auto arrived = bob.next();
    REQUIRE(arrived);
    CHECK(arrived->chunk->checksum == chunk.checksum);
    for (const LinkId earlier : links) CHECK(earlier != arrived->link);
    links.push_back(arrived->link);
  }
  CHECK(eventually([&] { return ada.transport->queued_bytes(Plane::bulk) == 0; }));
  CHECK(ada.count(Plane::bulk, TransportCount::messages_out) == 3);
  CHECK(ada.count(Plane::bulk, TransportCount::bytes_out) == 300'003);
}

TEST_CASE("host_transport: messages of one link arrive in order, 5000 of them") {
  TransportEnd ada(only_outgoing);
  TransportEnd bob;
  const LinkId link = ada.transport->open(Plane::control, bob.control());
  for (int i = 0; i < 5000; ++i) {
    REQUIRE(ada.transport->send(link, bytes_from(std::to_string(i))));
  }
  for (int i = 0; i < 5000; ++i) {
    const auto arrived = bob.next();
    REQUIRE(arrived);
    REQUIRE(text_of(arrived->message) == std::to_string(i));
  }
}

TEST_CASE("host_transport: after a peer's restart on its port the same link carries again") {
  TransportEnd ada;
  auto bob = std::make_unique<TransportEnd>();
  const ZmqTransportOptions same_ports{.control_bind = bob->control(), .bulk_bind = bob->bulk()};
  const LinkId link = ada.transport->open(Plane::control, bob->control());
  REQUIRE(ada.transport->send(link, bytes_from("before")));
  REQUIRE(bob->next());

  bob.reset();
  bob = std::make_unique<TransportEnd>(same_ports);

  // What is sent around the loss may be lost with the connection; what is sent later is not.
  std::optional<MessageArrived> arrived;
  for (int i = 0; i < 100 && !arrived; ++i) {
    REQUIRE(ada.transport->send(link, bytes_from("after")));
    arrived = bob->next(100ms);
  }
  REQUIRE(arrived);
  REQUIRE(bob->transport->send(arrived->link, bytes_from("welcome")));
  const auto answered = ada.next();
  REQUIRE(answered);
  CHECK(answered->link == link);
}

TEST_CASE("host_transport: a taken port is told in plain words") {
  TransportEnd ada;
  ChunkStore chunks;
  EventQueue queue;
  const auto second = ZmqTransport::start({.control_bind = ada.control()}, chunks, queue);
  REQUIRE_FALSE(second.has_value());
  const std::string text = ada.control().text;
  const std::string port = text.substr(text.rfind(':') + 1);
  CHECK(second.error().detail == "port " + port + " on 127.0.0.1 is taken");

  const auto elsewhere = ZmqTransport::start({.control_bind = {"203.0.113.9:7600"}}, chunks, queue);
  REQUIRE_FALSE(elsewhere.has_value());
  CHECK(elsewhere.error().detail.find("no address of this machine") != std::string::npos);
  const auto nonsense = ZmqTransport::start({.control_bind = {"nonsense"}}, chunks, queue);
  REQUIRE_FALSE(nonsense.has_value());
}

TEST_CASE("host_transport: a link to what is no address never fails and carries nothing") {
  TransportEnd ada(only_outgoing);
  const LinkId link = ada.transport->open(Plane::control, {"tcp://eth0;10.0.0.1:5"});
  CHECK(ada.transport->send(link, bytes_from("lost")));
  CHECK(eventually([&] { return ada.count(Plane::control, TransportCount::sockets_refused) > 0; }));
}

TEST_CASE("host_transport: a closed link refuses and others go on") {
  TransportEnd ada(only_outgoing);
  TransportEnd bob;
  const LinkId closed = ada.transport->open(Plane::control, bob.control());
  const LinkId open = ada.transport->open(Plane::control, bob.control());
  ada.transport->close(closed);
  ada.transport->close({987'654});
  CHECK_FALSE(ada.transport->send(closed, bytes_from("no")));
  CHECK(ada.count(Plane::control, TransportCount::dropped_unknown_link) == 1);
  REQUIRE(ada.transport->send(open, bytes_from("yes")));
  const auto arrived = bob.next();
  REQUIRE(arrived);
  CHECK(text_of(arrived->message) == "yes");

  bob.transport->close(arrived->link);
  CHECK_FALSE(bob.transport->send(arrived->link, bytes_from("no")));
  REQUIRE(ada.transport->send(open, bytes_from("again")));
  const auto again = bob.next();
  REQUIRE(again);
  CHECK(again->link != arrived->link);
}

TEST_CASE("host_transport: what was sent just before stop still arrives") {
  TransportEnd bob;
  {
    TransportEnd ada(only_outgoing);
    const LinkId link = ada.transport->open(Plane::control, bob.control());
    REQUIRE(ada.transport->send(link, bytes_from("last words")));
  }
  const auto arrived = bob.next();
  REQUIRE(arrived);
  CHECK(text_of(arrived->message) == "last words");
}

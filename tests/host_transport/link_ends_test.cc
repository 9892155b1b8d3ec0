#include "host/net/dealer_client.h"

#include <doctest/doctest.h>

#include "transport_pair.h"

using namespace pixmesh;

TEST_CASE("host_transport: the end of a client's connection is told, of its link and no other") {
  TransportEnd node;
  auto stays = DealerClient::open(node.control(), {}).value();
  REQUIRE(stays.send(bytes_from("stays")));
  const auto staying = node.next();
  REQUIRE(staying);
  std::optional<LinkId> leaving;
  {
    auto goes = DealerClient::open(node.control(), {}).value();
    REQUIRE(goes.send(bytes_from("goes")));
    const auto arrived = node.next();
    REQUIRE(arrived);
    leaving = arrived->link;
  }

  CHECK(node.next_closed(1s) == leaving);

  REQUIRE(stays.send(bytes_from("still here")));
  const auto again = node.next();
  REQUIRE(again);
  CHECK(again->link == staying->link);
  CHECK(node.closed_links.empty());
}

TEST_CASE("host_transport: a connection that gets the descriptor of an ended one is not ended") {
  TransportEnd node;
  for (int round = 0; round < 50; ++round) {
    std::optional<LinkId> link;
    {
      auto client = DealerClient::open(node.control(), {}).value();
      REQUIRE(client.send(bytes_from("once")));
      const auto arrived = node.next();
      REQUIRE(arrived);
      link = arrived->link;
      CHECK(node.closed_links.empty());
    }
    CHECK(node.next_closed(2s) == link);
  }
}

TEST_CASE("host_transport: a link that has a new connection is not ended by its earlier one") {
  TransportEnd node;
  zmq::context_t context;
  const auto connected = [&] {
    zmq::socket_t socket(context, zmq::socket_type::dealer);
    socket.set(zmq::sockopt::linger, 0);
    socket.set(zmq::sockopt::routing_id, "the same peer");
    socket.connect("tcp://" + node.control().text);
    REQUIRE(socket.send(zmq::str_buffer("here"), zmq::send_flags::none));
    return socket;
  };
  zmq::socket_t earlier = connected();
  const auto first = node.next();
  REQUIRE(first);
  zmq::socket_t later = connected();
  const auto second = node.next();
  REQUIRE(second);
  CHECK(second->link == first->link);

  earlier.close();
  CHECK_FALSE(node.next_closed(300ms));
  later.close();
  CHECK(node.next_closed(5s) == first->link);
}

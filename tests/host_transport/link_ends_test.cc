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

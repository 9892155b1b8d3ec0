#include "host/net/inbound_links.h"

#include <doctest/doctest.h>

using namespace pixmesh;

TEST_CASE("host_transport: a peer keeps its link until it is forgotten") {
  InboundLinks links(10);
  const Instant start{};
  CHECK_FALSE(links.find("ada", start));
  CHECK_FALSE(links.add("ada", LinkId{2}, start));
  CHECK(links.find("ada", start) == LinkId{2});
  REQUIRE(links.peer_of(LinkId{2}, start));
  CHECK(*links.peer_of(LinkId{2}, start) == "ada");

  CHECK(links.forget(LinkId{2}));
  CHECK_FALSE(links.forget(LinkId{2}));
  CHECK_FALSE(links.find("ada", start));
  CHECK(links.peer_of(LinkId{2}, start) == nullptr);
}

TEST_CASE("host_transport: the link used longest ago makes room for a new one") {
  InboundLinks links(2);
  const Instant start{};
  links.add("ada", LinkId{2}, start);
  links.add("bob", LinkId{4}, start + 1s);
  CHECK(links.peer_of(LinkId{2}, start + 2s) != nullptr);
  CHECK(links.add("eve", LinkId{6}, start + 3s) == LinkId{4});
  CHECK(links.count() == 2);
  CHECK_FALSE(links.find("bob", start + 3s));
}

TEST_CASE("host_transport: idle links are forgotten, used ones stay") {
  InboundLinks links(10);
  const Instant start{};
  links.add("ada", LinkId{2}, start);
  links.add("bob", LinkId{4}, start);
  links.add("eve", LinkId{6}, start);
  (void)links.find("bob", start + 5min);
  CHECK(links.forget_idle(start + 1min) == std::vector{LinkId{2}, LinkId{6}});
  CHECK(links.count() == 1);
}

#include "host/net/dealer_client.h"

#include <doctest/doctest.h>

#include <array>

#include "base/limits.h"
#include "host/system/wake_fd.h"
#include "transport_pair.h"

using namespace pixmesh;

namespace {

DealerClient client_of(const TransportEnd& node) {
  auto client = DealerClient::open(node.control(), node.bulk());
  REQUIRE(client.has_value());
  return std::move(client).value();
}

}  // namespace

TEST_CASE("host_transport: a client asks on both planes and is answered along its links") {
  TransportEnd node;
  DealerClient client = client_of(node);

  REQUIRE(client.send(bytes_from("ask")));
  const auto asked = node.next();
  REQUIRE(asked);
  REQUIRE(node.transport->send(asked->link, bytes_from("answer")));
  CHECK(client.wait(5s).control);
  CHECK(client.receive(0s) == bytes_from("answer"));

  const Bytes content(chunk_bytes_max, 42);
  REQUIRE(client.send_bulk(bytes_from("piece"), zmq::message_t(content.data(), content.size())));
  const auto piece = node.next();
  REQUIRE(piece);
  REQUIRE(piece->chunk);
  REQUIRE(node.transport->send_chunk(piece->link, bytes_from("echo"), *piece->chunk));
  const auto echo = client.receive_bulk(5s);
  REQUIRE(echo);
  CHECK(text_of(echo->message) == "echo");
  REQUIRE(echo->chunk);
  CHECK(*echo->chunk == zmq::message_t(content.data(), content.size()));
  CHECK_FALSE(client.receive(0s));
}

TEST_CASE("host_transport: a client's wait ends when it is cancelled") {
  TransportEnd node;
  DealerClient client = client_of(node);
  WakeFd cancel;
  CHECK_FALSE(client.wait(10ms, cancel.fd()).cancelled);
  cancel.wake();
  CHECK(client.wait(5s, cancel.fd()).cancelled);
}

TEST_CASE("host_transport: a client waits for several nodes at once") {
  TransportEnd first;
  TransportEnd second;
  DealerClient to_first = client_of(first);
  DealerClient to_second = client_of(second);
  REQUIRE(to_first.send(bytes_from("1")));
  REQUIRE(to_second.send(bytes_from("2")));
  const auto asked = second.next();
  REQUIRE(asked);
  REQUIRE(second.transport->send(asked->link, bytes_from("two")));

  const std::array<DealerClient*, 2> both{&to_first, &to_second};
  const Readiness ready = wait_any(both, 5s);
  CHECK(ready.control);
  CHECK_FALSE(ready.bulk);
  CHECK_FALSE(to_first.receive(0s));
  CHECK(to_second.receive(0s) == bytes_from("two"));
}

TEST_CASE("host_transport: a client's queue to a silent node is bounded and never blocks") {
  Endpoint nobody;
  {
    TransportEnd gone;
    nobody = gone.control();
  }
  auto opened = DealerClient::open(nobody, nobody);
  REQUIRE(opened.has_value());
  DealerClient client = std::move(opened).value();
  int accepted = 0;
  while (accepted < 1000 && client.send_bulk(bytes_from("x"), zmq::message_t(1000))) ++accepted;
  CHECK(accepted == 8);
  CHECK_FALSE(client.send(Bytes(message_bytes_max + 1)));
  CHECK_FALSE(client.receive(50ms));
}

TEST_CASE("host_transport: a client refuses what is no address") {
  CHECK(DealerClient::open({"nonsense"}, {}).error().code == ErrorCode::malformed);
  CHECK_FALSE(DealerClient::open({"127.0.0.1:0"}, {}).has_value());
  CHECK_FALSE(DealerClient::open({"127.0.0.1:1"}, {"a b:1"}).has_value());
}

TEST_CASE("host_transport: a client that watches its connection is told once when it has ended") {
  auto node = std::make_unique<TransportEnd>();
  DealerClient watches = client_of(*node);
  DealerClient other = client_of(*node);
  REQUIRE(watches.watch_connection());
  for (DealerClient* client : {&watches, &other}) {
    REQUIRE(client->send(bytes_from("here")));
    REQUIRE(node->next());
  }
  CHECK_FALSE(watches.take_loss());

  node.reset();
  CHECK(watches.wait(5s).lost);
  CHECK(watches.take_loss());
  CHECK_FALSE(watches.take_loss());
  CHECK_FALSE(watches.wait(300ms).lost);  // nobody is there to connect to
  CHECK_FALSE(other.take_loss());

  watches.stop_watching();
  CHECK_FALSE(watches.wait(1ms).lost);
  CHECK(watches.watch_connection());
}

#include <doctest/doctest.h>

#include "replication/hints.h"
#include "sample_view.h"

using namespace pixmesh;

TEST_CASE("hints: a hint is stored once, offered to the living until taken, and then forgotten") {
  Hints hints;
  const Instant now{};
  const auto row = hints.remember(now, node(2), PartitionId{7});
  REQUIRE(row.has_value());
  CHECK_FALSE(hints.remember(now, node(2), PartitionId{7}).has_value());
  CHECK(asked<HintOffer>(hints.offers(now, view_of({1}))).empty());

  const auto offered = asked<HintOffer>(hints.offers(now + 3s, view_of({1, 2})));
  REQUIRE(offered.size() == 1);
  CHECK(offered[0].first == node(2));
  CHECK(offered[0].second.partitions == std::vector{PartitionId{7}});
  CHECK(hints.offers(now + 4s, view_of({1, 2})).empty());
  CHECK(asked<HintOffer>(hints.offers(now + 6s, view_of({1, 2}))).size() == 1);

  const auto gone = hints.on_taken(now + 6s, node(2), {{PartitionId{7}}, offer_round(now + 6s)});
  REQUIRE(gone.size() == 1);
  CHECK(gone[0].key == row->key);
  CHECK_FALSE(gone[0].value.has_value());
  CHECK(hints.offers(now + 20s, view_of({1, 2})).empty());
  CHECK(hints.count() == 0);
}

TEST_CASE("hints: stored rows bring the same hints back after a restart") {
  const Instant now{};
  Hints before;
  Hints after;
  for (std::uint32_t i = 0; i < 300; ++i) {
    const NodeId target = node(static_cast<std::uint8_t>(2 + i % 3));
    after.restore(now, before.remember(now, target, PartitionId{i * 211})->key);
  }
  after.restore(now, Bytes{1, 2, 3});  // no row of ours

  CHECK(after.count() == 300);
  for (std::uint32_t i = 0; i < 300; ++i) CHECK(after.has(PartitionId{i * 211}));
  CHECK(after.forget_all(node(3)).size() == 100);
  CHECK(after.count() == 200);
}

TEST_CASE("hints: beyond their number no more are kept") {
  Hints hints({.count_max = 2});
  CHECK(hints.remember(Instant{}, node(2), PartitionId{1}).has_value());
  CHECK(hints.remember(Instant{}, node(2), PartitionId{2}).has_value());
  CHECK_FALSE(hints.remember(Instant{}, node(2), PartitionId{3}).has_value());
  CHECK_FALSE(hints.remember(Instant{}, node(3), PartitionId{1}).has_value());
  const auto offers = asked<HintOffer>(hints.offers(Instant{}, view_of({1, 2, 3})));
  REQUIRE(offers.size() == 1);  // nothing is said to whom nothing is kept for
  CHECK(offers[0].first == node(2));
}

TEST_CASE("hints: what was missed since the offer that is answered stays a hint") {
  Hints hints;
  const Instant now{};
  const HintTaken taken{{PartitionId{7}}, offer_round(now + 3s)};
  (void)hints.remember(now, node(2), PartitionId{7});
  (void)hints.remember(now + 4s, node(2), PartitionId{7});
  CHECK(hints.on_taken(now + 5s, node(2), taken).empty());
  CHECK(hints.has(PartitionId{7}));

  Hints restarted;  // and an answer to an earlier life changes nothing
  restarted.restore(now + 6s, hints.remember(now, node(2), PartitionId{8})->key);
  CHECK(restarted.on_taken(now + 7s, node(2), {{PartitionId{8}}, offer_round(now + 6s)}).empty());
  CHECK(restarted.on_taken(now + 7s, node(2), {{PartitionId{8}}, offer_round(now + 8s)}).empty());
  CHECK(restarted.on_taken(now + 7s, node(2), {{PartitionId{8}}, offer_round(now + 7s)}).size() ==
        1);
}

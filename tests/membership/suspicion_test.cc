#include "membership/suspicion.h"

#include <doctest/doctest.h>

#include "membership/log_scale.h"
#include "membership/rumour_queue.h"
#include "sample_mesh.h"

using namespace pixmesh;

TEST_CASE("membership: logarithms are right at powers and never too high") {
  CHECK(milli_log2(1) == 0);
  CHECK(milli_log2(2) == 1000);
  CHECK(milli_log2(3) == 1500);
  CHECK(milli_log2(1024) == 10'000);
  CHECK(milli_log10(10) >= 930);
  CHECK(milli_log10(10) <= 1000);
  CHECK(milli_log10(1'000'000) <= 6000);
  for (std::uint64_t n = 1; n < 5000; ++n) CHECK(milli_log2(n) <= milli_log2(n + 1));
}

TEST_CASE("membership: a lone accuser waits longest, every independent one shortens it") {
  const Instant start = Instant{} + 100s;
  Suspicion suspicion(node_number(1), node_number(2), start, 3, 2s, 12s);
  CHECK(suspicion.deadline() == start + 12s);

  CHECK_FALSE(suspicion.confirm(start, node_number(2)));
  CHECK(suspicion.deadline() == start + 12s);
  CHECK(suspicion.confirm(start, node_number(3)));
  CHECK(suspicion.deadline() == start + 7s);
  CHECK(suspicion.confirm(start, node_number(4)));
  CHECK(suspicion.deadline() < start + 5s);
  CHECK(suspicion.confirm(start, node_number(5)));
  CHECK(suspicion.deadline() == start + 2s);
  CHECK_FALSE(suspicion.confirm(start, node_number(6)));

  suspicion.postpone(1s);
  CHECK(suspicion.deadline() == start + 3s);
}

TEST_CASE("membership: an accuser who comes late ends the suspicion now, not in the past") {
  const Instant start = Instant{} + 100s;
  Suspicion suspicion(node_number(1), node_number(2), start, 1, 2s, 12s);
  CHECK(suspicion.confirm(start + 8s, node_number(3)));
  CHECK(suspicion.deadline() == start + 8s);

  suspicion.postpone(1s);
  CHECK(suspicion.deadline() == start + 9s);
}

TEST_CASE("membership: a suspicion that nobody can confirm has the least time") {
  const Suspicion suspicion(node_number(1), node_number(2), Instant{}, 0, 2s, 12s);
  CHECK(suspicion.deadline() == Instant{} + 2s);
}

TEST_CASE("membership: rumours told least go first, the newest of equals, each a few times") {
  RumourQueue queue;
  queue.add({node_number(1), LifeState::suspect, 5, {}});
  queue.add({node_number(2), LifeState::dead, 6, {}});
  queue.add({node_number(3), LifeState::alive, 7, {}});

  std::vector<LivenessRumour> told;
  queue.take(2, 2, told);
  CHECK(told.size() == 2);
  CHECK(told[0].node == node_number(3));
  CHECK(told[1].node == node_number(2));
  told.clear();
  queue.take(1, 2, told);
  CHECK(told[0].node == node_number(1));

  queue.add({node_number(1), LifeState::dead, 5, {}});
  CHECK(queue.size() == 3);
  told.clear();
  queue.take(3, 2, told);
  CHECK(told[0].state == LifeState::dead);
  CHECK(queue.size() == 1);
  queue.take(3, 2, told);
  CHECK(queue.empty());
}

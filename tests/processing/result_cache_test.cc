#include "processing/result_cache.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/rng.h"
#include "processing/failed_work.h"
#include "processing/result_key.h"

using namespace pixmesh;

namespace {

Digest digest(std::size_t number) { return {{static_cast<std::uint8_t>(number)}}; }

ResultCache::Entry entry(std::uint64_t bytes, std::uint64_t cost_micros, std::size_t source = 1) {
  return {digest(source), bytes, cost_micros};
}

using Drops = ResultCache::Drops;

}  // namespace

TEST_CASE("processing: of equal results the one that was used longest ago goes") {
  ResultCache cache(4'000);
  for (const std::size_t key : {1, 2, 3, 4}) {
    CHECK(cache.add(digest(key), entry(1'000, 100)).empty());
  }
  cache.hold(digest(1));
  CHECK(cache.let_go(digest(1)).empty());

  CHECK(cache.add(digest(5), entry(1'000, 100)) == Drops{digest(2)});

  CHECK(cache.contains(digest(1)));
  CHECK(cache.bytes() == 4'000);
  cache.check_invariants();
}

TEST_CASE("processing: what is large and quickly made again goes before what is small and dear") {
  ResultCache cache(8'000);
  CHECK(cache.add(digest(1), entry(2'000, 1'000'000)).empty());  // a second, 2 kB
  CHECK(cache.add(digest(2), entry(2'000, 10'000)).empty());
  CHECK(cache.add(digest(3), entry(2'000, 1'000'000)).empty());
  CHECK(cache.add(digest(4), entry(1'000, 10'000)).empty());

  CHECK(cache.add(digest(5), entry(2'000, 500'000)) == Drops{digest(2)});

  cache.check_invariants();
}

TEST_CASE("processing: what was dear goes too once it is not used any more") {
  ResultCache cache(4'000);
  CHECK(cache.add(digest(1), entry(1'000, 1'000)).empty());  // ten times as dear as the others
  bool gone = false;
  for (std::size_t key = 2; key < 200 && !gone; ++key) {
    const Drops drops = cache.add(digest(key), entry(1'000, 100));
    gone = std::ranges::count(drops, digest(1)) > 0;
    cache.check_invariants();
  }

  CHECK(gone);
}

TEST_CASE("processing: a result above a quarter of the quota is not kept, nothing is with none") {
  ResultCache cache(4'000);
  ResultCache none(0);

  CHECK(cache.add(digest(1), entry(1'001, 100)) == Drops{digest(1)});
  CHECK(cache.add(digest(2), entry(1'000, 100)).empty());
  CHECK(none.add(digest(1), entry(1, 100)) == Drops{digest(1)});
  CHECK_FALSE(none.would_keep(1));
  CHECK(cache.count() == 1);
}

TEST_CASE("processing: what is given out stays until it is let go, also when it is purged") {
  ResultCache cache(4'000);
  CHECK(cache.add(digest(1), entry(1'000, 1)).empty());
  cache.hold(digest(1));
  for (const std::size_t key : {2, 3, 4}) CHECK(cache.add(digest(key), entry(1'000, 9)).empty());
  CHECK(cache.add(digest(5), entry(1'000, 9)) == Drops{digest(2)});  // not the held one

  CHECK(cache.remove(digest(1)).empty());

  CHECK_FALSE(cache.contains(digest(1)));
  cache.check_invariants();
  CHECK(cache.let_go(digest(1)) == Drops{digest(1)});
  cache.check_invariants();
}

TEST_CASE("processing: all that was made of one source is found, and only that") {
  ResultCache cache(100'000);
  for (const std::size_t key : {1, 2, 3}) (void)cache.add(digest(key), entry(100, 1, 7));
  (void)cache.add(digest(4), entry(100, 1, 8));
  (void)cache.add(digest(5), entry(100, 1, 6));

  CHECK(cache.made_of(digest(7)) == Drops{digest(1), digest(2), digest(3)});
  CHECK(cache.made_of(digest(9)).empty());
  CHECK(cache.remove(digest(2)) == Drops{digest(2)});
  CHECK(cache.made_of(digest(7)) == Drops{digest(1), digest(3)});
}

TEST_CASE("processing: whatever is added, used and removed, the quota holds (seed 5)") {
  Rng rng(5);
  ResultCache cache(1'000'000);
  std::vector<Digest> held;
  for (int step = 0; step < 20'000; ++step) {
    const Digest key = digest(rng.below(200));
    const auto wish = rng.below(4);
    if (wish == 0 && cache.contains(key) && held.size() < 5) {
      cache.hold(key);
      held.push_back(key);
    } else if (wish == 1 && !held.empty()) {
      (void)cache.let_go(held.back());
      held.pop_back();
    } else if (wish == 2) {
      (void)cache.remove(key);
    } else {
      const std::uint64_t bytes = rng.below(300'000);
      const std::uint64_t cost = rng.below(2) == 0 ? ~std::uint64_t{0} : rng.below(1'000'000);
      (void)cache.add(key, {digest(rng.below(9)), bytes, cost});
    }
    if (step % 16 == 0) cache.check_invariants();
  }
  for (const Digest& key : held) (void)cache.let_go(key);
  cache.check_invariants();
  CHECK(cache.bytes() <= cache.quota());
}

TEST_CASE("processing: every part of a key makes another one") {
  const Digest work = work_of(digest(1), digest(2), {800, 600});
  const Digest key = result_key_of(work, digest(3));

  CHECK(work == work_of(digest(1), digest(2), {800, 600}));
  CHECK(work != work_of(digest(4), digest(2), {800, 600}));
  CHECK(work != work_of(digest(1), digest(4), {800, 600}));
  CHECK(work != work_of(digest(1), digest(2), {600, 800}));
  CHECK(work != work_of(digest(1), digest(2), {800, 600, 0}));
  CHECK(key != result_key_of(work, digest(4)));
  CHECK(key != work);
}

TEST_CASE("processing: work that crashed twice is refused for ten minutes, then tried again") {
  constexpr Instant began{};
  FailedWork failed;
  failed.on_crash(began, digest(1), digest(9), 2, "first words");

  CHECK(failed.is_to_be_tried_here(began, digest(1)));
  CHECK_FALSE(failed.refusal_of(began, digest(1)));
  failed.on_crash(began + 1min, digest(1), digest(9), 2, "last words");
  REQUIRE(failed.refusal_of(began + 2min, digest(1)));
  CHECK(failed.refusal_of(began + 2min, digest(1))->text == "last words");
  CHECK(failed.refusal_of(began + 2min, digest(1))->left == 9min);
  CHECK_FALSE(failed.refusal_of(began + 2min, digest(2)));

  CHECK_FALSE(failed.refusal_of(began + 11min, digest(1)));
}

TEST_CASE("processing: what counts less is refused after more crashes, what counts nothing never") {
  constexpr Instant began{};
  FailedWork failed;
  for (int i = 0; i < 9; ++i) failed.on_crash(began, digest(2), digest(9), 0, "");
  CHECK_FALSE(failed.is_to_be_tried_here(began, digest(2)));

  failed.on_crash(began, digest(1), digest(9), 1, "");
  CHECK_FALSE(failed.is_to_be_tried_here(began, digest(1)));
  for (int i = 0; i < 2; ++i) failed.on_crash(began, digest(1), digest(9), 1, "");
  CHECK(failed.is_to_be_tried_here(began, digest(1)));
  CHECK_FALSE(failed.refusal_of(began, digest(1)));
  failed.on_crash(began, digest(1), digest(9), 1, "");

  CHECK(failed.refusal_of(began, digest(1)));
}

TEST_CASE("processing: a purge and a success make failed work forgotten; there are 1,000 at most") {
  constexpr Instant began{};
  FailedWork failed;
  for (int i = 0; i < 2; ++i) {
    failed.on_crash(began, digest(1), digest(8), 2, "");
    failed.on_crash(began, digest(2), digest(9), 2, "");
    failed.on_crash(began, digest(3), digest(9), 2, "");
  }

  failed.forget(digest(2));
  failed.forget_source(digest(8));

  CHECK_FALSE(failed.refusal_of(began, digest(1)));
  CHECK_FALSE(failed.refusal_of(began, digest(2)));
  CHECK(failed.refusal_of(began, digest(3)));
  for (std::uint32_t i = 0; i < 2'000; ++i) {
    const Digest key = result_key_of(digest(i), digest(i >> 8));
    failed.on_crash(began + std::chrono::seconds(1), key, digest(9), 1, "");
  }
  CHECK(failed.count() == 1'000);
}

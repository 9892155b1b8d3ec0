#include "replication/holder_sets.h"

#include <doctest/doctest.h>

#include "base/rng.h"
#include "sample_view.h"

using namespace pixmesh;

namespace {

/// Of members 1, 2 and so on.
EvictionLookup marks(std::vector<EvictionMarks> of_each) {
  return [of_each = std::move(of_each)](NodeId id) {
    const std::size_t index = id.raw[0] - 1U;
    return index < of_each.size() ? of_each[index] : EvictionMarks{};
  };
}

constexpr EvictionMarks present{};
constexpr EvictionMarks evicted{7, 0};
constexpr EvictionMarks given_up{7, 7};

}  // namespace

TEST_CASE("holder sets: a settled set loses the evicted while fewer than W of it are") {
  const HolderSets sets{lives({1, 2, 3}), 4, lives({1, 2, 4})};
  const HolderLists lists = lists_from(sets, marks({present, present, evicted, evicted}));
  CHECK(lists == HolderLists{nodes({1, 2}), 4, nodes({1, 2, 4}), 1, false});
}

TEST_CASE("holder sets: where W or more are evicted, the set keeps them and is not settled") {
  const HolderSets sets{lives({1, 2, 3}), 4, lives({1, 2, 3})};
  const HolderLists lists = lists_from(sets, marks({evicted, present, evicted}));
  CHECK(lists == HolderLists{nodes({1, 2, 3}), 4, nodes({1, 2, 3}), 0, true});
  CHECK_FALSE(lists.is_settled());
}

TEST_CASE("holder sets: where W or more are evicted, those that were given up go") {
  const HolderSets sets{lives({1, 2, 3}), 4, lives({1, 2, 3})};
  CHECK(lists_from(sets, marks({given_up, present, evicted})) ==
        HolderLists{nodes({2, 3}), 4, nodes({1, 2, 3}), 1, true});
  CHECK(lists_from(sets, marks({given_up, present, given_up})) ==
        HolderLists{nodes({2}), 4, nodes({1, 2, 3}), 2, false});
}

TEST_CASE("holder sets: a set that was all given up stays, for nobody else can tell what it had") {
  const HolderSets sets{lives({1, 2}), 4, lives({3})};
  CHECK(lists_from(sets, marks({given_up, given_up})).settled == nodes({1, 2}));
}

TEST_CASE("holder sets: a set that was all given up is not waited for where another is left") {
  HolderSets sets{lives({1, 2}), 4, lives({2, 3}), {lives({1})}};
  const HolderLists lists = lists_from(sets, marks({given_up}));
  CHECK(lists.earlier == std::vector<FormerSet>{{{}, 2, 1, false}});
  CHECK(has_all(nodes({2}), former_quorums_of(lists, QuorumKind::read)));

  sets.earlier = {lives({3})};
  const HolderLists others = lists_from(sets, marks({given_up, given_up}));
  CHECK(others.settled.empty());
  CHECK(others.earlier == std::vector<FormerSet>{{nodes({3}), 2, 0, false}});
}

TEST_CASE("holder sets: an eviction is of the lives before it") {
  const HolderSets sets{std::vector<HolderLife>{{node(1), 0}, {node(2), 7}, {node(3), 6}}, 4,
                        lives({1, 2, 3})};
  const HolderLists lists = lists_from(sets, marks({present, evicted, evicted}));
  CHECK(lists == HolderLists{nodes({1, 2}), 4, nodes({1, 2, 3}), 1, false});
}

// Whatever was evicted when, every write that was acknowledged is seen by every read quorum that
// comes later: of each the size is enough to meet in a member that was not given up.
TEST_CASE("holder sets: read quorums meet the writes that evictions let pass before") {
  Rng rng(11);
  std::size_t awaiting = 0;
  for (int round = 0; round < 20'000; ++round) {
    const auto size = static_cast<std::uint8_t>(1 + rng.below(5));
    const auto replicas = static_cast<std::uint32_t>(size + rng.below(2));
    const auto write_quorum = static_cast<std::uint32_t>(
        replicas / 2 + 1 + rng.below(replicas - replicas / 2));  // R/2 < W <= R
    HolderSets sets;
    sets.settled.write_quorum = write_quorum;
    for (std::uint8_t i = 1; i <= size; ++i) sets.settled.holders.push_back({node(i), 0});
    sets.number = 1;
    std::vector<EvictionMarks> marks_of(size);
    const HolderLists before = lists_from(sets, marks(marks_of));
    std::vector<HolderLists> history{before};
    for (std::uint64_t evictions = rng.below(5); evictions > 0; --evictions) {
      marks_of[rng.below(size)].evicted = 1;
      history.push_back(lists_from(sets, marks(marks_of)));
    }
    for (std::size_t earlier = 0; earlier < history.size(); ++earlier) {
      for (std::size_t later = earlier; later < history.size(); ++later) {
        const HolderLists& wrote = history[earlier];
        const HolderLists& reads = history[later];
        const std::size_t common = count_common(wrote.settled, reads.settled);
        const std::size_t missed =
            wrote.settled.size() - common;  // members that the reader does not ask
        const std::size_t copies = write_quorum_of(former_sets_of(wrote)[0]);
        const std::size_t asked = read_quorum_of(former_sets_of(reads)[0]);
        CAPTURE(size);
        CAPTURE(write_quorum);
        CAPTURE(earlier);
        CAPTURE(later);
        // The fewest copies among those asked, of the members that both know.
        REQUIRE(copies > missed);
        CHECK(copies - missed + asked > reads.settled.size());
        awaiting += reads.awaits_evicted ? 1 : 0;
      }
    }
  }
  CHECK(awaiting > 1'000);
}

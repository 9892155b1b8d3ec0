#include "replication/repair.h"

#include <doctest/doctest.h>

#include "replication/answers.h"
#include "sample_view.h"

using namespace pixmesh;

namespace {

constexpr std::uint32_t partitions = 1'024;  // sixteen in each block
const HolderLists both{nodes({1, 2, 3}), 4, nodes({1, 2, 3}), 0};

/// One of two holders of all partitions, with an image in each.
struct Holder {
  explicit Holder(std::uint8_t number) {
    view.self = node(number);
    view.partition_count = partitions;
    view.disk_of = [](PartitionId) { return 0U; };
    view.lists_of = [this](PartitionId partition) {
      return partition == in_motion ? HolderLists{both.settled, 4, nodes({1, 2, 4}), 0} : both;
    };
    view.is_recovering = [this](PartitionId partition) { return partition == recovering; };
    for (std::uint32_t raw = 0; raw < partitions; ++raw) {
      summary.partitions.push_back({PartitionId{raw}, raw * 7ULL, 1, 1, 0, 100});
    }
  }
  [[nodiscard]] FingerprintAnswer answer(const FingerprintRequest& request, NodeId asker) const {
    const RecordCodec codec;
    CompareFingerprints compare(OperationId{9}, view, codec, request, {PartitionId{0}}, {}, asker);
    (void)compare.start({});
    const Effects effects = compare.on_disk({}, DiskAnswer(summary));
    REQUIRE(effects.size() == 1);
    return std::get<FingerprintAnswer>(std::get<Answer>(effects[0]).message);
  }

  MeshView view = view_of({1, 2});
  DiskSummary summary;
  std::optional<PartitionId> in_motion;
  std::optional<PartitionId> recovering;
};

/// What the first holder sends in one comparison with the second, and what it then syncs.
struct Course {
  std::vector<FingerprintRequest> sent;
  std::vector<PartitionId> synced;
};

Course compare(const Holder& asker, const Holder& other) {
  Repair repair(OperationId{5}, asker.view);
  Course course;
  (void)repair.start({});
  (void)repair.on_deadline(*repair.next_deadline());
  Effects effects = repair.on_disk({}, DiskAnswer(asker.summary));
  while (!effects.empty()) {
    Effects next;
    for (const auto& [to, request] : asked<FingerprintRequest>(effects)) {
      CHECK(to == other.view.self);
      course.sent.push_back(request);
      append(next, repair.on_message({}, to, other.answer(request, asker.view.self)));
    }
    for (const Effect& effect : effects) {
      const auto* sync = std::get_if<StartSync>(&effect);
      if (sync != nullptr) course.synced.push_back(sync->partition);
    }
    effects = std::move(next);
  }
  return course;
}

}  // namespace

TEST_CASE("repair: holders that have the same tell each other one sum a block") {
  const Holder one(1);
  const Holder two(2);
  const Course course = compare(one, two);
  REQUIRE(course.sent.size() == 1);
  CHECK(course.sent[0].blocks.size() == shared_blocks);
  CHECK(course.sent[0].mine.empty());
  CHECK(course.synced.empty());
}

TEST_CASE("repair: a difference is found in its block, and that partition alone is synced") {
  const Holder one(1);
  Holder two(2);
  two.summary.partitions[500].fingerprint += 1;
  const Course course = compare(one, two);
  REQUIRE(course.sent.size() == 2);
  CHECK(course.sent[1].mine.size() == partitions / shared_blocks);
  CHECK(course.synced == std::vector{PartitionId{500}});
}

TEST_CASE("repair: what is there only at one of the two is found") {
  Holder one(1);
  const Holder two(2);
  one.summary.partitions.pop_back();
  CHECK(compare(one, two).synced == std::vector{PartitionId{partitions - 1}});
  CHECK(compare(two, one).synced == std::vector{PartitionId{partitions - 1}});
}

TEST_CASE("repair: what moves is left to rebalance, and what recovers elsewhere differs") {
  Holder one(1);
  Holder two(2);
  one.in_motion = PartitionId{7};
  two.summary.partitions[7].fingerprint += 1;
  CHECK(compare(one, two).synced.empty());

  Holder three(2);
  three.recovering = PartitionId{9};
  CHECK(compare(Holder(1), three).synced == std::vector{PartitionId{9}});
  CHECK(compare(three, Holder(1)).synced.empty());
}

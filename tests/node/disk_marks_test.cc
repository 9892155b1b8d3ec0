#include "node/disk_marks.h"

#include <doctest/doctest.h>

#include "base/bytes.h"
#include "nowhere.h"

using namespace pixmesh;

namespace {

constexpr PartitionId on_first{0};
constexpr PartitionId on_second{1};

/// The marks of a node with two disks, of which the second may take no writes.
struct TwoDisks {
  TwoDisks() {
    options.disks.resize(2);
    view.disk_of = [](PartitionId partition) { return partition.raw; };
    answer(marks.start(now));
  }
  void answer(Effects effects) {
    while (!effects.empty()) {
      REQUIRE(effects.size() == 1);
      const auto& use = std::get<UseDisk>(effects[0]);
      const auto& row = std::get<PutValues>(use.operation).rows.at(0);
      const bool fails = second_fails && use.partition == on_second;
      if (!fails) written[use.partition].insert(std::string(text_of(row.key)));
      effects = marks.on_disk(now, fails ? Result<DiskAnswer>(Error{ErrorCode::failed, "broken"})
                                         : Result<DiskAnswer>(DiskAnswer(Done{})));
    }
  }
  void run_for(Duration time) {
    const Instant end = now + time;
    while (*marks.next_deadline() <= end) {
      now = *marks.next_deadline();
      answer(marks.on_deadline(now));
    }
    now = end;
  }

  Instant now = Instant{} + 1000s;
  NodeOptions options;
  MeshView view;
  Nowhere nowhere;
  AtOnce background;
  Outside outside{nowhere, {}, nowhere, nowhere, background, nowhere};
  Operations numbers{1};
  StateWriter writer{outside, numbers};
  bool doubts_are_durable = false;
  bool second_fails = false;
  std::map<PartitionId, std::set<std::string>> written;  // keys
  DiskMarks marks{OperationId{1}, options, view, writer, {on_first, on_second}, 1, [this] {
                    return doubts_are_durable;
                  }};
};

}  // namespace

TEST_CASE("node: no disk is marked before the doubts about its copies are durable") {
  TwoDisks node;
  node.run_for(20s);
  CHECK_FALSE(node.written[on_first].contains("mark"));
  node.doubts_are_durable = true;
  node.run_for(1s);
  CHECK(node.written[on_first].contains("mark"));
  CHECK(node.written[on_second].contains("mark"));
}

TEST_CASE("node: a disk that fails before its doubts are durable is known to have failed") {
  TwoDisks node;
  node.run_for(10s);
  CHECK_FALSE(node.marks.failed_for(node.now, 0s));
  node.second_fails = true;
  node.run_for(30s);
  CHECK(node.marks.failed_for(node.now, 20s) == on_second);
  CHECK_FALSE(node.marks.failed_for(node.now, 31s));

  node.second_fails = false;  // it was only full of errors for a while
  node.run_for(6s);
  CHECK_FALSE(node.marks.failed_for(node.now, 0s));
}

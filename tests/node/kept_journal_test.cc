#include "node/kept_journal.h"

#include <doctest/doctest.h>

#include "wire/stored.h"

using namespace pixmesh;

namespace {

const NodeId teller{{9}};
const Instant began_at{};
const WallTime wall_then{1'000'000'000};

RequestId asked_for(std::uint32_t number) {
  return RequestId{{static_cast<std::uint8_t>(number), static_cast<std::uint8_t>(number >> 8)}};
}

/// Keeps rows as files would, and holds what it found until it is asked for.
class KeptRows : public JournalStore {
 public:
  bool append(std::vector<JournalRow> rows) override {
    last_batch = rows.size();
    for (JournalRow& row : rows) all.push_back(std::move(row));
    return true;
  }
  bool find(OperationId ticket, RequestId request) override {
    if (is_busy) return false;
    found = JournalFound{ticket, {}};
    for (const JournalRow& row : all) {
      if (row.request == request) found.rows.push_back(row.bytes);
    }
    return true;
  }

  std::vector<JournalRow> all;
  std::size_t last_batch = 0;
  JournalFound found;
  bool is_busy = false;
};

class SaidBox : public Post {
 public:
  void to_member(NodeId, Message) override {}
  void to_link(LinkId, Message message) override { said.push_back(std::move(message)); }
  std::vector<Message> said;
};

/// One process: a journal in memory, and the rows of all processes.
struct OneLife {
  OneLife(KeptRows& rows, std::uint64_t boot)
      : store(rows), kept(journal, &rows, teller, boot, box) {}

  void begin(std::uint32_t number) {
    RunStart run;
    run.request = asked_for(number);
    run.recipe = "thumbnail";
    journal.on_started(began_at, run);
  }
  void finish(std::uint32_t number) {
    ToolReport report;
    report.wall = 2s;
    journal.on_ended(began_at + 2s, asked_for(number), report, {});
  }
  WhyAnswer why(std::uint32_t number) {
    kept.on_why(began_at + 3s, wall_then, LinkId{1}, {OperationId{70}, asked_for(number)},
                OperationId{5});
    if (box.said.empty()) kept.on_found(began_at + 3s, wall_then, store.found);
    REQUIRE(box.said.size() == 1);
    auto answer = std::get<WhyAnswer>(box.said.front());
    box.said.clear();
    CHECK(answer.operation == OperationId{70});
    CHECK(answer.node == teller);
    return answer;
  }

  KeptRows& store;
  RunJournal journal;
  SaidBox box;
  KeptJournal kept;
};

}  // namespace

TEST_CASE("node: what a process noted of a request is told by the next one, once") {
  KeptRows rows;
  OneLife first(rows, 1);
  first.begin(1);
  first.kept.write(began_at, wall_then, false);
  first.finish(1);
  first.kept.write(began_at + 2s, wall_then, false);
  CHECK(rows.all.size() == 2);
  CHECK(first.why(1).runs.size() == 1);

  OneLife second(rows, 2);
  const WhyAnswer told = second.why(1);

  REQUIRE(told.runs.size() == 1);
  CHECK(told.runs[0].state == "done");
  CHECK(told.runs[0].run_micros == 2'000'000);
  CHECK(second.why(2).runs.empty());
  second.begin(1);  // the same request once more
  CHECK(second.why(1).runs.size() == 2);
}

TEST_CASE("node: a run that its process did not see the end of was stopped with it") {
  KeptRows rows;
  OneLife first(rows, 1);
  first.begin(1);
  first.kept.write(began_at, wall_then, false);
  CHECK(first.why(1).runs.at(0).state == "inspecting");

  OneLife second(rows, 2);

  CHECK(second.why(1).runs.at(0).state == "stopped");
}

TEST_CASE("node: what is new is written once a second, a little in each turn, all at the end") {
  KeptRows rows;
  OneLife one(rows, 1);
  for (std::uint32_t i = 0; i < 100; ++i) one.begin(i);
  one.kept.write(began_at, wall_then, false);
  CHECK(rows.all.size() == 64);
  one.kept.write(began_at, wall_then, false);
  CHECK(rows.all.size() == 100);
  one.kept.write(began_at + 5s, wall_then, false);
  CHECK(rows.all.size() == 100);  // nothing is new

  one.finish(3);
  one.kept.write(began_at + 5s, wall_then, false);
  CHECK(rows.all.size() == 100);  // not yet: the last look was now
  one.kept.write(began_at + 6s, wall_then, false);
  CHECK(rows.all.size() == 101);
  for (std::uint32_t i = 100; i < 300; ++i) one.begin(i);
  one.kept.write(began_at + 6s, wall_then, true);
  CHECK(rows.all.size() == 301);
}

TEST_CASE("node: a store that is too busy leaves it at what is remembered") {
  KeptRows rows;
  OneLife first(rows, 1);
  first.begin(1);
  first.kept.write(began_at, wall_then, true);
  OneLife second(rows, 2);
  rows.is_busy = true;

  CHECK(second.why(1).runs.empty());
  second.begin(2);
  CHECK(second.why(2).runs.size() == 1);
}

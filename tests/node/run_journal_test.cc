#include "node/run_journal.h"

#include <doctest/doctest.h>

using namespace pixmesh;

namespace {

const NodeId ada{{1}}, bob{{2}};
const Instant start{};
const WallTime noon{1'000'000'000};

RequestId request_of(std::uint8_t number) { return RequestId{{number, 7}}; }

RunStart start_of(std::uint8_t number) {
  RunStart run;
  run.request = request_of(number);
  run.recipe = "thumbnail";
  run.then.push_back({"sharpen", {}, {}});
  return run;
}

}  // namespace

TEST_CASE("node: a router's record has each holder with its answer and score") {
  RunJournal journal;
  RunRequest request;
  request.request = request_of(1);
  request.name = "a.jpg";
  request.recipe = "thumbnail";
  journal.on_routed(start, request);
  journal.on_located(start + 3ms, request.request, {ada, bob});
  LoadAnswer load;
  load.has_recipe = load.accepts_work = true;
  load.queued = 4;
  load.wait_micros = 500;
  journal.on_load(start + 5ms, request.request, bob, load);
  journal.on_placed(start + 103ms, request.request, {{bob, 900}});

  const WhyAnswer answer = journal.why(start + 2s, {noon}, request.request);

  REQUIRE(answer.routes.size() == 1);
  const RouteReport& route = answer.routes[0];
  CHECK(route.asked_micros == noon.microseconds - 2'000'000);
  CHECK(route.lookup_micros == 3'000);
  CHECK(route.decided_micros == 103'000);
  REQUIRE(route.holders.size() == 2);
  CHECK_FALSE(route.holders[0].answered);
  CHECK(route.holders[1].answer_micros == 2'000);
  CHECK(route.holders[1].queued == 4);
  CHECK(route.holders[1].score_micros == 900);
  CHECK(journal.why(start, noon, request_of(2)).routes.empty());
}

TEST_CASE("node: a holder's record has the time of each step and the limit that hit") {
  RunJournal journal;
  const RunStart run = start_of(1);
  using Step = RunJournal::Step;
  journal.on_started(start, run);
  journal.on_step(start + 1ms, run.request, Step::inspected);
  journal.on_step(start + 1ms, run.request, Step::admitted);
  journal.on_queued(run.request, 3);
  journal.on_step(start + 11ms, run.request, Step::taken_up);
  CHECK(journal.why(start, noon, run.request).runs[0].state == "checking");
  journal.on_step(start + 15ms, run.request, Step::verified);
  ToolReport report;
  report.end = ToolEnd::memory_limit;
  report.wall = 70ms;
  report.cpu = 60ms;
  RunDone done;
  done.code = ErrorCode::tool_failed;
  done.detail = "the tool asked for more memory than its limit";
  journal.on_ended(start + 85ms, run.request, report, done);
  journal.on_left(start + 90ms, run.request);

  const RunReport told = journal.why(start + 1s, noon, run.request).runs[0];

  CHECK(told.recipe == "thumbnail | sharpen");
  CHECK(told.state == "failed");
  CHECK(told.limit == "memory");
  CHECK(told.position == 3);
  CHECK(told.inspect_micros == 1'000);
  CHECK(told.queue_micros == 10'000);
  CHECK(told.verify_micros == 4'000);
  CHECK(told.run_micros == 70'000);
  CHECK(told.code == ErrorCode::tool_failed);
}

TEST_CASE("node: what a run was above is told, be it the header's limits or the node's memory") {
  RunJournal journal;
  journal.on_started(start, start_of(1));
  journal.on_refused(request_of(1), ErrorCode::denied, "too many pixels");
  journal.on_started(start, start_of(2));
  journal.on_refused(request_of(2), ErrorCode::denied, "it may need 9 GiB", "memory");
  CHECK(journal.why(start, noon, request_of(1)).runs[0].limit == "header");
  CHECK(journal.why(start, noon, request_of(2)).runs[0].limit == "memory");
}

TEST_CASE("node: an asker that goes before the end is told apart from one that has its result") {
  RunJournal journal;
  journal.on_started(start, start_of(1));
  journal.on_left(start + 1s, request_of(1));
  journal.on_started(start, start_of(2));
  journal.on_ended(start + 1s, request_of(2), {}, {});
  journal.on_fetching(start + 2s, request_of(2));
  journal.on_left(start + 5s, request_of(2));

  CHECK(journal.why(start, noon, request_of(1)).runs[0].state == "left");
  CHECK(journal.why(start, noon, request_of(2)).runs[0].state == "done");
  CHECK(journal.why(start, noon, request_of(2)).runs[0].send_micros == 3'000'000);
  CHECK(journal.status().left == 1);
  CHECK(journal.status().finished == 1);
}

TEST_CASE("node: records are kept for a day, and no longer than there is room") {
  RunJournal journal({.bytes_max = 4'000, .kept = 24h});
  journal.on_started(start, start_of(1));
  journal.on_started(start + 23h, start_of(2));
  CHECK(journal.why(start, noon, request_of(1)).runs.size() == 1);
  journal.on_started(start + 25h, start_of(3));
  CHECK(journal.why(start, noon, request_of(1)).runs.empty());
  CHECK(journal.why(start, noon, request_of(2)).runs.size() == 1);

  for (std::uint8_t number = 10; number < 200; ++number) {
    RunStart run = start_of(number);
    journal.on_started(start + 25h, run);
    journal.on_refused(run.request, ErrorCode::overloaded, std::string(100'000, 'x'));
    CHECK(journal.weight() < 4'000 + 4'000);
  }
  CHECK(journal.count() < 4);
  CHECK(journal.why(start, noon, request_of(199)).runs[0].limit == "queue");
}

TEST_CASE("node: sums and percentiles are of runs that ended") {
  RunJournal journal;
  for (int i = 1; i <= 100; ++i) {
    ToolReport report;
    report.wall = i * 1ms;
    report.cpu = 2ms;
    journal.on_ended(start, request_of(1), report, {});
  }
  const RunStatus status = journal.status();
  CHECK(status.finished == 100);
  CHECK(status.cpu_micros == 200'000);
  CHECK(status.p50_micros == 50'000);
  CHECK(status.p95_micros == 95'000);
}

TEST_CASE("node: a request that is tried again and again keeps its last tries") {
  RunJournal journal;
  for (int i = 0; i < 100; ++i) journal.on_started(start + i * 1s, start_of(1));
  const WhyAnswer answer = journal.why(start + 100s, noon, request_of(1));
  CHECK(answer.runs.size() == 4);
  CHECK(answer.runs.back().asked_micros == noon.microseconds - 1'000'000);
}

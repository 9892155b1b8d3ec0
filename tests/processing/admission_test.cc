#include <doctest/doctest.h>

#include <algorithm>
#include <deque>

#include "base/rng.h"
#include "processing/lanes.h"

using namespace pixmesh;

// Which jobs are let in, and in which order they start.
namespace {

constexpr Instant begun_at{};
constexpr std::uint64_t mebi = 1ULL << 20;

/// Lanes with an own count of jobs, and a word for what happens to them.
struct Desk {
  explicit Desk(LanesOptions options) : lanes(options) {}

  StartAnswer ask(Job job) {
    job.run.raw = job.request.raw[0] = static_cast<std::uint8_t>(++last);
    if (job.recipe.empty()) job.recipe = "thumbnail";
    if (job.deadline == Instant{}) job.deadline = now + 1h;
    StartAnswer answer = lanes.on_start(now, std::move(job));
    note(answer.effects);
    lanes.check_invariants();
    return answer;
  }
  StartAnswer ask() { return ask(Job{}); }
  void end(std::uint64_t run, Duration took = 200ms, std::uint64_t memory = 0) {
    note(lanes.on_finished(now, RunId{run}, RunCost{took, took, memory}));
    lanes.check_invariants();
  }
  void note(const Lanes::Effects& effects) {
    for (const LanesEffect& effect : effects) {
      if (const auto* begun = std::get_if<StartRun>(&effect)) started.push_back(begun->run.raw);
      if (const auto* drop = std::get_if<DropJob>(&effect)) dropped.push_back(drop->run.raw);
    }
  }

  Lanes lanes;
  Instant now = begun_at;
  std::uint64_t last = 0;
  std::vector<std::uint64_t> started;
  std::vector<std::uint64_t> dropped;
};

Job job_for(std::uint64_t client) {
  Job job;
  job.client = client;
  return job;
}

Job batch_job() {
  Job job;
  job.batch = true;
  return job;
}

/// A job of a recipe that never ran, whose guess is cut to `bytes` by the recipe's limit.
Job job_of_memory(std::uint64_t bytes) {
  Job job;
  job.pixels = 250'000'000;
  job.memory_most = bytes;
  return job;
}

using Runs = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("processing: before the first run memory is guessed high, then by what runs took") {
  CHECK(memory_need_of({}, 10'000'000, 0, 0) == MemoryNeed{64 * mebi + 160'000'000, false});
  CHECK(memory_need_of({}, 100'000'000, 0, 1024 * mebi) == MemoryNeed{1024 * mebi, false});
  CostEstimate known;
  known.memory_bytes = 80 * mebi;
  CHECK(memory_need_of(known, 10'000'000, 0, 0) == MemoryNeed{100 * mebi, true});
  CHECK(memory_need_of(known, 100'000'000, 6, 0) == MemoryNeed{64 * mebi + 600'000'000, true});
}

TEST_CASE("processing: jobs run together only as far as their memory goes") {
  Desk desk({.workers = 4, .memory_bytes = 1000 * mebi});
  for (int i = 0; i < 4; ++i) (void)desk.ask(job_of_memory(400 * mebi));

  CHECK(desk.started == Runs{1, 2});
  CHECK(desk.lanes.memory().taken() == 800 * mebi);
  CHECK(desk.lanes.load({}).memory_free == 200 * mebi);
  desk.note(desk.lanes.on_finished(begun_at, RunId{1}, std::nullopt));
  CHECK(desk.started == Runs{1, 2, 3});
  CHECK(desk.lanes.load({}).queued == 1);
}

TEST_CASE("processing: jobs that wait for memory start by what others have shown to need") {
  Desk desk({.workers = 4, .memory_bytes = 1000 * mebi});
  for (int i = 0; i < 4; ++i) (void)desk.ask(job_of_memory(900 * mebi));
  CHECK(desk.started == Runs{1});

  desk.end(1, 200ms, 100 * mebi);

  CHECK(desk.started == Runs{1, 2, 3, 4});
  CHECK(desk.lanes.memory().taken() == 3 * 125 * mebi);
}

TEST_CASE(
    "processing: a job known to need more than the budget is refused, a guessed one runs alone") {
  Desk desk({.workers = 4, .memory_bytes = 500 * mebi});
  (void)desk.ask(job_of_memory(2000 * mebi));
  (void)desk.ask(job_of_memory(100 * mebi));
  CHECK(desk.started == Runs{1});

  desk.end(1, 1s, 800 * mebi);
  const StartAnswer again = desk.ask(job_of_memory(2000 * mebi));

  const auto* refused = std::get_if<JobTooLarge>(&again.outcome);
  REQUIRE(refused != nullptr);
  CHECK(refused->needed == 1000 * mebi);
  CHECK(refused->budget == 500 * mebi);
  CHECK(desk.lanes.load({"thumbnail", 250'000'000, false, 2000 * mebi}).too_large);
}

TEST_CASE("processing: memory is counted by what is made, not by the recipe alone") {
  Desk desk({.workers = 4, .memory_bytes = 1000 * mebi});
  const auto ask = [&desk](const char* way) {
    Job job = job_of_memory(2000 * mebi);
    job.pixels = 20'000'000;
    job.way = way;
    return desk.ask(std::move(job));
  };
  (void)ask("jpeg format=jpg");
  desk.end(1, 1s, 40 * mebi);
  (void)ask("jpeg format=webp");
  CHECK(desk.lanes.memory().taken() > 300 * mebi);  // nobody knows yet
  desk.end(2, 1s, 400 * mebi);

  for (int i = 0; i < 3; ++i) (void)ask("jpeg format=webp");
  CHECK(desk.lanes.memory().taken() == 2 * 500 * mebi);
  CHECK(desk.started == Runs{1, 2, 3, 4});
  const RunShape small{"thumbnail", 20'000'000, false, 0, "jpeg format=jpg"};
  CHECK(desk.lanes.load(small).memory_bytes == 50 * mebi);
}

TEST_CASE("processing: a large job is overtaken by eight small ones at most") {
  Desk desk({.workers = 2, .queue_max = 200, .memory_bytes = 1000 * mebi});
  (void)desk.ask(job_of_memory(300 * mebi));
  (void)desk.ask(job_of_memory(300 * mebi));
  (void)desk.ask(job_of_memory(1000 * mebi));  // run 3
  for (int i = 0; i < 40; ++i) (void)desk.ask(job_of_memory(300 * mebi));
  std::deque<std::uint64_t> running(desk.started.begin(), desk.started.end());

  std::size_t before = 0;
  while (!running.empty()) {
    const std::size_t known = desk.started.size();
    desk.note(desk.lanes.on_finished(begun_at, RunId{running.front()}, std::nullopt));
    desk.lanes.check_invariants();
    running.pop_front();
    for (std::size_t i = known; i < desk.started.size(); ++i) {
      if (desk.started[i] == 3) before = i;
      running.push_back(desk.started[i]);
    }
  }

  CHECK(before == 2 + 8);
  CHECK(desk.started.size() == 43);
}

TEST_CASE("processing: a queue is full when its predicted wait is, however few its jobs") {
  Desk desk({.workers = 2, .queue_max = 1000, .queue_time = 30s});
  (void)desk.ask();
  desk.end(1, 10s);
  for (int i = 0; i < 7; ++i) CHECK_FALSE(std::holds_alternative<JobRefused>(desk.ask().outcome));
  const StartAnswer eighth = desk.ask();

  const auto* refused = std::get_if<JobRefused>(&eighth.outcome);
  REQUIRE(refused != nullptr);
  CHECK(refused->retry_after == 10s);  // 8 jobs of 10 s shared by two: its bound
  CHECK(desk.lanes.load({"thumbnail"}).retry_after == 10s);
  CHECK(desk.lanes.load({"thumbnail"}).wait_micros == 35'000'000);
}

TEST_CASE("processing: memory counts in the predicted wait where it lets fewer run than workers") {
  Desk desk({.workers = 4, .memory_bytes = 1000 * mebi});
  (void)desk.ask(job_of_memory(1000 * mebi));
  desk.end(1, 4s, 800 * mebi);  // the next ones need 1000 MiB
  for (int i = 0; i < 3; ++i) (void)desk.ask(job_of_memory(0));

  CHECK(desk.started.size() == 2);
  CHECK(desk.lanes.load({"thumbnail", 250'000'000}).wait_micros == 12'000'000);
}

TEST_CASE("processing: what could not start before its deadline is refused, not queued") {
  Desk desk({.workers = 1});
  for (int i = 0; i < 5; ++i) (void)desk.ask();  // 200 ms each
  Job hasty;
  hasty.deadline = desk.now + 1s;
  const StartAnswer late = desk.ask(hasty);
  hasty.deadline = desk.now + 1001ms;
  const StartAnswer in_time = desk.ask(hasty);

  const auto* refused = std::get_if<JobRefused>(&late.outcome);
  REQUIRE(refused != nullptr);
  CHECK(refused->too_late);
  CHECK(std::holds_alternative<JobQueued>(in_time.outcome));
}

TEST_CASE("processing: a job is dropped when not even half its time is left at its turn") {
  for (const Duration patience : {11s, 12s}) {
    Desk desk({.workers = 1});
    (void)desk.ask();
    desk.end(1, 10s);
    (void)desk.ask();
    Job hasty;
    hasty.deadline = begun_at + patience;
    (void)desk.ask(hasty);

    desk.now = begun_at + 7s;
    desk.end(2, 10s);

    CHECK(desk.dropped == (patience == 11s ? Runs{3} : Runs{}));
    CHECK(desk.started == (patience == 11s ? Runs{1, 2} : Runs{1, 2, 3}));
  }
}

TEST_CASE("processing: batch delays an interactive job by what runs already, never by more") {
  Desk desk({.workers = 2});
  for (int i = 0; i < 6; ++i) (void)desk.ask(batch_job());
  const StartAnswer seventh = desk.ask();
  (void)desk.ask();

  CHECK(std::get<JobQueued>(seventh.outcome).position == 0);
  CHECK(desk.lanes.load({"thumbnail"}).wait_micros == 400'000);
  CHECK(desk.lanes.load({"thumbnail", 0, true}).wait_micros == 800'000);
  desk.end(1);
  desk.end(2);
  CHECK(desk.started == Runs{1, 2, 7, 8});
  desk.end(7);
  CHECK(desk.started == Runs{1, 2, 7, 8, 3});
}

TEST_CASE("processing: batch fills half the places and gets a start a minute in any case") {
  Desk desk({.workers = 1, .queue_max = 8});
  for (int i = 0; i < 5; ++i) (void)desk.ask(batch_job());
  CHECK(std::holds_alternative<JobRefused>(desk.ask(batch_job()).outcome));
  std::uint64_t running = 1;
  std::size_t batch_started = 0;
  for (int second = 0; second < 180; ++second) {
    desk.now += 1s;
    REQUIRE(std::holds_alternative<JobQueued>(desk.ask().outcome));
    desk.end(running);
    running = desk.started.back();
    if (running <= 5) ++batch_started;
  }
  CHECK(batch_started == 3);  // after one minute, two and three
}

TEST_CASE("processing: a client with many jobs waits behind himself, not others behind him") {
  Desk desk({.workers = 1});
  for (int i = 0; i < 20; ++i) (void)desk.ask(job_for(1));
  (void)desk.ask(job_for(2));  // run 21
  (void)desk.ask(job_for(2));
  (void)desk.ask(job_for(3));  // run 23
  for (int i = 0; i < 7; ++i) desk.end(desk.started.back());

  CHECK(desk.started == Runs{1, 2, 21, 23, 3, 22, 4, 5});
}

TEST_CASE("processing: clients share by time, not by count") {
  Desk desk({.workers = 1, .queue_max = 200});
  (void)desk.ask();
  desk.end(1, 100ms);
  Job heavy = job_for(1);
  heavy.recipe = "slow";
  (void)desk.ask(heavy);
  desk.end(2, 400ms);
  for (int i = 0; i < 30; ++i) (void)desk.ask(heavy);
  for (int i = 0; i < 60; ++i) (void)desk.ask(job_for(2));
  std::map<bool, int> count;
  for (int i = 0; i < 41; ++i) {
    const std::uint64_t run = desk.started.back();
    ++count[run <= 32];
    desk.end(run, run <= 32 ? 400ms : 100ms);
  }
  CHECK(count[false] >= 30);  // four light ones for each heavy one
  CHECK(count[false] <= 33);
}

TEST_CASE("processing: clients that come anew without end do not starve one that waits") {
  Desk desk({.workers = 1, .queue_max = 200});
  for (int i = 0; i < 10; ++i) (void)desk.ask(job_for(1));
  for (std::uint64_t i = 0; i < 60; ++i) {
    (void)desk.ask(job_for(100 + i));
    desk.end(desk.started.back());
  }
  CHECK(std::ranges::count_if(desk.started, [](std::uint64_t run) { return run <= 10; }) >= 8);
}

TEST_CASE("processing: a queue that stands is served newest first until it is empty") {
  Desk desk({.workers = 1, .queue_max = 200, .standing_target = 2s, .standing_interval = 4s});
  for (int i = 0; i < 40; ++i) (void)desk.ask();
  const auto in_order = [&] {
    return desk.started.back() == desk.started[desk.started.size() - 2] + 1;
  };
  int oldest_first = 0;
  while (desk.lanes.load({}).queued > 1) {
    desk.now += 500ms;
    desk.end(desk.started.back());
    if (in_order()) ++oldest_first;
  }
  // Job n starts after n/2 s: from the fourth on it waited 2 s, four seconds later nobody did not.
  CHECK(oldest_first >= 11);
  CHECK(oldest_first <= 13);
  CHECK(desk.started[13] == 40);
  while (desk.lanes.load({}).queued > 0) desk.end(desk.started.back());
  for (int i = 0; i < 3; ++i) (void)desk.ask();
  desk.end(desk.started.back());
  CHECK(desk.started.back() == 41);
}

TEST_CASE("processing: a burst that some jobs hardly wait in stays in order") {
  StandingWait wait(2s, 4s);
  for (int second = 0; second < 60; ++second) {
    wait.on_started(begun_at + std::chrono::seconds(second), second % 4 == 0 ? 1s : 9s);
  }
  CHECK_FALSE(wait.newest_first());
}

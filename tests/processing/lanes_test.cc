#include "processing/lanes.h"

#include <doctest/doctest.h>

#include "base/machine.h"
#include "base/rng.h"

using namespace pixmesh;

static_assert(Machine<Lanes>);

namespace {

constexpr Instant start{};

RequestId request_of(std::uint8_t number) { return {{number}}; }

Job job_of(std::uint8_t number, Duration patience = 10s) {
  return {RunId{number}, request_of(number), "thumbnail", {}, 0, start + patience};
}

RunCost took(Duration time) { return {time, time, 0}; }

template <typename Outcome>
bool is(const StartAnswer& answer) {
  return std::holds_alternative<Outcome>(answer.outcome);
}

using Effects = Lanes::Effects;

}  // namespace

TEST_CASE("processing: as many jobs run as there are workers, the rest wait in order") {
  Lanes lanes({.workers = 2, .queue_max = 2});

  CHECK(lanes.on_start(start, job_of(1)).effects == Effects{StartRun{RunId{1}}});
  CHECK(is<JobStarted>(lanes.on_start(start, job_of(2))));
  const StartAnswer third = lanes.on_start(start, job_of(3));
  const StartAnswer fourth = lanes.on_start(start, job_of(4));
  const StartAnswer fifth = lanes.on_start(start, job_of(5));

  CHECK(third.effects.empty());
  CHECK(std::get<JobQueued>(third.outcome).position == 0);
  CHECK(std::get<JobQueued>(fourth.outcome).position == 1);
  CHECK(std::get<JobRefused>(fifth.outcome).retry_after == 500ms);  // 5 jobs * 200 ms / 2
  CHECK(lanes.on_finished(start + 1s, RunId{2}, took(1s)) == Effects{StartRun{RunId{3}}});
  CHECK(lanes.on_finished(start + 1s, RunId{1}, took(1s)) == Effects{StartRun{RunId{4}}});
  CHECK(lanes.on_finished(start + 1s, RunId{1}, took(1s)).empty());
  lanes.check_invariants();
}

TEST_CASE("processing: a probe counts for the next asker until start, release or 250 ms") {
  Lanes lanes({});

  CHECK(lanes.on_probe(start, request_of(1), {"thumbnail", 0}).announced == 0);
  CHECK(lanes.on_probe(start, request_of(2), {"thumbnail", 0}).announced == 1);
  CHECK(lanes.on_probe(start, request_of(2), {"thumbnail", 0}).announced == 1);
  lanes.on_release(start, request_of(1));
  CHECK(lanes.load({"thumbnail", 0}).announced == 1);
  (void)lanes.on_start(start, job_of(2));
  CHECK(lanes.load({"thumbnail", 0}).announced == 0);
  CHECK(lanes.load({"thumbnail", 0}).running == 1);

  (void)lanes.on_probe(start, request_of(3), {"thumbnail", 0});
  CHECK(lanes.next_deadline() == start + 250ms);
  (void)lanes.on_deadline(start + 250ms);
  CHECK(lanes.load({"thumbnail", 0}).announced == 0);
  CHECK(lanes.next_deadline() == std::nullopt);
}

TEST_CASE("processing: a request that comes again while its killed job still ends is a job anew") {
  Lanes lanes({.workers = 1});
  (void)lanes.on_start(start, job_of(1));
  CHECK(lanes.on_cancel(start, RunId{1}) == Effects{CancelRun{RunId{1}}});
  Job again = job_of(1);
  again.run = RunId{9};

  CHECK(is<JobQueued>(lanes.on_start(start, again)));
  CHECK(lanes.on_finished(start, RunId{1}, std::nullopt) == Effects{StartRun{RunId{9}}});
  lanes.check_invariants();
}

TEST_CASE("processing: a waiting job whose deadline passed is dropped, a running one is not") {
  Lanes lanes({.workers = 1});
  (void)lanes.on_start(start, job_of(1, 1s));
  (void)lanes.on_start(start, job_of(2, 2s));
  (void)lanes.on_start(start, job_of(3, 9s));

  CHECK(lanes.next_deadline() == start + 2s);
  CHECK(lanes.on_deadline(start + 2s) == Effects{DropJob{RunId{2}, ErrorCode::timed_out}});
  CHECK(lanes.on_finished(start + 3s, RunId{1}, took(3s)) == Effects{StartRun{RunId{3}}});
  CHECK(is<JobRefused>(lanes.on_start(start + 3s, job_of(4, 3s))));
  lanes.check_invariants();
}

TEST_CASE("processing: cancelling drops a waiting job and kills a running one") {
  Lanes lanes({.workers = 1});
  (void)lanes.on_start(start, job_of(1));
  (void)lanes.on_start(start, job_of(2));

  CHECK(lanes.on_cancel(start, RunId{2}) == Effects{DropJob{RunId{2}, ErrorCode::failed}});
  CHECK(lanes.on_cancel(start, RunId{1}) == Effects{CancelRun{RunId{1}}});
  CHECK(lanes.on_cancel(start, RunId{7}).empty());
  CHECK(lanes.load({"thumbnail", 0}).running == 1);
  CHECK(lanes.on_finished(start, RunId{1}, std::nullopt).empty());
  CHECK(lanes.idle());
}

TEST_CASE("processing: a draining node finishes what it has and refuses the rest") {
  Lanes lanes({.workers = 1});
  (void)lanes.on_start(start, job_of(1));
  (void)lanes.on_start(start, job_of(2));
  lanes.set_accepting(false);

  CHECK(std::get<JobRefused>(lanes.on_start(start, job_of(3)).outcome).draining);
  CHECK_FALSE(lanes.on_probe(start, request_of(4), {"thumbnail", 0}).accepts_work);
  CHECK(lanes.load({"thumbnail", 0}).announced == 0);
  CHECK(lanes.on_finished(start, RunId{1}, took(1s)) == Effects{StartRun{RunId{2}}});
  lanes.set_accepting(true);
  CHECK(is<JobQueued>(lanes.on_start(start, job_of(3))));
}

TEST_CASE("processing: service times follow what a recipe takes, and failures do not count") {
  Lanes lanes({.workers = 1});
  const auto run_once = [&lanes](const std::optional<RunCost>& cost) {
    (void)lanes.on_start(start, job_of(1));
    (void)lanes.on_finished(start, RunId{1}, cost);
    return lanes.load({"thumbnail", 0}).service_micros;
  };

  CHECK(lanes.load({"thumbnail", 0}).service_micros == 200'000);
  CHECK(run_once(took(80ms)) == 80'000);
  CHECK(run_once(took(160ms)) == 120'000);
  CHECK(run_once(std::nullopt) == 120'000);
  for (int i = 0; i < 200; ++i) (void)run_once(took(10ms));
  CHECK(lanes.load({"thumbnail", 0}).service_micros <= 10'008);
  CHECK(lanes.load({"convert", 0}).service_micros == 200'000);
}

TEST_CASE("processing: a probe is told how long its turn is away, by what is there") {
  Lanes lanes({.workers = 2, .service_default = 100ms});
  const auto job = [](std::uint8_t number, std::uint64_t pixels) {
    return Job{RunId{number}, request_of(number), "thumbnail", {}, pixels, start + 99s};
  };
  // Known: 400 ms for 4 megapixels, 4 s for 40.
  (void)lanes.on_start(start, job(1, 4'000'000));
  (void)lanes.on_finished(start, RunId{1}, took(400ms));
  (void)lanes.on_start(start, job(2, 40'000'000));
  (void)lanes.on_finished(start, RunId{2}, took(4s));

  CHECK(lanes.on_probe(start, request_of(3), {"thumbnail", 4'000'000}).wait_micros == 0);
  CHECK(lanes.load({"thumbnail", 40'000'000}).service_micros == 4'000'000);
  CHECK(lanes.load({"thumbnail", 0}).wait_micros == 200'000);  // the announced one, of two workers
  (void)lanes.on_start(start, job(4, 40'000'000));
  (void)lanes.on_start(start, job(5, 40'000'000));
  (void)lanes.on_start(start, job(6, 4'000'000));
  CHECK(lanes.load({"thumbnail", 0}).wait_micros == 200'000 + 4'000'000 + 200'000);
}

TEST_CASE("processing: without a queue only free lanes admit") {
  Lanes lanes({.workers = 1, .queue_max = 0});
  CHECK(is<JobStarted>(lanes.on_start(start, job_of(1))));
  CHECK(is<JobRefused>(lanes.on_start(start, job_of(2))));
}

TEST_CASE("processing: every job that random events admit starts or is dropped exactly once") {
  Rng rng(4'711);
  Lanes lanes({.workers = 3, .queue_max = 5, .announced_max = 8});
  std::map<std::uint64_t, int> ends;  // 1: waits, 2: runs; erased when over
  Instant now = start;
  std::uint64_t next_run = 1;
  const auto apply = [&ends](const Effects& effects) {
    for (const LanesEffect& effect : effects) {
      if (const auto* started = std::get_if<StartRun>(&effect)) {
        CHECK(ends.at(started->run.raw) == 1);
        ends[started->run.raw] = 2;
      } else if (const auto* dropped = std::get_if<DropJob>(&effect)) {
        CHECK(ends.at(dropped->run.raw) == 1);
        ends.erase(dropped->run.raw);
      }
    }
  };
  for (int step = 0; step < 20'000; ++step) {
    now += std::chrono::milliseconds(rng.below(40));
    const auto request = request_of(static_cast<std::uint8_t>(rng.below(30)));
    const RunId some{rng.below(next_run)};
    switch (rng.below(6)) {
      case 0:
        (void)lanes.on_probe(now, request, {"a", 0});
        break;
      case 1:
        lanes.on_release(now, request);
        break;
      case 2: {
        const RunId run{next_run++};
        const auto patience = std::chrono::milliseconds(rng.below(500));
        const StartAnswer answer = lanes.on_start(now, {run, request, "a", {}, 0, now + patience});
        if (is<JobStarted>(answer) || is<JobQueued>(answer)) ends[run.raw] = 1;
        apply(answer.effects);
        break;
      }
      case 3:
        if (!ends.empty() && ends.begin()->second == 2) {
          const RunId done{ends.begin()->first};
          ends.erase(ends.begin());
          apply(lanes.on_finished(now, done, took(Duration(rng.below(1'000'000)))));
        }
        break;
      case 4:
        apply(lanes.on_cancel(now, some));
        break;
      default:
        apply(lanes.on_deadline(now));
    }
    lanes.check_invariants();
    const LaneLoad load = lanes.load({"a", 0});
    CHECK(load.running + load.queued == ends.size());
  }
}

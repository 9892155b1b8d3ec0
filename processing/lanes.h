#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"
#include "processing/cost_model.h"

namespace pixmesh {

struct LanesOptions {
  std::uint32_t workers = 2;           // tools that run at one time; >= 1
  std::uint32_t queue_max = 64;        // jobs that wait; 0 refuses whatever cannot run at once
  Duration announce_time = 250ms;      // how long a probe counts without a start or release
  std::uint32_t announced_max = 4096;  // probes that count at one time; further ones do not
  Duration service_default = 200ms;    // expected of a recipe that never ran here
  Duration retry_min = 100ms;          // bounds of what a refused asker is told to wait
  Duration retry_max = 10s;
};

/// What a node answers to a probe. The probe's own announcement is not in it.
struct LaneLoad {
  bool accepts_work = false;
  std::uint32_t running = 0;
  std::uint32_t queued = 0;
  std::uint32_t announced = 0;  // probed here by others and not yet started or released
  std::uint32_t workers = 0;
  std::uint64_t service_micros = 0;  // of one run of the probed recipe on such an image
  std::uint64_t wait_micros = 0;   // until its turn comes, by what the others are expected to take
  std::uint64_t memory_bytes = 0;  // of one such run; 0: not known
  friend bool operator==(const LaneLoad&, const LaneLoad&) = default;
};

struct Job {
  RunId run;          // new for each job of this node
  RequestId request;  // one user's wish, the same in every retry
  std::string recipe;
  Digest recipe_digest;
  std::uint64_t pixels = 0;  // of the image; 0: not known
  Instant deadline;          // after it nobody waits for the result
};

// Effects.
struct StartRun {
  RunId run;
  friend bool operator==(const StartRun&, const StartRun&) = default;
};
struct DropJob {  // it never ran: timed_out, or failed when it was cancelled
  RunId run;
  ErrorCode why = ErrorCode::failed;
  friend bool operator==(const DropJob&, const DropJob&) = default;
};
struct CancelRun {  // kill it; its lane is free at on_finished
  RunId run;
  friend bool operator==(const CancelRun&, const CancelRun&) = default;
};
using LanesEffect = std::variant<StartRun, DropJob, CancelRun>;

// Outcomes of on_start.
struct JobStarted {};
struct JobQueued {
  std::uint32_t position = 0;  // jobs in front of it
};
struct JobRefused {
  Duration retry_after{};
  bool draining = false;
};
struct JobKnown {  // this request runs or waits here already, as that run
  RunId run;
};
using StartOutcome = std::variant<JobStarted, JobQueued, JobRefused, JobKnown>;

struct StartAnswer {
  StartOutcome outcome;
  std::vector<LanesEffect> effects;  // StartRun of this job if it started, drops of stale ones
};

/// Which jobs run on this node and which wait: `workers` lanes and one bounded queue, first come
/// first served.
///
///   on_probe ──► announced ──on_start──► queued ──► running ──on_finished──► (forgotten)
///                    └─ on_release, 250 ms    └─ deadline, on_cancel
///
/// A probe refuses nobody; it only makes the next asker see that somebody is coming, so that askers
/// do not all pick the same idle node. Only on_start admits or refuses.
///
/// Invariants: at most `workers` jobs run and `queue_max` wait; nothing waits while a lane is free;
/// a request runs or waits at most once.
/// Costs O(log n), except O(queued) for a cancel or a deadline and O(announced) for probes and
/// deadlines. Not thread-safe: one owner calls it.
/// Source: probing with announced work is Sparrow's late binding (Ousterhout et al. 2013) cut down
/// to one message.
class Lanes {
 public:
  using Effects = std::vector<LanesEffect>;

  explicit Lanes(LanesOptions options);

  /// Answers a router's question and counts `request` as announced for `announce_time`. A request
  /// that already runs or waits here is not announced again.
  [[nodiscard]] LaneLoad on_probe(Instant now, RequestId request, std::string_view recipe,
                                  std::uint64_t pixels);

  /// The asker of a probe took another node. Unknown requests are ignored.
  void on_release(Instant now, RequestId request);

  /// Admits, queues or refuses a job. A job whose deadline has passed is refused.
  /// @param job  its `run` is used by no other job.
  [[nodiscard]] StartAnswer on_start(Instant now, Job job);

  /// What on_start would say to a new job right away; none: it may still refuse it then.
  [[nodiscard]] std::optional<JobRefused> refusal_of(std::string_view recipe,
                                                     std::uint64_t pixels) const;

  /// A run that StartRun started has ended, however it ended. Unknown runs are ignored.
  /// @param cost  what the tool took; none if it failed, because a node where a tool fails fast
  /// must
  ///              not look fast.
  [[nodiscard]] Effects on_finished(Instant now, RunId run, const std::optional<RunCost>& cost);

  /// Nobody wants the result any more. A waiting job is dropped, a running one is to be killed.
  [[nodiscard]] Effects on_cancel(Instant now, RunId run);

  /// Forgets announcements and drops waiting jobs whose time is over.
  [[nodiscard]] Effects on_deadline(Instant now);

  /// Refuse new jobs from now on (drain), or accept them again. What is here stays.
  void set_accepting(bool accepting);

  [[nodiscard]] std::optional<Instant> next_deadline() const;
  [[nodiscard]] LaneLoad load(std::string_view recipe, std::uint64_t pixels) const;
  /// What this node has learned, and where it may be told what it knew.
  [[nodiscard]] const CostModel& costs() const { return costs_; }
  [[nodiscard]] CostModel& costs() { return costs_; }
  /// Whether nothing runs or waits: a draining node may stop.
  [[nodiscard]] bool idle() const { return running_.empty() && queue_.empty(); }
  void check_invariants() const;

 private:
  void forget_announcements(Instant now);
  void drop_stale(Instant now, Effects& effects);
  void fill_lanes(Effects& effects);
  void forget_job(const Job& job);
  [[nodiscard]] Duration retry_after(std::string_view recipe, std::uint64_t pixels) const;
  /// Of all that runs, waits and is announced, shared among the workers. What has run for a while
  /// counts fully: where times vary much, what has lasted long often lasts on.
  [[nodiscard]] std::uint64_t wait_micros() const;
  [[nodiscard]] std::uint64_t micros_of(const Job& job) const;

  LanesOptions options_;
  bool accepting_ = true;
  CostModel costs_;
  struct Announcement {
    Instant until;  // so long it counts
    std::uint64_t micros = 0;
  };
  std::map<RequestId, Announcement> announced_;
  std::deque<Job> queue_;
  std::map<RunId, Job> running_;
  std::map<RequestId, RunId> known_;  // of the queue and of what runs
};

}  // namespace pixmesh

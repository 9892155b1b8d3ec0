#pragma once

#include <cstdint>
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
#include "processing/fair_queue.h"
#include "processing/standing_wait.h"

namespace pixmesh {

struct LanesOptions {
  std::uint32_t workers = 2;           // tools that run at one time; >= 1
  std::uint32_t queue_max = 64;        // jobs that wait; 0 refuses whatever cannot run at once
  Duration announce_time = 250ms;      // how long a probe counts without a start or release
  std::uint32_t announced_max = 4096;  // probes that count at one time; further ones do not
  Duration service_default = 200ms;    // expected of a recipe that never ran here
  Duration retry_min = 100ms;          // bounds of what a refused asker is told to wait
  Duration retry_max = 10s;
  Duration queue_time = 30s;       // predicted wait beyond which new jobs are refused
  std::uint64_t memory_bytes = 0;  // that all tools may need together; 0: not counted
  Duration standing_target = 2s;   // StandingWait
  Duration standing_interval = 4s;
  Duration batch_patience = 60s;  // so long batch may get nothing while it waits
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
  std::uint64_t memory_bytes = 0;  // counted for one such run
  std::uint64_t memory_free = 0;  // of what the node gives its tools; 0 too where it is not counted
  Duration retry_after{};         // it would be refused now; 0: it would not
  bool too_large = false;         // it needs more memory than this node gives all its tools
  friend bool operator==(const LaneLoad&, const LaneLoad&) = default;
};

/// What a run would be.
struct RunShape {
  std::string_view recipe;
  std::uint64_t pixels = 0;  // of the image; 0: not known
  bool batch = false;
  std::uint64_t memory_most = 0;  // the limit of the recipe; 0: not known
  std::string_view way{};         // of the recipe, as of Work
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
  bool too_late = false;  // its turn would come after its deadline
};
struct JobTooLarge {  // it never fits here
  std::uint64_t needed = 0;
  std::uint64_t budget = 0;
};
using StartOutcome = std::variant<JobStarted, JobQueued, JobRefused, JobTooLarge>;

struct StartAnswer {
  StartOutcome outcome;
  std::vector<LanesEffect> effects;  // StartRun of this job if it started, drops of stale ones
};

/// Which jobs run on this node and which wait.
///
///   on_probe ──► announced ──on_start──► queued ──► running ──on_finished──► (forgotten)
///                    └─ on_release, 250 ms    └─ deadline, on_cancel
///
/// A probe refuses nobody; it only makes the next asker see that somebody is coming, so that askers
/// do not all pick the same idle node. Only on_start admits or refuses.
///
/// - A job takes a worker and the memory that it is expected to need; both are back when it ends.
/// One
///   that is known to need more than the whole budget is refused; one of which that is only guessed
///   runs alone. A large job keeps its place at the head (FairQueue).
/// - Interactive jobs wait in one queue and batch jobs in another. Whenever a worker gets free, an
///   interactive job goes first: batch delays it by what runs already. Batch gets what interactive
///   leaves, and one start each `batch_patience` in any case; it has half of the places.
/// - In each queue clients share evenly (FairQueue). An interactive queue that stands
/// (StandingWait)
///   is served newest first.
/// - A job is refused when its queue has no place, when the predicted wait is above `queue_time` or
///   ends after its deadline. A waiting job is dropped at its deadline, and when its turn comes and
///   not even half of the time that it is expected to take is left: an estimate is an average.
///
/// Invariants: at most `workers` jobs run and `queue_max` wait; nothing waits while a worker and
/// its memory are free. Whether a request is here already is for the owner to know: one that is
/// asked for again while its killed job still ends is another job. Costs O(queued). Not
/// thread-safe: one owner calls it. Source: probing with announced work is Sparrow's late binding
/// (Ousterhout et al. 2013) cut down to one message.
class Lanes {
 public:
  using Effects = std::vector<LanesEffect>;

  explicit Lanes(LanesOptions options);

  /// Answers a router's question and counts `request` as announced for `announce_time`. A request
  /// that already runs or waits here is not announced again.
  [[nodiscard]] LaneLoad on_probe(Instant now, RequestId request, const RunShape& shape);

  /// The asker of a probe took another node. Unknown requests are ignored.
  void on_release(Instant now, RequestId request);

  /// Admits, queues or refuses a job.
  /// @param job  its `run` is used by no other job.
  [[nodiscard]] StartAnswer on_start(Instant now, Job job);

  /// What on_start would say to a new job right away; none: it may still refuse it then.
  [[nodiscard]] std::optional<JobRefused> refusal_of(const RunShape& shape) const;

  /// A run that StartRun started has ended, however it ended. Unknown runs are ignored.
  /// @param cost  what the tool took; none if it failed, because a node where a tool fails fast
  ///              must not look fast.
  [[nodiscard]] Effects on_finished(Instant now, RunId run, const std::optional<RunCost>& cost);

  /// Nobody wants the result any more. A waiting job is dropped, a running one is to be killed.
  [[nodiscard]] Effects on_cancel(Instant now, RunId run);

  /// Forgets announcements and drops waiting jobs whose time is over.
  [[nodiscard]] Effects on_deadline(Instant now);

  /// Refuse new jobs from now on (drain), or accept them again. What is here stays.
  void set_accepting(bool accepting);

  [[nodiscard]] std::optional<Instant> next_deadline() const;
  [[nodiscard]] LaneLoad load(const RunShape& shape) const;
  [[nodiscard]] const MemoryTokens& memory() const { return memory_; }
  /// What this node has learned, and where it may be told what it knew.
  [[nodiscard]] const CostModel& costs() const { return costs_; }
  [[nodiscard]] CostModel& costs() { return costs_; }
  /// Whether nothing runs or waits: a draining node may stop.
  [[nodiscard]] bool idle() const { return running_.empty() && waiting_count() == 0; }
  void check_invariants() const;

 private:
  void learn(const Job& ended, const RunCost& cost);
  void forget_announcements(Instant now);
  void drop_stale(Instant now, Effects& effects);
  void fill_lanes(Instant now, Effects& effects);
  [[nodiscard]] std::optional<WaitingJob> next_job(Instant now);
  void start(Instant now, WaitingJob waiting, Effects& effects);
  [[nodiscard]] bool fits_now(std::uint64_t memory_bytes) const;
  [[nodiscard]] std::optional<JobRefused> refusal_of(bool batch, std::uint64_t micros,
                                                     std::uint64_t memory_bytes) const;
  [[nodiscard]] std::size_t waiting_count() const { return interactive_.size() + batch_.size(); }
  [[nodiscard]] Duration retry_after(bool batch, std::uint64_t micros) const;
  /// Until the turn of a job that comes now: all that runs and is announced, and waits in its lane
  /// or before it, shared among the workers, or among what memory lets run at one time if that
  /// takes longer. What has run for a while counts fully: where times vary much, what has lasted
  /// long often lasts on.
  [[nodiscard]] std::uint64_t wait_micros(bool batch) const;
  [[nodiscard]] std::uint64_t micros_of(const Job& job) const;
  [[nodiscard]] MemoryNeed need_of(const RunShape& shape) const;
  [[nodiscard]] MemoryNeed need_of(const Job& job) const;
  [[nodiscard]] bool is_too_large(const MemoryNeed& need) const;

  LanesOptions options_;
  bool accepting_ = true;
  CostModel costs_;
  struct Announcement {
    Instant until;  // so long it counts
    std::uint64_t micros = 0;
    bool batch = false;
  };
  std::map<RequestId, Announcement> announced_;
  FairQueue interactive_;
  FairQueue batch_;
  StandingWait standing_;
  MemoryTokens memory_;
  Instant batch_turn_at_{};  // when batch goes first
  std::map<RunId, Job> running_;
};

}  // namespace pixmesh

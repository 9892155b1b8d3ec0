#include "processing/lanes.h"

#include <algorithm>
#include <utility>

#include "base/invariant.h"
#include "base/rng.h"

namespace pixmesh {
namespace {

std::uint32_t count_of(std::size_t size) { return static_cast<std::uint32_t>(size); }

}  // namespace

Lanes::Lanes(LanesOptions options) : options_(options), costs_(options.service_default) {
  invariant(options_.workers >= 1, "a node that takes jobs has a worker");
  invariant(options_.retry_min <= options_.retry_max, "retry bounds are in order");
}

LaneLoad Lanes::load(std::string_view recipe, std::uint64_t pixels) const {
  const CostEstimate estimate = costs_.of(recipe, pixels);
  return {.accepts_work = accepting_,
          .running = count_of(running_.size()),
          .queued = count_of(queue_.size()),
          .announced = count_of(announced_.size()),
          .workers = options_.workers,
          .service_micros = estimate.wall_micros,
          .wait_micros = wait_micros(),
          .memory_bytes = estimate.memory_bytes};
}

std::uint64_t Lanes::micros_of(const Job& job) const {
  return costs_.of(job.recipe, job.pixels).wall_micros;
}

std::uint64_t Lanes::wait_micros() const {
  Wide sum = 0;
  for (const auto& [run, job] : running_) sum += micros_of(job);
  for (const Job& job : queue_) sum += micros_of(job);
  for (const auto& [request, announced] : announced_) sum += announced.micros;
  return static_cast<std::uint64_t>(sum / options_.workers);
}

LaneLoad Lanes::on_probe(Instant now, RequestId request, std::string_view recipe,
                         std::uint64_t pixels) {
  forget_announcements(now);
  announced_.erase(request);  // asked again: its own announcement is not load for it
  const LaneLoad seen = load(recipe, pixels);
  const bool announce =
      accepting_ && !known_.contains(request) && announced_.size() < options_.announced_max;
  if (announce) {
    announced_.emplace(request, Announcement{now + options_.announce_time, seen.service_micros});
  }
  return seen;
}

void Lanes::on_release(Instant now, RequestId request) {
  announced_.erase(request);
  forget_announcements(now);
}

StartAnswer Lanes::on_start(Instant now, Job job) {
  StartAnswer answer;
  announced_.erase(job.request);
  if (const auto known = known_.find(job.request); known != known_.end()) {
    answer.outcome = JobKnown{known->second};
    return answer;
  }
  drop_stale(now, answer.effects);
  if (const auto refused = refusal_of(job.recipe, job.pixels)) {
    answer.outcome = *refused;
    return answer;
  }
  if (job.deadline <= now) {
    answer.outcome = JobRefused{retry_after(job.recipe, job.pixels), false};
    return answer;
  }
  invariant(!running_.contains(job.run), "a run id is used once");
  known_.emplace(job.request, job.run);
  if (running_.size() < options_.workers) {
    answer.outcome = JobStarted{};
  } else {
    answer.outcome = JobQueued{count_of(queue_.size())};
  }
  queue_.push_back(std::move(job));
  fill_lanes(answer.effects);
  return answer;
}

std::optional<JobRefused> Lanes::refusal_of(std::string_view recipe, std::uint64_t pixels) const {
  const bool full = running_.size() >= options_.workers && queue_.size() >= options_.queue_max;
  if (accepting_ && !full) return std::nullopt;
  return JobRefused{retry_after(recipe, pixels), !accepting_};
}

Lanes::Effects Lanes::on_finished(Instant now, RunId run, const std::optional<RunCost>& cost) {
  Effects effects;
  const auto found = running_.find(run);
  if (found == running_.end()) return effects;
  const Job& job = found->second;
  if (cost) costs_.add(job.recipe, job.recipe_digest, job.pixels, *cost);
  forget_job(found->second);
  running_.erase(found);
  drop_stale(now, effects);
  fill_lanes(effects);
  return effects;
}

Lanes::Effects Lanes::on_cancel(Instant now, RunId run) {
  Effects effects;
  if (running_.contains(run)) effects.emplace_back(CancelRun{run});
  const auto waiting = std::ranges::find(queue_, run, &Job::run);
  if (waiting != queue_.end()) {
    effects.emplace_back(DropJob{run, ErrorCode::failed});
    forget_job(*waiting);
    queue_.erase(waiting);
  }
  drop_stale(now, effects);
  return effects;
}

Lanes::Effects Lanes::on_deadline(Instant now) {
  Effects effects;
  forget_announcements(now);
  drop_stale(now, effects);
  return effects;
}

void Lanes::set_accepting(bool accepting) {
  accepting_ = accepting;
  if (!accepting_) announced_.clear();
}

std::optional<Instant> Lanes::next_deadline() const {
  std::optional<Instant> next;
  const auto consider = [&next](Instant at) { next = next ? std::min(*next, at) : at; };
  for (const auto& [request, announced] : announced_) consider(announced.until);
  for (const Job& job : queue_) consider(job.deadline);
  return next;
}

void Lanes::forget_announcements(Instant now) {
  std::erase_if(announced_, [now](const auto& entry) { return entry.second.until <= now; });
}

void Lanes::drop_stale(Instant now, Effects& effects) {
  std::erase_if(queue_, [&](const Job& job) {
    if (job.deadline > now) return false;
    effects.emplace_back(DropJob{job.run, ErrorCode::timed_out});
    forget_job(job);
    return true;
  });
}

void Lanes::fill_lanes(Effects& effects) {
  while (running_.size() < options_.workers && !queue_.empty()) {
    Job job = std::move(queue_.front());
    queue_.pop_front();
    effects.emplace_back(StartRun{job.run});
    const RunId run = job.run;
    running_.emplace(run, std::move(job));
  }
}

void Lanes::forget_job(const Job& job) { known_.erase(job.request); }

Duration Lanes::retry_after(std::string_view recipe, std::uint64_t pixels) const {
  const std::uint64_t own = costs_.of(recipe, pixels).wall_micros / options_.workers;
  const std::uint64_t micros = std::min<std::uint64_t>(wait_micros() + own, 1ULL << 50);
  return std::clamp<Duration>(std::chrono::microseconds(micros), options_.retry_min,
                              options_.retry_max);
}

void Lanes::check_invariants() const {
  invariant(running_.size() <= options_.workers, "no more tools run than there are workers");
  invariant(queue_.size() <= options_.queue_max, "the queue is bounded");
  invariant(queue_.empty() || running_.size() == options_.workers,
            "nothing waits while a lane is free");
  invariant(known_.size() == running_.size() + queue_.size(), "a request runs or waits once");
  invariant(announced_.size() <= options_.announced_max, "announcements are bounded");
  costs_.check_invariants();
  for (const auto& [run, job] : running_) {
    invariant(known_.at(job.request) == run, "a running request is known under its run");
  }
}

}  // namespace pixmesh

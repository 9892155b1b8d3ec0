#include "processing/lanes.h"

#include <algorithm>
#include <utility>

#include "base/invariant.h"
#include "base/rng.h"

namespace pixmesh {
namespace {

std::uint32_t count_of(std::size_t size) { return static_cast<std::uint32_t>(size); }

}  // namespace

Lanes::Lanes(LanesOptions options)
    : options_(options),
      costs_(options.service_default),
      standing_(options.standing_target, options.standing_interval),
      memory_(options.memory_bytes) {
  invariant(options_.workers >= 1, "a node that takes jobs has a worker");
  invariant(options_.retry_min <= options_.retry_max, "retry bounds are in order");
}

LaneLoad Lanes::load(const RunShape& shape) const {
  const CostEstimate estimate = costs_.of({shape.recipe, shape.way}, shape.pixels);
  const MemoryNeed need = need_of(shape);
  const auto refused = refusal_of(shape.batch, estimate.wall_micros, need.bytes);
  return {.accepts_work = accepting_,
          .running = count_of(running_.size()),
          .queued = count_of(waiting_count()),
          .announced = count_of(announced_.size()),
          .workers = options_.workers,
          .service_micros = estimate.wall_micros,
          .wait_micros = wait_micros(shape.batch),
          .memory_bytes = need.bytes,
          .memory_free = memory_.budget() - memory_.taken(),
          .retry_after = refused ? refused->retry_after : Duration{},
          .too_large = is_too_large(need)};
}

MemoryNeed Lanes::need_of(const RunShape& shape) const {
  return memory_need_of(costs_.of({shape.recipe, shape.way}, shape.pixels), shape.pixels, 0,
                        shape.memory_most);
}

MemoryNeed Lanes::need_of(const Job& job) const {
  return memory_need_of(costs_.of({job.recipe, job.way}, job.pixels), job.pixels, job.held_a_pixel,
                        job.memory_most);
}

// A guess may be far too high; only what runs have shown is a reason to refuse.
bool Lanes::is_too_large(const MemoryNeed& need) const {
  return need.learned && memory_.budget() > 0 && need.bytes > memory_.budget();
}

std::uint64_t Lanes::micros_of(const Job& job) const {
  return costs_.of({job.recipe, job.way}, job.pixels).wall_micros;
}

std::uint64_t Lanes::wait_micros(bool batch) const {
  Wide work = 0;
  Wide held = 0;  // microseconds x KiB
  const auto add = [&](const Job& job) {
    const std::uint64_t micros = micros_of(job);
    work += micros;
    held += Wide{micros} * (std::min(job.memory.bytes, memory_.budget()) >> 10);
  };
  for (const auto& [run, job] : running_) add(job);
  interactive_.for_each([&](const WaitingJob& waiting) { add(waiting.job); });
  if (batch) batch_.for_each([&](const WaitingJob& waiting) { add(waiting.job); });
  for (const auto& [request, announced] : announced_) {
    if (batch || !announced.batch) work += announced.micros;
  }
  const Wide by_memory = memory_.budget() >> 10 == 0 ? 0 : held / (memory_.budget() >> 10);
  return static_cast<std::uint64_t>(std::max(work / options_.workers, by_memory));
}

LaneLoad Lanes::on_probe(Instant now, RequestId request, const RunShape& shape) {
  forget_announcements(now);
  announced_.erase(request);  // asked again: its own announcement is not load for it
  const LaneLoad seen = load(shape);
  const bool announce =
      accepting_ && seen.retry_after == Duration{} && announced_.size() < options_.announced_max;
  if (announce) {
    announced_.emplace(
        request, Announcement{now + options_.announce_time, seen.service_micros, shape.batch});
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
  job.memory = need_of(job);
  if (is_too_large(job.memory)) {
    answer.outcome = JobTooLarge{job.memory.bytes, memory_.budget()};
    return answer;
  }
  drop_stale(now, answer.effects);
  fill_lanes(now, answer.effects);
  const std::uint64_t micros = micros_of(job);
  if (const auto refused = refusal_of(job.batch, micros, job.memory.bytes)) {
    answer.outcome = *refused;
    return answer;
  }
  const std::uint64_t wait = fits_now(job.memory.bytes) ? 0 : wait_micros(job.batch);
  if (job.deadline <= now + std::chrono::microseconds(std::min<std::uint64_t>(wait, 1ULL << 50))) {
    answer.outcome = JobRefused{retry_after(job.batch, micros), false, true};
    return answer;
  }
  invariant(!running_.contains(job.run), "a run id is used once");
  const auto in_front = interactive_.size() + (job.batch ? batch_.size() : 0);
  const RunId run = job.run;
  if (job.batch && batch_.empty()) batch_turn_at_ = now + options_.batch_patience;
  (job.batch ? batch_ : interactive_).add(now, std::move(job), micros);
  fill_lanes(now, answer.effects);
  if (running_.contains(run)) {
    answer.outcome = JobStarted{};
  } else {
    answer.outcome = JobQueued{count_of(in_front)};
  }
  return answer;
}

bool Lanes::fits_now(std::uint64_t memory_bytes) const {
  return running_.size() < options_.workers && waiting_count() == 0 && memory_.fits(memory_bytes);
}

std::optional<JobRefused> Lanes::refusal_of(const RunShape& shape) const {
  const std::uint64_t micros = costs_.of({shape.recipe, shape.way}, shape.pixels).wall_micros;
  return refusal_of(shape.batch, micros, need_of(shape).bytes);
}

std::optional<JobRefused> Lanes::refusal_of(bool batch, std::uint64_t micros,
                                            std::uint64_t memory_bytes) const {
  if (!accepting_) return JobRefused{retry_after(batch, micros), true};
  if (fits_now(memory_bytes)) return std::nullopt;
  const bool full = waiting_count() >= options_.queue_max;
  const bool batch_full = batch && batch_.size() >= options_.queue_max / 2;
  const bool too_long = std::chrono::microseconds(wait_micros(batch)) > options_.queue_time;
  if (!full && !batch_full && !too_long) return std::nullopt;
  return JobRefused{retry_after(batch, micros)};
}

Lanes::Effects Lanes::on_finished(Instant now, RunId run, const std::optional<RunCost>& cost) {
  Effects effects;
  const auto found = running_.find(run);
  if (found == running_.end()) return effects;
  const Job& job = found->second;
  if (cost) learn(job, *cost);
  memory_.give_back(run);
  running_.erase(found);
  drop_stale(now, effects);
  fill_lanes(now, effects);
  return effects;
}

// Those that wait need what is known when they start.
void Lanes::learn(const Job& ended, const RunCost& cost) {
  costs_.add({ended.recipe, ended.way}, ended.recipe_digest, ended.pixels, cost);
  for (FairQueue* queue : {&interactive_, &batch_}) {
    queue->change_each([this](Job& waiting) { waiting.memory = need_of(waiting); });
  }
}

Lanes::Effects Lanes::on_cancel(Instant now, RunId run) {
  Effects effects;
  if (running_.contains(run)) effects.emplace_back(CancelRun{run});
  for (FairQueue* queue : {&interactive_, &batch_}) {
    const auto job = queue->remove(run);
    if (!job) continue;
    effects.emplace_back(DropJob{run, ErrorCode::failed});
  }
  drop_stale(now, effects);
  fill_lanes(now, effects);  // it may have kept others from memory that is free
  return effects;
}

Lanes::Effects Lanes::on_deadline(Instant now) {
  Effects effects;
  forget_announcements(now);
  drop_stale(now, effects);
  fill_lanes(now, effects);
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
  for (const FairQueue* queue : {&interactive_, &batch_}) {
    queue->for_each([&](const WaitingJob& waiting) { consider(waiting.job.deadline); });
  }
  return next;
}

void Lanes::forget_announcements(Instant now) {
  std::erase_if(announced_, [now](const auto& entry) { return entry.second.until <= now; });
}

void Lanes::drop_stale(Instant now, Effects& effects) {
  for (FairQueue* queue : {&interactive_, &batch_}) {
    for (const Job& job : queue->remove_if([now](const Job& one) { return one.deadline <= now; })) {
      effects.emplace_back(DropJob{job.run, ErrorCode::timed_out});
    }
  }
}

std::optional<WaitingJob> Lanes::next_job(Instant now) {
  const bool batch_first = !batch_.empty() && now >= batch_turn_at_;
  for (const bool batch : {batch_first, !batch_first}) {
    FairQueue& queue = batch ? batch_ : interactive_;
    FairQueue::Turn turn = queue.next(memory_, !batch && standing_.newest_first());
    if (turn.job) return std::move(turn.job);
    if (turn.blocked) return std::nullopt;  // what comes after it must not take its memory
  }
  return std::nullopt;
}

void Lanes::start(Instant now, WaitingJob waiting, Effects& effects) {
  Job& job = waiting.job;
  if (job.batch) {
    batch_turn_at_ = now + options_.batch_patience;
  } else {
    standing_.on_started(now, now - waiting.since);
  }
  const RunId run = job.run;
  memory_.take(run, job.memory.bytes);
  effects.emplace_back(StartRun{run});
  running_.emplace(run, std::move(job));
}

void Lanes::fill_lanes(Instant now, Effects& effects) {
  while (running_.size() < options_.workers) {
    auto next = next_job(now);
    if (!next) break;
    const Job& job = next->job;
    const bool in_time = job.deadline - now >= std::chrono::microseconds(micros_of(job) / 2);
    if (in_time) {
      start(now, std::move(*next), effects);
    } else {
      effects.emplace_back(DropJob{job.run, ErrorCode::timed_out});
    }
  }
  if (interactive_.empty()) standing_.on_empty();
}

Duration Lanes::retry_after(bool batch, std::uint64_t micros) const {
  const std::uint64_t wait = wait_micros(batch) + micros / options_.workers;
  return std::clamp<Duration>(std::chrono::microseconds(std::min<std::uint64_t>(wait, 1ULL << 50)),
                              options_.retry_min, options_.retry_max);
}

void Lanes::check_invariants() const {
  invariant(running_.size() <= options_.workers, "no more tools run than there are workers");
  invariant(waiting_count() <= options_.queue_max, "the queues are bounded");
  invariant(waiting_count() == 0 || running_.size() == options_.workers || memory_.taken() > 0,
            "nothing waits while a worker and all memory are free");
  invariant(announced_.size() <= options_.announced_max, "announcements are bounded");
  costs_.check_invariants();
  memory_.check_invariants();
  interactive_.check_invariants();
  batch_.check_invariants();
}

}  // namespace pixmesh

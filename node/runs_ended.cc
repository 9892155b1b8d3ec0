#include <algorithm>

#include "node/runs.h"
#include "node/tool_outcome.h"

// How a run ends: its tool is done, its asker is gone or has what it wanted.
namespace pixmesh {
namespace {

std::uint64_t micros(Duration duration) {
  return static_cast<std::uint64_t>(std::max<Duration>(duration, Duration{}) / 1us);
}

}  // namespace

void Runs::on_tool_ended(Instant now, const ToolReport& report) {
  const bool good = report.end == ToolEnd::finished;
  const RunId id = run_of(report.run);
  if (go_on(now, id, report)) return;
  end_turn(id);
  const auto place = runs_.find(id);
  std::optional<RunCost> cost;  // of a chain what all its steps took, the most memory of any
  if (place != runs_.end()) {
    Run& run = place->second;
    run.report = run.chain.whole(report);
    if (good) cost = RunCost{run.report->wall, run.report->cpu, run.report->memory_bytes};
    run.step = Step::done;
    run.asker_until = now + asker_patience;
    journal_.on_ended(now, run.start.request, *run.report, outcome_of(run));
    tell_if_complete(id);
  } else {
    outside_.executor.discard(report.run);  // its asker has gone
  }
  perform(now, lanes_.on_finished(now, id, cost));
}

void Runs::on_verified(Instant now, RunId id, bool intact) {
  const auto place = runs_.find(id);
  if (place == runs_.end()) return;
  place->second.intact = intact;
  place->second.verified_at = now;
  if (intact) {
    Run& run = place->second;
    run.step = Step::running;
    cut_by_deadline(now, run);
    journal_.on_step(now, run.start.request, RunJournal::Step::verified);
    return outside_.executor.run(run.tool);
  }
  ToolReport never;
  never.run = id;
  never.end = ToolEnd::not_started;
  on_tool_ended(now, never);
}

// Of each step: what its recipe gives it, or what is left until the deadline.
void Runs::cut_by_deadline(Instant now, Run& run) {
  const Duration left = std::max<Duration>(run.deadline - now, 1ms);
  run.was_cut = left < run.tool.limits.wall;
  if (run.was_cut) run.tool.limits.wall = left;
}

void Runs::tell_if_complete(RunId id) {
  Run& run = runs_.at(id);
  if (run.told || !run.intact || !run.report) return;
  run.told = true;
  post_.to_link(run.asker, outcome_of(run));
}

RunDone Runs::outcome_of(const Run& run) const {
  RunDone done;
  done.operation = run.start.operation;
  done.queued_micros = micros(run.started_at - run.asked_at);
  done.wall_micros = micros(run.report->wall);
  done.cpu_micros = micros(run.report->cpu);
  done.memory_bytes = run.report->memory_bytes;
  done.verify_micros = micros(run.verified_at - run.started_at);
  if (!*run.intact) {
    done.code = ErrorCode::corrupt;
    done.detail = damaged_input;
    return done;
  }
  done.code = error_code_of(run.report->end);
  done.detail = error_text_of(*run.report);
  if (run.was_cut && run.report->end == ToolEnd::wall_limit) {
    done.code = ErrorCode::timed_out;
    done.detail = past_deadline;
  }
  if (done.code == ErrorCode::overloaded) done.retry_after_ms = 100;
  done.output_size = done.code == ErrorCode{} ? run.report->output_size : 0;
  done.extension = run.tool.output_extension;
  return done;
}

std::optional<Runs::Output> Runs::output_of(RequestId request) const {
  const auto id = find(request);
  if (!id) return std::nullopt;
  const Run& run = runs_.at(*id);
  if (!run.report || run.report->end != ToolEnd::finished || run.intact != true)
    return std::nullopt;
  const std::string path = relative_output(*run.report);
  if (path.empty()) return std::nullopt;
  return Output{path, run.report->output_size};
}

const ToolReport* Runs::report_of(RequestId request) const {
  const auto id = find(request);
  if (!id || !runs_.at(*id).report) return nullptr;
  return &*runs_.at(*id).report;
}

bool Runs::ended_at_image(RequestId request) const {
  const auto id = find(request);
  return id && runs_.at(*id).report && runs_.at(*id).report->run == *id;
}

void Runs::on_alive(Instant now, const RunAlive& alive) {
  const auto id = find(alive.request);
  if (!id) return;
  runs_.at(*id).asker_until = now + asker_patience;
}

void Runs::on_cancel(Instant now, const RunCancel& cancel) {
  const auto id = find(cancel.request);
  if (!id) {
    lanes_.on_release(now, cancel.request);
    return;
  }
  journal_.on_left(now, cancel.request);
  const Step step = runs_.at(*id).step;
  const RunId last = step == Step::done ? runs_.at(*id).report->run : *id;
  forget(now, *id);
  if (step == Step::borrowing || step == Step::inspecting)
    return lanes_.on_release(now, cancel.request);
  if (step == Step::checking) return perform(now, lanes_.on_finished(now, *id, std::nullopt));
  if (step == Step::done) outside_.executor.discard(last);
  perform(now, lanes_.on_cancel(now, *id));
}

void Runs::forget(Instant now, RunId id) {
  const auto place = runs_.find(id);
  if (place == runs_.end()) return;
  const Run& run = place->second;
  if (run.borrowed) copies_.release(now, run.start.input.digest);
  by_request_.erase(run.start.request);
  runs_.erase(place);
}

void Runs::on_deadline(Instant now) {
  copies_.on_deadline(now);
  perform(now, lanes_.on_deadline(now));
  std::vector<RequestId> gone;
  for (const auto& [id, run] : runs_) {
    if (now >= run.asker_until) gone.push_back(run.start.request);
  }
  for (const RequestId& request : gone) {
    outside_.log.event(LogLevel::info, "run_asker_gone", {{"request", to_text(request)}});
    on_cancel(now, {request});
  }
}

std::optional<Instant> Runs::next_deadline() const {
  std::optional<Instant> first = lanes_.next_deadline();
  if (const auto at = copies_.next_deadline(); at && (!first || *at < *first)) first = at;
  for (const auto& [id, run] : runs_) {
    if (!first || run.asker_until < *first) first = run.asker_until;
  }
  return first;
}

void Runs::cancel_all(Instant now) {
  std::vector<RequestId> all;
  for (const auto& [request, id] : by_request_) all.push_back(request);
  for (const RequestId& request : all) on_cancel(now, {request});
}

}  // namespace pixmesh

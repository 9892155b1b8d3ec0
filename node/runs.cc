#include "node/runs.h"

#include <algorithm>
#include <utility>

#include "processing/header_check.h"
#include "processing/render.h"
#include "replication/record.h"

namespace pixmesh {
namespace {

constexpr Duration asker_patience = 6s;
constexpr std::ptrdiff_t inspecting_max = 64;  // headers looked at at one time
constexpr const char* draining = "the node takes no new work";
constexpr const char* queue_is_full = "the queue is full";
constexpr const char* damaged_input = "the stored bytes do not have their checksum";

ErrorCode code_of(ToolEnd end) {
  switch (end) {
    case ToolEnd::finished:
      return {};
    case ToolEnd::not_started:
      return ErrorCode::overloaded;  // another holder may have it
    case ToolEnd::cancelled:
      return ErrorCode::timed_out;
    case ToolEnd::exit_status:
    case ToolEnd::killed:
    case ToolEnd::wall_limit:
    case ToolEnd::cpu_limit:
    case ToolEnd::memory_limit:
    case ToolEnd::output_limit:
    case ToolEnd::no_output:
      return ErrorCode::tool_failed;
  }
  return ErrorCode::failed;
}

std::string text_of(const ToolReport& report) {
  const std::string stderr_part = report.error_text.empty() ? "" : "\n" + report.error_text;
  switch (report.end) {
    case ToolEnd::finished:
      return {};
    case ToolEnd::exit_status:
      return "the tool ended with status " + std::to_string(report.exit_status) + stderr_part;
    case ToolEnd::killed:
      return "the tool was killed by signal " + std::to_string(report.exit_status) + stderr_part;
    case ToolEnd::wall_limit:
      return "the tool ran over its time limit" + stderr_part;
    case ToolEnd::cpu_limit:
      return "the tool used more CPU time than its limit" + stderr_part;
    case ToolEnd::memory_limit:
      return "the tool asked for more memory than its limit" + stderr_part;
    case ToolEnd::output_limit:
      return "the tool wrote more than its output limit" + stderr_part;
    case ToolEnd::no_output:
      return "the tool wrote no output" + stderr_part;
    case ToolEnd::not_started:
      return "the tool could not be started" + stderr_part;
    case ToolEnd::cancelled:
      return "the run was cancelled";
  }
  return {};
}

std::uint64_t micros(Duration duration) {
  return static_cast<std::uint64_t>(std::max<Duration>(duration, Duration{}) / 1us);
}

}  // namespace

Runs::Runs(const NodeOptions& options, RecipeBook book, Outside& outside, Post& post)
    : outside_(outside),
      post_(post),
      book_(std::move(book)),
      lanes_(options.lanes),
      scratch_root_(options.scratch_root) {}

void Runs::on_probe(Instant now, LinkId from, const ProbeLoad& probe) {
  LoadAnswer answer;
  answer.operation = probe.operation;
  const auto entry = book_.require(probe.recipe, probe.recipe_digest);
  answer.has_recipe = entry.has_value() && entry.value()->available;
  if (answer.has_recipe) {
    const LaneLoad load = lanes_.on_probe(now, probe.request, probe.recipe, probe.pixels);
    answer.accepts_work = load.accepts_work;
    answer.running = load.running;
    answer.queued = load.queued;
    answer.announced = load.announced;
    answer.workers = load.workers;
    answer.service_micros = load.service_micros;
    answer.wait_micros = load.wait_micros;
  }
  post_.to_link(from, std::move(answer));
}

void Runs::on_release(Instant now, const ReleaseLoad& release) {
  lanes_.on_release(now, release.request);
}

std::optional<RunId> Runs::find(RequestId request) const {
  const auto place = by_request_.find(request);
  if (place == by_request_.end()) return std::nullopt;
  return place->second;
}

void Runs::refuse(const RunStart& start, LinkId to, ErrorCode code, std::string detail,
                  Duration retry_after) {
  RunDone done;
  done.operation = start.operation;
  done.code = code;
  done.detail = std::move(detail);
  done.retry_after_ms = static_cast<std::uint32_t>(retry_after / 1ms);
  post_.to_link(to, std::move(done));
}

bool Runs::reads(std::uint32_t disk, PartitionId partition) const {
  return std::ranges::any_of(runs_, [&](const auto& one) {
    return one.second.disk == disk && one.second.start.input.partition == partition;
  });
}

std::optional<JobRefused> Runs::refusal_of(const RunStart& start) const {
  const MediaFacts& media = start.input.media;
  const std::uint64_t pixels = std::uint64_t{media.width} * media.height;
  if (const auto refused = lanes_.refusal_of(start.recipe, pixels)) return refused;
  const auto inspected = std::ranges::count_if(
      runs_, [](const auto& entry) { return entry.second.step == Step::inspecting; });
  if (inspected < inspecting_max) return std::nullopt;
  return JobRefused{100ms, false};
}

void Runs::on_start(Instant now, LinkId from, const RunStart& start, std::uint32_t disk) {
  if (const auto known = find(start.request)) {  // a retry: the same run answers again
    Run& run = runs_.at(*known);
    run.asker = from;
    run.start.operation = start.operation;
    run.asker_until = now + asker_patience;
    run.told = false;
    tell_if_complete(*known);
    return;
  }
  if (const Result<Done> begun = begin(now, from, start, disk); !begun) {
    lanes_.on_release(now, start.request);
    const bool busy = begun.error().code == ErrorCode::overloaded;
    const Duration pause = busy ? busy_pause_of(start) : Duration{};
    refuse(start, from, begun.error().code, begun.error().detail, pause);
  }
}

Duration Runs::busy_pause_of(const RunStart& start) const {
  const auto refused = refusal_of(start);
  return refused ? refused->retry_after : Duration(500ms);
}

Result<Done> Runs::begin(Instant now, LinkId from, const RunStart& start, std::uint32_t disk) {
  const auto entry = book_.require(start.recipe, start.recipe_digest);
  if (!entry) return entry.error();
  GivenParameters given;
  for (const RunArgument& argument : start.arguments) {
    given.emplace_back(argument.key, argument.value);
  }
  const auto command = render_arguments(entry.value()->recipe, given);
  if (!command) return command.error();
  if (const auto full = refusal_of(start)) {
    return Error{ErrorCode::overloaded, full->draining ? draining : queue_is_full};
  }
  // What the record says is told by the asker; what may run is decided from the bytes. But what is
  // refused on its word alone needs no look.
  const Recipe& recipe = entry.value()->recipe;
  const MediaFacts& media = start.input.media;
  const auto said = check_header(recipe, header_with(media.type, media.width, media.height));
  if (!said) return said;
  Run& run = add_run(now, from, start);
  run.disk = disk;
  run.tool = {run.id,
              command->argv,
              blob_path(start.input.digest, start.input.media),
              extension_of(start.input.media),
              command->output_extension,
              recipe.input_on_stdin,
              recipe.output_on_stdout,
              recipe.vips_modules,
              disk,
              recipe.limits,
              recipe.engine};
  inspections_.push_back({run.id, start.input, recipe.header_limits});
  return Done{};
}

Runs::Run& Runs::add_run(Instant now, LinkId from, const RunStart& start) {
  const RunId id{++last_run_};
  Run& run = runs_[id];
  run.id = id;
  run.asker = from;
  run.start = start;
  run.asked_at = now;
  run.deadline = now + std::chrono::milliseconds(start.deadline_ms);
  run.asker_until = now + asker_patience;
  by_request_[start.request] = id;
  return run;
}

void Runs::on_inspected(Instant now, RunId id, const std::optional<ImageHeader>& header) {
  const auto place = runs_.find(id);
  if (place == runs_.end()) return;  // its asker has gone
  Run& run = place->second;
  const auto entry = book_.require(run.start.recipe, run.start.recipe_digest);
  if (!header) return end_before_start(now, id, {ErrorCode::corrupt, damaged_input});
  if (!entry) return end_before_start(now, id, entry.error());
  const auto sound = check_header(entry.value()->recipe, *header);
  if (!sound) return end_before_start(now, id, sound.error());
  run.pixels = pixels_of(*header);
  admit(now, id);
}

void Runs::admit(Instant now, RunId id) {
  Run& run = runs_.at(id);
  auto admitted = lanes_.on_start(now, {id, run.start.request, run.start.recipe,
                                        run.start.recipe_digest, run.pixels, run.deadline});
  if (const auto* refused = std::get_if<JobRefused>(&admitted.outcome)) {
    refuse(run.start, run.asker, ErrorCode::overloaded,
           refused->draining ? draining : queue_is_full, refused->retry_after);
    forget(id);
    return perform(now, admitted.effects);
  }
  run.step = Step::waiting;
  run.tool.limits.wall = std::min<Duration>(run.tool.limits.wall, run.deadline - now);
  const auto* queued = std::get_if<JobQueued>(&admitted.outcome);
  post_.to_link(run.asker,
                RunAccepted{run.start.operation, queued == nullptr ? 0 : queued->position + 1});
  perform(now, admitted.effects);
}

// Nothing of it has reached the lanes but its announcement.
void Runs::end_before_start(Instant now, RunId id, const Error& why) {
  const Run& run = runs_.at(id);
  lanes_.on_release(now, run.start.request);
  refuse(run.start, run.asker, why.code, why.detail,
         why.code == ErrorCode::overloaded ? Duration(500ms) : Duration{});
  forget(id);
}

void Runs::perform(Instant now, const Lanes::Effects& effects) {
  for (const LanesEffect& effect : effects) {
    if (const auto* begin = std::get_if<StartRun>(&effect)) {
      Run& run = runs_.at(begin->run);
      run.step = Step::checking;
      run.started_at = now;
      checks_.push_back({begin->run, run.start.input});
    } else if (const auto* drop = std::get_if<DropJob>(&effect)) {
      const auto place = runs_.find(drop->run);
      if (place == runs_.end()) continue;
      refuse(place->second.start, place->second.asker, drop->why,
             "the run waited longer than its deadline");
      forget(drop->run);
    } else if (const auto* cancel = std::get_if<CancelRun>(&effect)) {
      outside_.executor.cancel(cancel->run);
    }
  }
}

void Runs::on_tool_ended(Instant now, const ToolReport& report) {
  const bool good = report.end == ToolEnd::finished;
  const auto place = runs_.find(report.run);
  if (place != runs_.end()) {
    place->second.report = report;
    place->second.step = Step::done;
    place->second.asker_until = now + asker_patience;
    tell_if_complete(report.run);
  } else {
    outside_.executor.discard(report.run);  // its asker has gone
  }
  std::optional<RunCost> cost;
  if (good) cost = RunCost{report.wall, report.cpu, report.memory_bytes};
  perform(now, lanes_.on_finished(now, report.run, cost));
}

void Runs::on_verified(Instant now, RunId run, bool intact) {
  const auto place = runs_.find(run);
  if (place == runs_.end()) return;
  place->second.intact = intact;
  if (intact) {
    place->second.step = Step::running;
    return outside_.executor.run(place->second.tool);
  }
  ToolReport never;
  never.run = run;
  never.end = ToolEnd::not_started;
  on_tool_ended(now, never);
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
  if (!*run.intact) {
    done.code = ErrorCode::corrupt;
    done.detail = damaged_input;
    return done;
  }
  done.code = code_of(run.report->end);
  done.detail = text_of(*run.report);
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
  const std::string& path = run.report->output_path;
  if (path.rfind(scratch_root_, 0) != 0) return std::nullopt;
  std::string relative = path.substr(scratch_root_.size());
  while (!relative.empty() && relative.front() == '/') relative.erase(0, 1);
  return Output{"scratch/" + relative, run.report->output_size};
}

void Runs::on_alive(Instant now, const RunAlive& alive) {
  if (const auto id = find(alive.request)) runs_.at(*id).asker_until = now + asker_patience;
}

void Runs::on_cancel(Instant now, const RunCancel& cancel) {
  const auto id = find(cancel.request);
  if (!id) {
    lanes_.on_release(now, cancel.request);
    return;
  }
  const Step step = runs_.at(*id).step;
  forget(*id);
  if (step == Step::inspecting) return lanes_.on_release(now, cancel.request);
  if (step == Step::checking) return perform(now, lanes_.on_finished(now, *id, std::nullopt));
  if (step == Step::done) outside_.executor.discard(*id);
  perform(now, lanes_.on_cancel(now, *id));
}

void Runs::forget(RunId id) {
  const auto place = runs_.find(id);
  if (place == runs_.end()) return;
  by_request_.erase(place->second.start.request);
  runs_.erase(place);
}

void Runs::on_deadline(Instant now) {
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
  for (const auto& [id, run] : runs_) {
    if (!first || run.asker_until < *first) first = run.asker_until;
  }
  return first;
}

std::vector<Runs::Check> Runs::take_checks() {
  std::vector<Check> checks = std::move(checks_);
  checks_.clear();
  return checks;
}

std::vector<Runs::Inspection> Runs::take_inspections() { return std::exchange(inspections_, {}); }

void Runs::cancel_all(Instant now) {
  std::vector<RequestId> all;
  for (const auto& [request, id] : by_request_) all.push_back(request);
  for (const RequestId& request : all) on_cancel(now, {request});
}

}  // namespace pixmesh

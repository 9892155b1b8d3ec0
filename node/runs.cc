#include "node/runs.h"

#include <algorithm>

#include "processing/render.h"
#include "replication/record.h"

namespace pixmesh {
namespace {

constexpr Duration asker_patience = 6s;

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

VerifyFile::VerifyFile(OperationId id, RunId run, const RunInput& input)
    : Operation(id), run_(run), input_(input) {}

Effects VerifyFile::start(Instant) {
  over_ = input_.checksums.empty() || input_.checksums.size() != chunk_count_of(input_.size);
  return read_next();
}

Effects VerifyFile::read_next() {
  if (over_) return {};
  return {UseDisk{input_.partition, ReadRange{blob_path(input_.digest, input_.media),
                                              std::uint64_t{next_chunk_} * chunk_bytes_max,
                                              chunk_size_of(input_.size, next_chunk_),
                                              input_.checksums[next_chunk_]}}};
}

Effects VerifyFile::on_disk(Instant, const Result<DiskAnswer>& answer) {
  intact_ = answer.has_value();
  ++next_chunk_;
  over_ = !intact_ || next_chunk_ == input_.checksums.size();
  if (!intact_) return {SuspectBytes{input_.partition, input_.digest}};
  return read_next();
}

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
    const LaneLoad load = lanes_.on_probe(now, probe.request, probe.recipe);
    answer.accepts_work = load.accepts_work;
    answer.running = load.running;
    answer.queued = load.queued;
    answer.announced = load.announced;
    answer.workers = load.workers;
    answer.service_micros = load.service_micros;
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
  const auto entry = book_.require(start.recipe, start.recipe_digest);
  if (!entry) return refuse(start, from, entry.error().code, entry.error().detail, 500ms);
  GivenParameters given;
  for (const RunArgument& argument : start.arguments) {
    given.emplace_back(argument.key, argument.value);
  }
  const auto command = render_arguments(entry.value()->recipe, given);
  if (!command) return refuse(start, from, command.error().code, command.error().detail);

  const Recipe& recipe = entry.value()->recipe;
  const RunId id{++last_run_};
  const auto deadline = now + std::chrono::milliseconds(start.deadline_ms);
  auto admitted = lanes_.on_start(now, {id, start.request, start.recipe, deadline});
  if (const auto* refused = std::get_if<JobRefused>(&admitted.outcome)) {
    refuse(start, from, ErrorCode::overloaded,
           refused->draining ? "the node takes no new work" : "the queue is full",
           refused->retry_after);
    return perform(now, admitted.effects);
  }
  Run& run = runs_[id];
  run.asker = from;
  run.start = start;
  run.disk = disk;
  run.asked_at = now;
  run.asker_until = now + asker_patience;
  run.tool = {id,
              command->argv,
              blob_path(start.input.digest, start.input.media),
              extension_of(start.input.media),
              command->output_extension,
              recipe.input_on_stdin,
              recipe.output_on_stdout,
              recipe.vips_modules,
              disk,
              recipe.limits};
  run.tool.limits.wall = std::min<Duration>(run.tool.limits.wall, deadline - now);
  by_request_[start.request] = id;
  const auto* queued = std::get_if<JobQueued>(&admitted.outcome);
  post_.to_link(from, RunAccepted{start.operation, queued == nullptr ? 0 : queued->position + 1});
  perform(now, admitted.effects);
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
  perform(now, lanes_.on_finished(now, report.run,
                                  good ? std::optional<Duration>(report.wall) : std::nullopt));
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
  if (!*run.intact) {
    done.code = ErrorCode::corrupt;
    done.detail = "the stored bytes do not have their checksum";
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

void Runs::cancel_all(Instant now) {
  std::vector<RequestId> all;
  for (const auto& [request, id] : by_request_) all.push_back(request);
  for (const RequestId& request : all) on_cancel(now, {request});
}

}  // namespace pixmesh

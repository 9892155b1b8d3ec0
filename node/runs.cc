#include "node/runs.h"

#include <algorithm>
#include <utility>

#include "node/disk_places.h"
#include "node/tool_outcome.h"
#include "processing/header_check.h"
#include "replication/record.h"

namespace pixmesh {
namespace {

constexpr std::ptrdiff_t inspecting_max = 64;  // headers looked at at one time
constexpr std::uint32_t busy_pause_ms = 500;
constexpr const char* draining = "the node takes no new work";
constexpr const char* queue_is_full = "the queue is full";
constexpr const char* no_room_to_borrow = "the node has no room for one more borrowed image";
constexpr const char* too_late = "its turn would come after its deadline";

std::uint32_t in_ms(Duration span) { return static_cast<std::uint32_t>(span / 1ms); }

const char* reason_of(const JobRefused& refused) {
  return refused.draining ? draining : refused.too_late ? too_late : queue_is_full;
}

std::string in_mebibytes(std::uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

std::string reason_of(const JobTooLarge& refused) {
  return "the run needs about " + in_mebibytes(refused.needed) +
         " of memory, and this node gives " + "its tools " + in_mebibytes(refused.budget) +
         " (--memory)";
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
  answer.has_recipe =
      entry.has_value() && std::ranges::all_of(probe.then, [&](const RunStep& step) {
        return book_.require(step.recipe, step.recipe_digest).has_value();
      });
  if (answer.has_recipe) {
    const std::uint64_t own_most = entry.value()->recipe.limits.memory_bytes;
    const std::uint64_t most = probe.memory_most > 0 ? probe.memory_most : own_most;
    const LaneLoad load = lanes_.on_probe(
        now, probe.request, {probe.recipe, probe.pixels, probe.batch, most, probe.way});
    answer.accepts_work = load.accepts_work;
    answer.running = load.running;
    answer.queued = load.queued;
    answer.announced = load.announced;
    answer.workers = load.workers;
    answer.service_micros = load.service_micros;
    answer.wait_micros = load.wait_micros;
    answer.memory_bytes = load.memory_bytes;
    answer.memory_free = load.memory_free;
    answer.too_large = load.too_large;
    answer.has_image = copies_.has(probe.image);
    answer.retry_after_ms = in_ms(load.retry_after);
    const bool late = probe.deadline_ms > 0 && load.wait_micros / 1000 >= probe.deadline_ms;
    if (late) answer.retry_after_ms = std::max(answer.retry_after_ms, busy_pause_ms);
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
                  Duration retry_after, std::string_view denied_by) {
  journal_.on_refused(start.request, code, detail, denied_by);
  RunDone done;
  done.operation = start.operation;
  done.code = code;
  done.detail = std::move(detail);
  done.retry_after_ms = in_ms(retry_after);
  post_.to_link(to, std::move(done));
}

bool Runs::reads(std::uint32_t disk, PartitionId partition) const {
  return std::ranges::any_of(runs_, [&](const auto& one) {
    return one.second.disk == disk && one.second.start.input.partition == partition;
  });
}

Result<std::vector<RenderedStep>> Runs::steps_of(const RunStart& start) const {
  const auto entry = book_.require(start.recipe, start.recipe_digest);
  if (!entry) return entry.error();
  const auto first = render_step(*entry.value(), start.arguments);
  if (!first) return first.error();
  return render_chain(book_, first.value(), start.then, true);
}

std::optional<JobRefused> Runs::refusal_of(const RunStart& start,
                                           const Result<std::vector<RenderedStep>>& steps) const {
  const MediaFacts& media = start.input.media;
  const std::uint64_t pixels = std::uint64_t{media.width} * media.height;
  const std::uint64_t most = steps ? memory_most_of(steps.value()) : 0;
  const std::string way = steps ? way_of(media.type, 0, choices_of(steps.value())) : "";
  const RunShape shape{start.recipe, pixels, start.batch, most, way};
  if (const auto refused = lanes_.refusal_of(shape)) return refused;
  const auto inspected = std::ranges::count_if(
      runs_, [](const auto& one) { return one.second.step <= Step::inspecting; });
  if (inspected < inspecting_max) return std::nullopt;
  return JobRefused{100ms, false};
}

void Runs::on_start(Instant now, LinkId from, const RunStart& start, const InputPlace& place) {
  if (const auto known = find(start.request)) {  // a retry: the same run answers again
    Run& run = runs_.at(*known);
    run.asker = from;
    run.start.operation = start.operation;
    run.asker_until = now + asker_patience;
    run.told = false;
    tell_if_complete(*known);
    return;
  }
  journal_.on_started(now, start);
  if (const Result<Done> begun = begin(now, from, start, place); !begun) {
    lanes_.on_release(now, start.request);
    const bool busy = begun.error().code == ErrorCode::overloaded;
    const Duration pause = busy ? busy_pause_of(start) : Duration{};
    refuse(start, from, begun.error().code, begun.error().detail, pause);
  }
}

Duration Runs::busy_pause_of(const RunStart& start) const {
  const auto refused = refusal_of(start, steps_of(start));
  return refused ? refused->retry_after : Duration(std::chrono::milliseconds(busy_pause_ms));
}

Result<Done> Runs::begin(Instant now, LinkId from, const RunStart& start, const InputPlace& place) {
  const auto steps = steps_of(start);
  if (!steps) return steps.error();
  if (const auto full = refusal_of(start, steps)) {
    return Error{ErrorCode::overloaded, reason_of(*full)};
  }
  if (start.deadline_ms == 0) return Error{ErrorCode::timed_out, past_deadline};
  // What the record says is told by the asker; what may run is decided from the bytes. But what is
  // refused on its word alone needs no look.
  const Recipe& recipe = steps->front().entry->recipe;
  const MediaFacts& media = start.input.media;
  const auto said = check_header(recipe, header_with(media.type, media.width, media.height));
  if (!said) return said;
  Run& run = add_run(now, from, start);
  run.disk = place.disk;
  run.borrowed = place.borrowed;
  run.limits = recipe.header_limits;
  run.choices = choices_of(steps.value());
  run.memory_most = memory_most_of(steps.value());
  run.tool = tool_of(steps->front());
  run.tool.run = run.id;
  run.tool.input_path = blob_path(start.input.digest, start.input.media);
  run.tool.input_extension = extension_of(start.input.media);
  run.tool.disk = place.disk;
  std::vector<ToolRun> rest;
  for (auto step = steps->begin() + 1; step != steps->end(); ++step) rest.push_back(tool_of(*step));
  run.chain = RunChain(std::move(rest));
  if (place.borrowed) return borrow(now, run);
  inspect(run);
  return Done{};
}

// Bytes are moved only for a run that would be let in.
Result<Done> Runs::borrow(Instant now, Run& run) {
  using Found = BorrowedCopies::Found;
  run.step = Step::borrowing;
  const RunInput& input = run.start.input;
  const Found found = copies_.use(now, input.digest, input.size);
  if (found == Found::no_room) {
    run.borrowed = false;  // nothing is to be released
    forget(now, run.id);
    return Error{ErrorCode::overloaded, no_room_to_borrow};
  }
  if (found == Found::to_fetch) loans_.push_back(input);
  if (found == Found::here) {
    inspect(run);
  } else {  // the bytes may take longer than an asker waits for a word
    post_.to_link(run.asker, RunAccepted{run.start.operation, 0});
  }
  return Done{};
}

void Runs::on_borrowed(Instant now, const Digest& image, std::optional<TempId> copy,
                       const std::string& detail) {
  if (copy) copies_.on_fetched(now, image, *copy);
  std::vector<RunId> failed;
  for (auto& [id, run] : runs_) {
    if (run.step != Step::borrowing || run.start.input.digest != image) continue;
    if (copy) {
      inspect(run);
    } else {
      failed.push_back(id);
    }
  }
  for (const RunId id : failed) end_before_start(now, id, {ErrorCode::unreachable, detail});
  if (!copy) copies_.on_failed(image);
}

StoredInput Runs::stored(const Run& run) const {
  const PartitionId where = run.borrowed ? address_of_disk(run.disk) : run.start.input.partition;
  return {run.start.input, where, run.tool.input_path, !run.borrowed};
}

void Runs::inspect(Run& run) {
  run.step = Step::inspecting;
  if (run.borrowed) run.tool.input_path = temp_path(*copies_.copy_of(run.start.input.digest));
  inspections_.push_back({run.id, stored(run), run.limits});
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
  journal_.on_step(now, run.start.request, RunJournal::Step::inspected);
  if (!header) return end_before_start(now, id, {ErrorCode::corrupt, damaged_input});
  if (!entry) return end_before_start(now, id, entry.error());
  const auto sound = check_header(entry.value()->recipe, *header);
  if (!sound) return end_before_start(now, id, sound.error());
  run.pixels = pixels_of(*header);
  run.held_a_pixel = header->held_a_pixel;
  run.way = way_of(header->type, header->held_a_pixel, run.choices);
  admit(now, id);
}

void Runs::admit(Instant now, RunId id) {
  Run& run = runs_.at(id);
  auto admitted = lanes_.on_start(now, job_of(run));
  const auto* refused = std::get_if<JobRefused>(&admitted.outcome);
  const auto* too_large = std::get_if<JobTooLarge>(&admitted.outcome);
  if (refused != nullptr || too_large != nullptr) {
    if (refused != nullptr) {
      refuse(run.start, run.asker, ErrorCode::overloaded, reason_of(*refused),
             refused->retry_after);
    } else {
      refuse(run.start, run.asker, ErrorCode::denied, reason_of(*too_large), {}, "memory");
    }
    forget(now, id);
    return perform(now, admitted.effects);
  }
  run.step = Step::waiting;
  const auto* queued = std::get_if<JobQueued>(&admitted.outcome);
  journal_.on_step(now, run.start.request, RunJournal::Step::admitted);
  if (queued != nullptr) journal_.on_queued(run.start.request, queued->position + 1);
  post_.to_link(run.asker,
                RunAccepted{run.start.operation, queued == nullptr ? 0 : queued->position + 1});
  perform(now, admitted.effects);
}

Job Runs::job_of(const Run& run) const {
  const std::uint64_t client = run.start.client != 0 ? run.start.client : run.asker.raw;
  return {run.id,
          run.start.request,
          run.start.recipe,
          run.start.recipe_digest,
          run.pixels,
          run.deadline,
          run.start.batch,
          client,
          run.held_a_pixel,
          run.memory_most,
          {},
          run.way};
}

// Nothing of it has reached the lanes but its announcement.
void Runs::end_before_start(Instant now, RunId id, const Error& why) {
  const Run& run = runs_.at(id);
  lanes_.on_release(now, run.start.request);
  refuse(run.start, run.asker, why.code, why.detail,
         why.code == ErrorCode::overloaded ? busy_pause_of(run.start) : Duration{});
  forget(now, id);
}

void Runs::perform(Instant now, const Lanes::Effects& effects) {
  for (const LanesEffect& effect : effects) {
    if (const auto* begin = std::get_if<StartRun>(&effect)) {
      Run& run = runs_.at(begin->run);
      run.step = Step::checking;
      run.started_at = now;
      journal_.on_step(now, run.start.request, RunJournal::Step::taken_up);
      checks_.push_back({begin->run, stored(run)});
    } else if (const auto* drop = std::get_if<DropJob>(&effect)) {
      const auto place = runs_.find(drop->run);
      if (place == runs_.end()) continue;
      refuse(place->second.start, place->second.asker, drop->why,
             "the run waited until too little of its time was left");
      forget(now, drop->run);
    } else if (const auto* cancel = std::get_if<CancelRun>(&effect)) {
      outside_.executor.cancel(step_of(cancel->run));
    }
  }
}

std::vector<Runs::Check> Runs::take_checks() {
  std::vector<Check> checks = std::move(checks_);
  checks_.clear();
  return checks;
}

std::vector<RunInput> Runs::take_loans() { return std::exchange(loans_, {}); }

std::vector<Runs::Inspection> Runs::take_inspections() { return std::exchange(inspections_, {}); }

}  // namespace pixmesh

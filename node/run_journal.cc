#include "node/run_journal.h"

#include <algorithm>

namespace pixmesh {
namespace {

constexpr std::size_t tries_max = 4;      // of one request that are remembered
constexpr std::size_t walls_max = 256;    // runs that the percentiles are of
constexpr std::size_t detail_max = 2048;  // bytes of an error text

std::uint64_t whole_micros(Duration span) {
  return static_cast<std::uint64_t>(std::max<Duration>(span, Duration{}) / 1us);
}

std::uint64_t span_of(const std::optional<Instant>& from, const std::optional<Instant>& to) {
  return from && to ? whole_micros(*to - *from) : 0;
}

std::string_view limit_of(ToolEnd end) {
  switch (end) {
    case ToolEnd::wall_limit:
      return "wall";
    case ToolEnd::cpu_limit:
      return "cpu";
    case ToolEnd::memory_limit:
      return "memory";
    case ToolEnd::output_limit:
      return "output";
    case ToolEnd::finished:
    case ToolEnd::exit_status:
    case ToolEnd::killed:
    case ToolEnd::no_output:
    case ToolEnd::not_started:
    case ToolEnd::cancelled:
      break;
  }
  return "";
}

/// The value that `percent` of them do not exceed.
std::uint64_t percentile(std::vector<std::uint64_t> values, std::size_t percent) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[(values.size() * percent + 99) / 100 - 1];
}

}  // namespace

std::string chain_text(const std::string& recipe, const std::vector<RunStep>& then) {
  std::string text = recipe;
  for (const RunStep& step : then) text += " | " + step.recipe;
  return text;
}

// --- As a router
// --------------------------------------------------------------------------------------------

void RunJournal::on_routed(Instant now, const RunRequest& request) {
  Record& record = record_of(now, request.request);
  if (record.routes.size() == tries_max) record.routes.erase(record.routes.begin());
  Route& route = record.routes.emplace_back();
  route.at = now;
  route.report.name = request.name;
  route.report.recipe = chain_text(request.recipe, request.then);
  weigh(request.request);
}

void RunJournal::on_located(Instant now, RequestId request, const std::vector<NodeId>& holders) {
  Route* route = route_of(request);
  if (route == nullptr) return;
  route->located = now;
  route->report.lookup_micros = whole_micros(now - route->at);
  for (const NodeId& node : holders) route->report.holders.emplace_back().node = node;
  weigh(request);
}

void RunJournal::on_load(Instant now, RequestId request, NodeId from, const LoadAnswer& load) {
  Route* route = route_of(request);
  if (route == nullptr) return;
  const auto holder = std::ranges::find(route->report.holders, from, &WhyHolder::node);
  if (holder == route->report.holders.end()) return;
  holder->answered = true;
  holder->answer_micros = span_of(route->located, now);
  holder->has_recipe = load.has_recipe;
  holder->accepts_work = load.accepts_work;
  holder->running = load.running;
  holder->queued = load.queued;
  holder->announced = load.announced;
  holder->workers = load.workers;
  holder->service_micros = load.service_micros;
  holder->wait_micros = load.wait_micros;
}

void RunJournal::on_placed(Instant now, RequestId request,
                           const std::vector<Candidate>& candidates) {
  Route* route = route_of(request);
  if (route == nullptr) return;
  route->report.decided_micros = whole_micros(now - route->at);
  for (WhyHolder& holder : route->report.holders) {
    const auto found = std::ranges::find(candidates, holder.node, &Candidate::node);
    if (found != candidates.end())
      holder.score_micros = std::max<std::uint64_t>(1, found->score_micros);
  }
}

void RunJournal::on_unplaced(RequestId request, ErrorCode code, const std::string& detail) {
  Route* route = route_of(request);
  if (route == nullptr) return;
  route->report.code = code;
  route->report.detail = detail.substr(0, detail_max);
  weigh(request);
}

// --- As a holder
// --------------------------------------------------------------------------------------------

void RunJournal::on_started(Instant now, const RunStart& start) {
  Record& record = record_of(now, start.request);
  if (record.runs.size() == tries_max) record.runs.erase(record.runs.begin());
  Run& run = record.runs.emplace_back();
  run.at[static_cast<std::size_t>(Step::started)] = now;
  run.report.recipe = chain_text(start.recipe, start.then);
  run.report.state = "inspecting";
  weigh(start.request);
}

void RunJournal::on_shared(Instant now, const RunStart& start, const char* state) {
  on_started(now, start);
  if (Run* run = run_of(start.request)) run->report.state = state;
}

void RunJournal::on_step(Instant now, RequestId request, Step step) {
  Run* run = run_of(request);
  if (run == nullptr) return;
  run->at[static_cast<std::size_t>(step)] = now;
  if (step == Step::admitted) run->report.state = "waiting";
  if (step == Step::taken_up) run->report.state = "checking";
  if (step == Step::verified) run->report.state = "running";
}

void RunJournal::on_queued(RequestId request, std::uint32_t position) {
  if (Run* run = run_of(request)) run->report.position = position;
}

void RunJournal::on_refused(RequestId request, ErrorCode code, const std::string& detail,
                            std::string_view denied_by) {
  ++sums_.refused;
  Run* run = run_of(request);
  if (run == nullptr) return;
  run->report.state = "refused";
  run->report.code = code;
  run->report.detail = detail.substr(0, detail_max);
  if (code == ErrorCode::overloaded) run->report.limit = "queue";
  if (code == ErrorCode::denied) run->report.limit = denied_by;
  if (code == ErrorCode::timed_out) run->report.limit = "deadline";
  weigh(request);
}

void RunJournal::on_ended(Instant now, RequestId request, const ToolReport& report,
                          const RunDone& done) {
  const bool good = done.code == ErrorCode{};
  ++(good ? sums_.finished : sums_.failed);
  sums_.cpu_micros += whole_micros(report.cpu);
  if (good) {
    if (walls_.size() == walls_max) walls_.pop_front();
    walls_.push_back(whole_micros(report.wall));
  }
  Run* run = run_of(request);
  if (run == nullptr) return;
  run->at[static_cast<std::size_t>(Step::ended)] = now;
  run->report.state = good ? "done" : "failed";
  run->report.limit = limit_of(report.end);
  run->report.run_micros = whole_micros(report.wall);
  run->report.cpu_micros = whole_micros(report.cpu);
  run->report.memory_bytes = report.memory_bytes;
  run->report.output_size = done.output_size;
  run->report.code = done.code;
  run->report.detail = done.detail.substr(0, detail_max);
  weigh(request);
}

void RunJournal::on_fetching(Instant now, RequestId request) {
  Run* run = run_of(request);
  if (run != nullptr && !run->fetching) run->fetching = now;
}

void RunJournal::on_left(Instant now, RequestId request) {
  Run* run = run_of(request);
  if (run == nullptr) return;
  const bool over = run->report.state == "done" || run->report.state == "failed" ||
                    run->report.state == "refused";
  run->at[static_cast<std::size_t>(Step::fetched)] = now;
  if (over) return;
  ++sums_.left;
  run->report.state = "left";
  run->report.detail = "the asker went before the end";
}

// --- Both
// --------------------------------------------------------------------------------------------

WhyAnswer RunJournal::why(Instant now, WallTime wall, RequestId request) const {
  WhyAnswer answer;
  const auto found = records_.find(request);
  if (found == records_.end()) return answer;
  const auto wall_of = [&](Instant at) { return wall.microseconds - whole_micros(now - at); };
  for (const Route& route : found->second.routes) {
    answer.routes.push_back(route.report);
    answer.routes.back().asked_micros = wall_of(route.at);
  }
  for (const Run& run : found->second.runs) {
    answer.runs.push_back(report_of(run));
    answer.runs.back().asked_micros = wall_of(*run.at[static_cast<std::size_t>(Step::started)]);
  }
  return answer;
}

RunReport RunJournal::report_of(const Run& run) {
  const auto at = [&](Step step) { return run.at[static_cast<std::size_t>(step)]; };
  RunReport report = run.report;
  report.inspect_micros = span_of(at(Step::started), at(Step::inspected));
  report.queue_micros = span_of(at(Step::admitted), at(Step::taken_up));
  report.verify_micros = span_of(at(Step::taken_up), at(Step::verified));
  report.send_micros = span_of(run.fetching, at(Step::fetched));
  return report;
}

std::vector<RequestId> RunJournal::take_changed() {
  std::vector<RequestId> changed(changed_.begin(), changed_.end());
  changed_.clear();
  return changed;
}

RunStatus RunJournal::status() const {
  RunStatus status = sums_;
  const std::vector<std::uint64_t> walls(walls_.begin(), walls_.end());
  status.p50_micros = percentile(walls, 50);
  status.p95_micros = percentile(walls, 95);
  return status;
}

RunJournal::Record& RunJournal::record_of(Instant now, RequestId request) {
  forget_old(now);
  const auto [place, fresh] = records_.try_emplace(request);
  if (fresh) order_.push_back({request, now});
  changed_.insert(request);
  return place->second;
}

RunJournal::Route* RunJournal::route_of(RequestId request) {
  const auto found = records_.find(request);
  if (found == records_.end() || found->second.routes.empty()) return nullptr;
  changed_.insert(request);
  return &found->second.routes.back();
}

RunJournal::Run* RunJournal::run_of(RequestId request) {
  const auto found = records_.find(request);
  if (found == records_.end() || found->second.runs.empty()) return nullptr;
  changed_.insert(request);
  return &found->second.runs.back();
}

void RunJournal::weigh(RequestId request) {
  const auto found = records_.find(request);
  Record& record = found->second;
  std::size_t weight = 200;
  for (const Route& route : record.routes) {
    weight += sizeof(Route) + route.report.name.size() + route.report.recipe.size() +
              route.report.detail.size() + route.report.holders.size() * sizeof(WhyHolder);
  }
  for (const Run& run : record.runs) {
    weight += sizeof(Run) + run.report.recipe.size() + run.report.detail.size();
  }
  weight_ += weight - record.weight;
  record.weight = weight;
}

void RunJournal::forget_old(Instant now) {
  while (!order_.empty() &&
         (weight_ > options_.bytes_max || now - order_.front().at > options_.kept)) {
    const auto found = records_.find(order_.front().request);
    weight_ -= found->second.weight;
    changed_.erase(found->first);
    records_.erase(found);
    order_.pop_front();
  }
}

}  // namespace pixmesh

#include "simulations/studies/routing_world.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>
#include <utility>

#include "base/invariant.h"

namespace pixmesh::studies {
namespace {

constexpr std::string_view only_recipe = "thumbnail";
constexpr Duration forever = std::chrono::hours(100'000);

template <typename Id>
Id id_of(std::uint32_t number) {
  Id id;
  for (std::size_t i = 0; i < 4; ++i) {
    id.raw.at(i) = static_cast<std::uint8_t>(number >> (24 - 8 * i));
  }
  return id;
}

std::uint32_t number_of(NodeId id) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < 4; ++i) number = number << 8 | id.raw.at(i);
  return number;
}

Duration seconds_of(double time) { return Duration(static_cast<std::int64_t>(time * 1e9)); }
double seconds_in(Duration time) { return std::chrono::duration<double>(time).count(); }

LanesOptions lanes_options(const RoutingShape& shape) {
  LanesOptions options;
  options.workers = shape.workers;
  options.queue_max = ~0U;
  options.queue_time = 24h;
  options.standing_target = 24h;  // in order of arrival, whatever the wait
  options.service_default = shape.service;
  return options;
}

}  // namespace

RoutingWorld::RoutingWorld(RoutingShape shape)
    : shape_(std::move(shape)),
      measured_(shape_.costs),
      arrivals_(shape_.seed),
      work_(arrivals_.split()),
      holders_(arrivals_.split()),
      rule_(arrivals_.split()) {
  invariant(shape_.nodes >= shape_.replicas && shape_.probed >= 1, "a request has holders");
  if (!measured_.empty()) shape_.service = measured_.average();
  const auto slow = static_cast<double>(shape_.slow_nodes);
  const double workers =
      shape_.workers * (static_cast<double>(shape_.nodes) - slow + slow / shape_.slow_factor);
  arrivals_a_second_ = shape_.load * workers / seconds_in(shape_.service);
  for (std::uint32_t node = 0; node < shape_.nodes; ++node) {
    lanes_.emplace_back(lanes_options(shape_));
    const bool knows = shape_.costs_known && node >= shape_.slow_nodes;
    for (const RecipeCost& cost : shape_.costs) {
      if (knows) lanes_.back().costs().restore(cost);
    }
    told_.push_back({id_of<NodeId>(node), 0, 0, 0, shape_.workers, 1, 0});
  }
  requests_.resize(shape_.requests + shape_.requests / 10);
}

Samples RoutingWorld::run() {
  plan(drawn_gap(), Kind::arrival, 0, 0);
  for (std::uint32_t node = 0; shape_.rule == RoutingRule::gossip && node < shape_.nodes; ++node) {
    plan(seconds_of(drawn_share() * seconds_in(shape_.gossip_interval)), Kind::gossip, node, 0);
  }
  while (done_ < requests_.size()) {
    const Event event = queue_.top();
    queue_.pop();
    now_ = event.at;
    handle(event);
  }
  return std::move(times_);
}

void RoutingWorld::handle(const Event& event) {
  switch (event.kind) {
    case Kind::arrival:
      return on_arrival(event.request);
    case Kind::probe:
      return on_probe(event);
    case Kind::answer:
      return on_answer(event);
    case Kind::release:
      return lanes_[event.node].on_release(now_, id_of<RequestId>(event.request));
    case Kind::start:
      return on_start(event);
    case Kind::finish:
      return on_finish(event);
    case Kind::gossip:
      return on_gossip(event.node);
  }
}

void RoutingWorld::plan(Duration delay, Kind kind, std::uint32_t node, std::uint32_t request) {
  queue_.push(Event{now_ + delay, ++order_, kind, node, request});
}

void RoutingWorld::on_arrival(std::uint32_t request) {
  if (request + 1 < requests_.size()) plan(drawn_gap(), Kind::arrival, 0, request + 1);
  requests_[request].arrived = now_;
  draw_work(requests_[request]);
  const std::vector<std::uint32_t> holders = drawn_holders(requests_[request].hot);
  if (shape_.rule == RoutingRule::probes) return ask(request, holders);
  const std::uint32_t chosen = shape_.rule == RoutingRule::gossip
                                   ? best_by_gossip(holders)
                                   : holders[rule_.below(holders.size())];
  plan(2 * shape_.latency, Kind::start, chosen, request);  // by way of the client
}

std::vector<std::uint32_t> RoutingWorld::drawn_holders(bool& hot) {
  std::vector<std::uint32_t> holders;
  hot = drawn_share() <= shape_.hot_share;
  while (holders.size() < shape_.replicas) {
    const auto node = static_cast<std::uint32_t>(hot ? shape_.nodes - 1 - holders.size()
                                                     : holders_.below(shape_.nodes));
    if (std::ranges::find(holders, node) == holders.end()) holders.push_back(node);
  }
  return holders;
}

void RoutingWorld::ask(std::uint32_t request, const std::vector<std::uint32_t>& holders) {
  std::vector<NodeId> asked;
  for (const std::uint32_t node : holders) asked.push_back(id_of<NodeId>(node));
  while (asked.size() > shape_.probed) {
    asked.erase(asked.begin() + static_cast<std::ptrdiff_t>(rule_.below(asked.size())));
  }
  ProbeLoad probe;
  probe.operation.raw = request;
  probe.request = id_of<RequestId>(request);
  probe.recipe = requests_[request].recipe;
  probe.way = requests_[request].way;
  probe.pixels = requests_[request].pixels;
  requests_[request].asking =
      std::make_unique<Asking>(Asking{{probe, asked, help_for(requests_[request].hot)}, {}});
  perform(request, requests_[request].asking->placement.start(now_));
}

RunPlacementOptions RoutingWorld::help_for(bool hot) {
  RunPlacementOptions options;
  if (!hot) return options;
  for (std::size_t i = 0; i < shape_.helpers; ++i) {
    const auto last = static_cast<std::uint32_t>(shape_.nodes - 1 - shape_.replicas);
    options.helpers.push_back(id_of<NodeId>(last - static_cast<std::uint32_t>(i)));
  }
  options.image_bytes = static_cast<std::uint64_t>(shape_.moving / 1us) * 100;
  options.wants_help = [this](Instant now, std::uint64_t least_wait) {
    return hot_images_.on_waits(now, Digest{}, least_wait);
  };
  return options;
}

bool RoutingWorld::has_hot_image(std::uint32_t node) const {
  const auto found = borrowed_.find(node);
  return found != borrowed_.end() && now_ - found->second <= 30s;
}

void RoutingWorld::perform(std::uint32_t request, const RunPlacement::Effects& effects) {
  for (const PlacementEffect& effect : effects) {
    if (const auto* probe = std::get_if<SendProbe>(&effect)) {
      plan(shape_.latency, Kind::probe, number_of(probe->to), request);
    } else if (const auto* release = std::get_if<SendRelease>(&effect)) {
      plan(shape_.latency, Kind::release, number_of(release->to), request);
    } else if (const auto* placed = std::get_if<Placed>(&effect)) {
      const NodeId chosen = placed->candidates.front().node;
      const bool moves = requests_[request].asking->placement.bytes_to_move(chosen) > 0;
      if (moves) borrowed_[number_of(chosen)] = now_;
      plan(2 * shape_.latency + (moves ? shape_.moving : 0s), Kind::start, number_of(chosen),
           request);
    }
  }
}

void RoutingWorld::on_probe(const Event& event) {
  const Request& asked = requests_[event.request];
  const LaneLoad load = lanes_[event.node].on_probe(
      now_, id_of<RequestId>(event.request), {asked.recipe, asked.pixels, false, 0, asked.way});
  LoadAnswer answer;
  answer.operation.raw = event.request;
  answer.has_recipe = true;
  answer.accepts_work = load.accepts_work;
  answer.running = load.running;
  answer.queued = load.queued;
  answer.announced = load.announced;
  answer.workers = load.workers;
  answer.service_micros = load.service_micros;
  answer.wait_micros = load.wait_micros;
  answer.has_image = has_hot_image(event.node);
  requests_[event.request].asking->answers.push_back({event.node, answer});
  plan(shape_.latency, Kind::answer, event.node, event.request);
}

void RoutingWorld::on_answer(const Event& event) {
  Asking& asking = *requests_[event.request].asking;
  const auto answer = std::ranges::find(asking.answers, event.node, &Answer::node);
  perform(event.request, asking.placement.on_answer(now_, id_of<NodeId>(event.node), answer->load));
  if (asking.placement.decided()) requests_[event.request].asking.reset();
}

void RoutingWorld::on_start(const Event& event) {
  if (requests_[event.request].hot && has_hot_image(event.node)) borrowed_[event.node] = now_;
  const Request& asked = requests_[event.request];
  Job job{RunId{event.request},
          id_of<RequestId>(event.request),
          std::string(asked.recipe),
          {},
          asked.pixels,
          now_ + forever};
  job.way = asked.way;
  const StartAnswer answer = lanes_[event.node].on_start(now_, std::move(job));
  invariant(std::holds_alternative<JobStarted>(answer.outcome) ||
                std::holds_alternative<JobQueued>(answer.outcome),
            "an unbounded queue refuses nothing");
  run_jobs(event.node, answer.effects);
}

void RoutingWorld::run_jobs(std::uint32_t node, std::span<const LanesEffect> effects) {
  for (const LanesEffect& effect : effects) {
    const auto* started = std::get_if<StartRun>(&effect);
    invariant(started != nullptr, "nobody gives up");
    const auto request = static_cast<std::uint32_t>(started->run.raw);
    plan(time_on(node, requests_[request].work), Kind::finish, node, request);
  }
}

void RoutingWorld::on_finish(const Event& event) {
  const Request& request = requests_[event.request];
  const RunCost cost{time_on(event.node, request.work), {}, 0};
  run_jobs(event.node, lanes_[event.node].on_finished(now_, RunId{event.request}, cost));
  ++done_;
  const bool warm = event.request >= requests_.size() - shape_.requests;
  if (warm) times_.add(seconds_in(now_ - request.arrived) / seconds_in(shape_.service));
}

void RoutingWorld::on_gossip(std::uint32_t node) {
  const LaneLoad load = lanes_[node].load({only_recipe});
  told_[node] = {id_of<NodeId>(node), load.running,        load.queued,     load.announced,
                 load.workers,        load.service_micros, load.wait_micros};
  plan(shape_.gossip_interval, Kind::gossip, node, 0);
}

std::uint32_t RoutingWorld::best_by_gossip(const std::vector<std::uint32_t>& holders) const {
  std::vector<HolderLoad> loads;
  for (const std::uint32_t node : holders) loads.push_back(told_[node]);
  return number_of(rank_holders(loads).front().node);
}

Duration RoutingWorld::time_on(std::uint32_t node, Duration work) const {
  return node < shape_.slow_nodes ? seconds_of(seconds_in(work) * shape_.slow_factor) : work;
}

double RoutingWorld::drawn_share() {
  return static_cast<double>((holders_.next() >> 11) + 1) * 0x1p-53;
}

Duration RoutingWorld::drawn_gap() {
  const double share = static_cast<double>((arrivals_.next() >> 11) + 1) * 0x1p-53;
  return seconds_of(-std::log(share) / arrivals_a_second_);
}

double RoutingWorld::drawn_factor() {
  const double radius = static_cast<double>((work_.next() >> 11) + 1) * 0x1p-53;
  const double angle = static_cast<double>(work_.next() >> 11) * 0x1p-53;
  const double normal = std::sqrt(-2 * std::log(radius)) * std::cos(2 * std::numbers::pi * angle);
  const double variance = std::log(1 + shape_.service_cv * shape_.service_cv);
  return std::exp(std::sqrt(variance) * normal - variance / 2);
}

void RoutingWorld::draw_work(Request& request) {
  Duration average = shape_.service;
  request.recipe = only_recipe;
  if (!measured_.empty()) {
    const MeasuredWork::Kind& kind = measured_.drawn(work_);
    request.recipe = kind.recipe;
    request.way = kind.way;
    request.pixels = kind.pixels;
    average = kind.time;
  }
  request.work = std::max(seconds_of(seconds_in(average) * drawn_factor()), Duration{1us});
}

}  // namespace pixmesh::studies

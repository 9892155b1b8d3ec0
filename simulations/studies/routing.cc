#include "simulations/studies/routing.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include "simulations/studies/routing_world.h"

namespace pixmesh::studies {
namespace {

constexpr double goal_load = 0.9;

struct Scene {
  std::string name;
  std::size_t slow_nodes = 0;
  double hot_share = 0;
  std::optional<double> goal;  // of the product's p99 at goal_load
};

struct Rule {
  std::string name;
  RoutingRule rule = RoutingRule::probes;
  std::uint32_t probed = 3;
  double age = 1;
};

std::vector<Scene> scenes_of(const RoutingStudyOptions& options) {
  return {{"equal nodes", 0, 0, 4.7},
          {"slow fifth", options.nodes / 5, 0, 5.8},
          {"hot image", 0, options.hot_share, std::nullopt}};
}

std::vector<Rule> rules_of(const RoutingStudyOptions& options) {
  std::vector<Rule> rules{{"probe all", RoutingRule::probes, 3},
                          {"probe two", RoutingRule::probes, 2}};
  for (const double age : options.gossip_ages) {
    rules.push_back({"gossip " + number(age, 1).text + " s", RoutingRule::gossip, 3, age});
  }
  rules.push_back({"random", RoutingRule::any_holder});
  return rules;
}

RoutingShape shape_of(const Scene& scene, const Rule& rule, double load,
                      const RoutingStudyOptions& options) {
  const auto seconds = [](double time) { return Duration(static_cast<std::int64_t>(time * 1e9)); };
  RoutingShape shape;
  shape.seed = options.seed;
  shape.nodes = options.nodes;
  shape.workers = options.workers;
  shape.rule = rule.rule;
  shape.probed = rule.probed;
  shape.gossip_interval = seconds(rule.age);
  shape.load = load;
  shape.service = seconds(options.service_seconds);
  shape.costs = options.known;
  shape.service_cv = options.service_cv;
  shape.latency = seconds(options.latency_ms / 1000);
  shape.slow_nodes = scene.slow_nodes;
  shape.slow_factor = options.slow_factor;
  shape.hot_share = scene.hot_share;
  shape.requests = options.requests;
  return shape;
}

std::vector<Cell> row_of(const Scene& scene, const Rule& rule, double load, Samples& times) {
  const bool own = rule.rule == RoutingRule::probes && rule.probed == 3;
  const bool judged = own && scene.goal && std::abs(load - goal_load) < 1e-9;
  const double p99 = times.quantile(0.99);
  return {word(scene.name),
          number(load, 2),
          word(rule.name),
          number(times.mean(), 2),
          number(times.quantile(0.5), 2),
          number(p99, 2),
          number(times.quantile(0.999), 2),
          judged ? number(*scene.goal, 1) : nothing(),
          judged ? yes_or_no(p99 <= *scene.goal) : nothing()};
}

Table empty_table(const RoutingStudyOptions& options) {
  return {"routing",
          "From the arrival of a request to its end, in average service times; " +
              std::to_string(options.nodes) + " nodes with " + std::to_string(options.workers) +
              " workers,\nthree holders an image, " + std::to_string(options.requests) +
              " requests for each row. Goals: p99 at load 0.9.",
          {{"scene", "scene"},
           {"load", "load"},
           {"rule", "rule"},
           {"mean", "mean"},
           {"p50", "p50"},
           {"p99", "p99"},
           {"p999", "p99.9"},
           {"goal", "goal"},
           {"met", "met"}},
          {}};
}

/// What helpers are worth: nodes that borrow one image from its holders while these are busy.
Table helpers_table(const RoutingStudyOptions& options) {
  constexpr std::size_t requests_max = 50'000;  // without help queues grow without end
  Table table{
      "helpers",
      "One image gets a share of all requests, at load 0.9. With help up to three more "
      "nodes\nborrow it, for 135 ms each time, once all its holders stay busy.",
      {{"share", "share"}, {"rule", "rule"}, {"mean", "mean"}, {"p50", "p50"}, {"p99", "p99"}},
      {}};
  for (const double share : {0.05, 0.10, 0.15}) {
    for (const std::size_t helpers : {0, 3}) {
      const Scene scene{"one image", 0, share, std::nullopt};
      RoutingShape shape = shape_of(scene, {"probe all"}, goal_load, options);
      shape.requests = std::min(options.requests, requests_max);
      shape.helpers = helpers;
      Samples times = RoutingWorld(shape).run();
      table.rows.push_back({number(share, 2), word(helpers == 0 ? "holders alone" : "with help"),
                            number(times.mean(), 2), number(times.quantile(0.5), 2),
                            number(times.quantile(0.99), 2)});
    }
  }
  return table;
}

}  // namespace

RoutingStudyOptions full_routing() {
  RoutingStudyOptions options;
  options.loads = {0.7, 0.75, 0.8, 0.85, 0.9, 0.95};
  options.requests = 1'000'000;
  return options;
}

Report routing_study(const RoutingStudyOptions& options) {
  Report report{"routing", options.seed, {}, {}};
  Table table = empty_table(options);
  for (const Scene& scene : scenes_of(options)) {
    Chart chart{"p99, " + scene.name, "load", "service times", false, {}};
    for (const Rule& rule : rules_of(options)) chart.series.push_back({rule.name, {}});
    for (const double load : options.loads) {
      for (std::size_t i = 0; i < chart.series.size(); ++i) {
        const Rule rule = rules_of(options)[i];
        Samples times = RoutingWorld(shape_of(scene, rule, load, options)).run();
        chart.series[i].points.push_back({load, times.quantile(0.99)});
        table.rows.push_back(row_of(scene, rule, load, times));
      }
    }
    report.charts.push_back(std::move(chart));
  }
  report.tables.push_back(std::move(table));
  report.tables.push_back(helpers_table(options));
  return report;
}

}  // namespace pixmesh::studies

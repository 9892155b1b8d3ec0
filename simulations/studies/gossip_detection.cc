// From the crash of a node until the others know.
#include <algorithm>
#include <cmath>
#include <optional>

#include "simulations/studies/gossip.h"
#include "simulations/studies/samples.h"
#include "simulations/studies/ways.h"

namespace pixmesh::studies {
namespace {

constexpr Duration settling = 3s;
constexpr Duration known_within = 120s;
constexpr std::size_t many_nodes = 1000;    // above it …
constexpr std::size_t crashes_of_many = 5;  // … so many crashes at most
constexpr std::size_t nodes_a_crash = 20;   // of one mesh at most every 20th node crashes

struct Detection {
  std::uint64_t crashes = 0;
  Samples doubted;     // until one observer doubts the member for good: it routes nothing there
  Samples first_dead;  // until the first observer holds it dead
  Samples all_dead;    // until all do
  std::uint64_t unfinished = 0;    // not known to all within `known_within`
  std::uint64_t false_deaths = 0;  // a living member held dead, once for each observer
};

class CrashWatch {
 public:
  CrashWatch(LivenessMesh& mesh, std::size_t victim, Detection& detection)
      : mesh_(mesh), victim_(victim), detection_(detection), doubted_(mesh.size()) {
    for (std::size_t node = 0; node < mesh.size(); ++node) {
      if (!counts(node)) continue;
      const LifeState state = mesh.state(node, victim);
      if (state >= LifeState::suspect) doubted_[node] = mesh.now();
      if (state == LifeState::dead) ++knowing_;
    }
    mesh_.on_change = [this](std::size_t observer, std::size_t about, const MemberChanged& change) {
      see(observer, about, change);
    };
  }

  void run() {
    const Instant crash = mesh_.now();
    mesh_.crash(victim_);
    mesh_.run_until(crash + known_within);
    mesh_.on_change = nullptr;
    if (mesh_.is_exhausted()) return;
    ++detection_.crashes;
    if (knowing_ < mesh_.running_count()) {
      ++detection_.unfinished;
      return;
    }
    detection_.all_dead.add(mesh_.now() - crash);
    detection_.first_dead.add(first_dead_.value_or(crash) - crash);
    for (const std::optional<Instant>& at : doubted_) {
      if (at) detection_.doubted.add(*at - crash);
    }
  }

 private:
  [[nodiscard]] bool counts(std::size_t node) const {
    return node != victim_ && mesh_.running(node);
  }
  void see(std::size_t observer, std::size_t about, const MemberChanged& change) {
    if (about != victim_) {
      if (change.state == LifeState::dead && mesh_.running(about)) ++detection_.false_deaths;
      return;
    }
    if (change.state >= LifeState::suspect && !doubted_[observer]) {
      doubted_[observer] = mesh_.now();
    }
    if (change.state == LifeState::alive) doubted_[observer].reset();
    if (change.state == LifeState::dead) ++knowing_;
    if (change.was == LifeState::dead) --knowing_;
    if (knowing_ > 0 && !first_dead_) first_dead_ = mesh_.now();
    if (knowing_ == mesh_.running_count()) mesh_.stop();
  }

  LivenessMesh& mesh_;
  std::size_t victim_;
  Detection& detection_;
  std::vector<std::optional<Instant>> doubted_;  // by observer
  std::optional<Instant> first_dead_;
  std::size_t knowing_ = 0;
};

// Until so many crashes are seen, or `events` are used up.
Detection detect(const LivenessMeshOptions& shape, std::size_t crashes, std::uint64_t events) {
  Detection detection;
  const std::size_t of_one_mesh = std::max<std::size_t>(1, shape.nodes / nodes_a_crash);
  LivenessMeshOptions next = shape;
  for (std::size_t done = 0; done < crashes && events > 0; ++next.seed) {
    LivenessMesh mesh(next);
    mesh.limit_events(events);
    for (std::size_t i = 0; i < of_one_mesh && done < crashes && !mesh.is_exhausted();
         ++i, ++done) {
      const auto phase = static_cast<std::int64_t>(mesh.chance().below(1'000'000'000));
      mesh.run_for(settling + Duration(phase));
      std::size_t victim = mesh.chance().below(mesh.size());
      while (!mesh.running(victim)) victim = (victim + 1) % mesh.size();
      CrashWatch(mesh, victim, detection).run();
    }
    events -= std::min(events, mesh.event_count());
  }
  return detection;
}

double goal_of(std::size_t nodes) { return 1.2 + 1.5 * std::log10(static_cast<double>(nodes)); }

Table empty_table() {
  return {
      "detection",
      "A node crashes: seconds until one other stops routing to it (p50 and p99 of all others), "
      "until the\nfirst holds it dead, until all do. Goal for the last, p50 at 5 % loss: 1.2 + "
      "1.5 log10 N.",
      {{"constants", "constants"},
       {"links", "links"},
       {"nodes", "nodes"},
       {"loss_percent", "loss %"},
       {"crashes", "crashes"},
       {"doubted_p50", "doubted p50"},
       {"doubted_p99", "p99"},
       {"first_p50", "first p50"},
       {"all_p50", "all p50"},
       {"all_p99", "all p99"},
       {"goal", "goal"},
       {"met", "met"},
       {"unfinished", "unfinished"},
       {"false_deaths", "false deaths"}},
      {}};
}

Chart empty_chart(std::uint32_t loss_percent) {
  return {"Crash known to all, p50, " + std::to_string(loss_percent) + " % loss",
          "nodes",
          "seconds",
          true,
          {}};
}

std::vector<Cell> row_of(const Way& way, std::size_t nodes, std::uint32_t loss_percent,
                         Detection& found) {
  const auto seconds = [](Samples& samples, double share) {
    return samples.empty() ? nothing() : number(samples.quantile(share), 2);
  };
  const double all = found.all_dead.quantile(0.5);
  const bool met = found.unfinished == 0 && all <= goal_of(nodes);
  return {word(way.choice.name),
          word(way.links_name()),
          count(nodes),
          count(loss_percent),
          count(found.crashes),
          seconds(found.doubted, 0.5),
          seconds(found.doubted, 0.99),
          seconds(found.first_dead, 0.5),
          seconds(found.all_dead, 0.5),
          seconds(found.all_dead, 0.99),
          number(goal_of(nodes), 2),
          found.crashes > 0 ? yes_or_no(met) : nothing(),
          count(found.unfinished),
          count(found.false_deaths)};
}

void add_formulas(const std::vector<std::size_t>& sizes, Chart& chart) {
  Series goal{"goal", {}, true};
  Series formula{"2 + 4 log10 N", {}, true};
  for (const std::size_t nodes : sizes) {
    const auto x = static_cast<double>(nodes);
    goal.points.push_back({x, goal_of(nodes)});
    formula.points.push_back({x, 2 + 4 * std::log10(x)});
  }
  chart.series.push_back(std::move(goal));
  chart.series.push_back(std::move(formula));
}

}  // namespace

void study_detection(const GossipOptions& options, Report& report) {
  const auto events = static_cast<std::uint64_t>(options.row_million_events * 1e6);
  Table table = empty_table();
  for (const std::uint32_t loss : options.loss_percents) {
    Chart chart = empty_chart(loss);
    for (const Way& way : compared_ways()) {
      Series series{way.choice.name + ", " + way.links_name(), {}};
      for (const std::size_t nodes : options.nodes) {
        const std::size_t crashes =
            nodes > many_nodes ? std::min(options.crashes, crashes_of_many) : options.crashes;
        Detection found = detect(shape_of(way, nodes, loss, options.seed), crashes, events);
        table.rows.push_back(row_of(way, nodes, loss, found));
        if (found.all_dead.empty()) continue;
        series.points.push_back({static_cast<double>(nodes), found.all_dead.quantile(0.5)});
      }
      chart.series.push_back(std::move(series));
    }
    add_formulas(options.nodes, chart);
    report.charts.push_back(std::move(chart));
  }
  report.tables.push_back(std::move(table));
}

}  // namespace pixmesh::studies

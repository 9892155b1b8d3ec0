#include "simulations/studies/commands.h"

#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "simulations/studies/churn.h"
#include "simulations/studies/gossip.h"
#include "simulations/studies/measured_costs.h"
#include "simulations/studies/placement.h"
#include "simulations/studies/report.h"
#include "simulations/studies/routing.h"
#include "simulations/studies/svg.h"

namespace pixmesh::studies {
namespace {

int show(const Report& report, bool json, const std::string& svg, std::ostream& out) {
  out << (json ? json_of(report).dump() + "\n" : text_of(report)) << std::flush;
  if (svg.empty()) return 0;
  std::ofstream file(svg, std::ios::binary);
  file << svg_of(report.charts);
  file.close();
  if (file) return 0;
  std::cerr << "pixmesh-sim: " << svg << " cannot be written\n";
  return 1;
}

/// A subcommand whose options are fields of `Options`. What is given on the command line replaces
/// the default, or with `--full` what `full` says.
template <typename Options>
class StudyCommand {
 public:
  using Study = Report (*)(const Options&);
  using Full = Options (*)();

  StudyCommand(Command app, const std::string& name, const std::string& summary)
      : command_(app.add_command(name, summary)) {
    command_.add_flag("--json", json_, "Print one JSON object instead of tables");
    command_.add_flag("--full", full_, "The whole table, in the sizes of the goals");
    command_.add_option("--svg", svg_, "Also draw the charts into this file").type_name("FILE");
    add("--seed", &Options::seed, "The same seed gives the same tables");
  }

  template <typename T>
  Flag add(const std::string& name, T Options::*field, const std::string& text) {
    const Flag flag = command_.add_option(name, given_.*field, text).shows_default();
    if constexpr (requires { typename T::value_type; }) flag.values_between(',');
    copies_.push_back([flag, field](const Options& from, Options& to) {
      if (flag.given()) to.*field = from.*field;
    });
    return flag;
  }

  /// What is to be done with the options before the study begins.
  void prepare(Result<Done> (*how)(Options&)) { prepare_ = how; }

  [[nodiscard]] int run(Study study, Full full, std::ostream& out) const {
    Options options = full_ ? full() : Options{};
    for (const auto& copy : copies_) copy(given_, options);
    if (const auto ready = prepare_ ? prepare_(options) : Result<Done>(Done{}); !ready) {
      std::cerr << "pixmesh-sim: " << ready.error().detail << "\n";
      return 2;
    }
    return show(study(options), json_, svg_, out);
  }

 private:
  Command command_;
  bool json_ = false;
  bool full_ = false;
  std::string svg_;
  Result<Done> (*prepare_)(Options&) = nullptr;
  Options given_;
  std::vector<std::function<void(const Options&, Options&)>> copies_;
};

}  // namespace

StudyRun add_churn(Command app) {
  using O = ChurnOptions;
  const auto command = std::make_shared<StudyCommand<O>>(
      app, "churn", "Whole nodes that come and go: failed requests, bytes moved, time to repair");
  command->add("--nodes", &O::nodes, "Sizes").within(4, 200);
  command->add("--between", &O::between_seconds, "Seconds between changes; 0: one by one")
      .within(0.0, 86'400.0);
  command->add("--minutes", &O::minutes, "Simulated minutes for each row").within(0.1, 10'000.0);
  command->add("--images", &O::images, "Images a node, stored before").within(1, 10'000);
  command->add("--image-mb", &O::image_megabytes, "Size of an image").within(0.001, 20.0);
  command->add("--link-mbit", &O::link_megabits, "Speed of a node's link, each way")
      .within(1.0, 1e6);
  command->add("--scale", &O::scale, "Images and links are played so many times smaller")
      .within(1.0, 1e6);
  command->add("--reads", &O::reads, "A second and node").within(0.0, 1000.0);
  command->add("--writes", &O::writes, "A second and node").within(0.0, 1000.0);
  command->add("--down-seconds", &O::down_seconds, "Of a node that restarts").within(0.1, 3600.0);
  command->add("--partition-bits", &O::partition_bits, "2^this partitions").within(6, 14);
  return [command](std::ostream& out) { return command->run(churn_study, full_churn, out); };
}

StudyRun add_gossip(Command app) {
  using O = GossipOptions;
  const auto command = std::make_shared<StudyCommand<O>>(
      app, "gossip", "Detection of crashes, false deaths and cost of the membership protocol");
  command->add("--part", &O::parts, "Only these parts; all but speed unless given")
      .one_of(gossip_parts());
  command->add("--nodes", &O::nodes, "detection: sizes").within(2, 10'000);
  command->add("--loss", &O::loss_percents, "detection: percent of messages lost").within(0, 90);
  command->add("--crashes", &O::crashes, "detection: crashes for each row");
  command->add("--row-events", &O::row_million_events, "detection: millions of events a row")
      .within(0.001, 1e6);
  command->add("--quiet-loss", &O::quiet_loss_percents, "quiet: percent of messages lost")
      .within(0, 90);
  command->add("--quiet-nodes", &O::quiet_nodes, "quiet: nodes").within(2, 10'000);
  command->add("--quiet-hours", &O::quiet_hours, "quiet: simulated hours");
  command->add("--paused-nodes", &O::paused_nodes, "pauses: nodes").within(2, 10'000);
  command->add("--paused-share", &O::paused_share, "pauses: the share that pauses")
      .within(0.0, 1.0);
  command->add("--paused-minutes", &O::paused_minutes, "pauses: simulated minutes");
  command->add("--well-seconds", &O::well_seconds, "pauses: at most so long between two")
      .within(0.02, 3600.0);
  command->add("--paused-loss", &O::paused_loss_percents, "pauses: percent of messages lost")
      .within(0, 90);
  command->add("--split-nodes", &O::split_nodes, "detached, split: nodes").within(4, 1000);
  command->add("--splits", &O::splits, "split: how many");
  command->add("--speed-nodes", &O::speed_nodes, "speed: sizes").within(2, 10'000);
  return [command](std::ostream& out) { return command->run(gossip_study, full_gossip, out); };
}

StudyRun add_placement(Command app) {
  using O = PlacementStudyOptions;
  const auto command = std::make_shared<StudyCommand<O>>(
      app, "placement", "Balance and movement of placements along random histories");
  command->add("--nodes", &O::nodes, "Sizes, on average").within(1, 2000);
  command->add("--zones", &O::zones, "Numbers of zones; 4e: four, evenly filled")
      .checked(zones_fault, "ZONES");
  command->add("--weight-max", &O::weight_max, "Weights are 1 up to this").within(1, 255);
  command->add("--replicas", &O::replicas, "Copies of each partition").within(1, 8);
  command->add("--histories", &O::histories, "Histories for each row");
  command->add("--changes", &O::changes, "Changes of each history");
  command->add("--partition-bits-max", &O::partition_bits_max, "At most 2^this partitions")
      .within(1, 16);
  return
      [command](std::ostream& out) { return command->run(placement_study, full_placement, out); };
}

StudyRun add_routing(Command app) {
  using O = RoutingStudyOptions;
  const auto command = std::make_shared<StudyCommand<O>>(
      app, "routing", "Latency of requests by the way in which their holder is chosen");
  command->add("--loads", &O::loads, "Work that arrives, of all that could be done")
      .within(0.01, 0.99);
  command->add("--gossip-ages", &O::gossip_ages, "Seconds between two words of a node")
      .within(0.001, 60.0);
  command->add("--requests", &O::requests, "Requests for each row").within(100, 10'000'000);
  command->add("--nodes", &O::nodes, "Nodes").within(3, 1000);
  command->add("--workers", &O::workers, "Workers of each node").within(1, 256);
  command->add("--service-seconds", &O::service_seconds, "Average time of one run")
      .within(0.001, 600.0);
  command->add("--service-cv", &O::service_cv, "Its standard deviation over its average")
      .within(0.01, 5.0);
  command->add("--latency-ms", &O::latency_ms, "Of a message, one way").within(0.0, 1000.0);
  command->add("--slow-factor", &O::slow_factor, "How much longer slow nodes need")
      .within(1.0, 100.0);
  command->add("--hot-share", &O::hot_share, "Of the requests, for the hot image").within(0.0, 1.0);
  command->add("--costs", &O::costs, "Draw work as 'pixmesh recipe cost --json' wrote it there")
      .type_name("FILE");
  return [command](std::ostream& out) {
    command->prepare([](O& options) -> Result<Done> {
      if (options.costs.empty()) return Done{};
      std::ifstream file(options.costs, std::ios::binary);
      const std::string text{std::istreambuf_iterator<char>(file), {}};
      if (!file) return Error{ErrorCode::usage, options.costs + " cannot be read"};
      auto costs = parse_costs(text);
      if (!costs) return Error{ErrorCode::usage, options.costs + ": " + costs.error().detail};
      options.known = std::move(costs).value();
      return Done{};
    });
    return command->run(routing_study, full_routing, out);
  };
}

}  // namespace pixmesh::studies

#include "simulations/studies/routing.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "simulations/studies/routing_world.h"

using namespace pixmesh;
using namespace pixmesh::studies;

namespace {

RoutingStudyOptions small_study() {
  RoutingStudyOptions options;
  options.loads = {0.9};
  options.gossip_ages = {1};
  options.requests = 5'000;
  return options;
}

RoutingShape single_queue(double load) {
  RoutingShape shape;
  shape.nodes = shape.replicas = shape.probed = shape.workers = 1;
  shape.rule = RoutingRule::any_holder;
  shape.load = load;
  shape.latency = 0ms;
  shape.requests = 200'000;
  return shape;
}

}  // namespace

TEST_CASE("studies: the same seed gives the same routing report, another one another") {
  RoutingStudyOptions options = small_study();
  const Json first = json_of(routing_study(options));

  CHECK(json_of(routing_study(options)) == first);
  options.seed = 2;
  CHECK(json_of(routing_study(options)) != first);
}

TEST_CASE("studies: one queue waits as long as Pollaczek and Khinchine say") {
  // Mean time in an M/G/1 queue, in service times: 1 + load * (1 + cv^2) / (2 * (1 - load)).
  for (const double load : {0.3, 0.6}) {
    const double expected = 1 + load * (1 + 0.8 * 0.8) / (2 * (1 - load));
    CHECK(RoutingWorld(single_queue(load)).run().mean() == doctest::Approx(expected).epsilon(0.03));
  }
}

TEST_CASE("studies: a message takes its time, and a probed request sends four in a row") {
  RoutingShape shape = single_queue(0.01);
  shape.latency = 50ms;
  shape.requests = 5'000;
  const double straight = RoutingWorld(shape).run().mean();
  shape.rule = RoutingRule::probes;
  const double probed = RoutingWorld(shape).run().mean();
  CHECK(probed - straight == doctest::Approx(0.2).epsilon(0.01));  // 2 * 50 ms of 500 ms
}

TEST_CASE("studies: work is drawn as often as a mesh has seen it, and nodes know what it takes") {
  // As 'pixmesh recipe cost --json' prints it.
  const std::string told =
      R"({"schema":1,"recipe":"thumbnail","way":"jpeg ints<=1024","digest":"00","points":[)"
      R"({"pixels":1000000,"runs":300,"wall_micros":20000,"cpu_micros":19000,"memory_bytes":9},)"
      R"({"pixels":24000000,"runs":100,"wall_micros":500000,"cpu_micros":9,"memory_bytes":9}]})"
      "\n"
      R"({"schema":1,"recipe":"convert","way":"jpeg format=webp","digest":"00","points":[)"
      R"({"pixels":24000000,"runs":100,"wall_micros":4000000,"cpu_micros":9,"memory_bytes":9}]})"
      "\n";
  const auto costs = parse_costs(told);
  REQUIRE(costs.has_value());
  const MeasuredWork work(costs.value());
  CHECK(work.average() == 912ms);  // 0.6 of 20 ms, 0.2 of 500 ms, 0.2 of 4 s
  Rng rng(5);
  int large = 0;
  for (int i = 0; i < 10'000; ++i) large += work.drawn(rng).recipe == "convert" ? 1 : 0;
  CHECK(large > 1'900);
  CHECK(large < 2'100);

  RoutingShape shape;
  shape.costs = costs.value();
  shape.service_cv = 0.2;
  shape.requests = 20'000;
  Samples known = RoutingWorld(shape).run();
  // The same work where all runs look alike to the nodes.
  for (RecipeCost& cost : shape.costs) {
    cost.recipe = "any";
    cost.way.clear();
    for (CostPoint& point : cost.points) point.pixels = 0;
  }
  CHECK(known.quantile(0.99) < RoutingWorld(shape).run().quantile(0.99));
  CHECK_FALSE(parse_costs(""));
  CHECK_FALSE(parse_costs("{}\n"));
  CHECK_FALSE(parse_costs(told + "{\"recipe\":1}"));
  CHECK(parse_costs(told + "nonsense").error().detail.find("line 3") != std::string::npos);
}

TEST_CASE("studies: asking all holders beats asking two, hearsay and chance") {
  const Json rows = json_of(routing_study(small_study()))["routing"];

  REQUIRE(rows.size() == 3 * 4);
  for (std::size_t scene = 0; scene < 3; ++scene) {
    const Json& all = rows[4 * scene];
    CHECK(all["rule"] == "probe all");
    for (std::size_t i = 1; i < 4; ++i) CHECK(rows[4 * scene + i]["p99"] > all["p99"]);
  }
}

TEST_CASE("studies: a slow node gets less of the work, and is learned to be slow") {
  RoutingShape shape;
  shape.requests = 20'000;
  shape.slow_nodes = 6;
  const double probed = RoutingWorld(shape).run().quantile(0.99);
  shape.rule = RoutingRule::any_holder;
  const double by_chance = RoutingWorld(shape).run().quantile(0.99);
  CHECK(probed < 8);
  CHECK(by_chance > 50);
}

TEST_CASE(
    "studies: helpers carry an image that its holders cannot, and change nothing for others") {
  RoutingShape shape;
  shape.hot_share = 0.15;  // the work of eight workers, where the holders have six
  shape.requests = 20'000;
  const double alone = RoutingWorld(shape).run().quantile(0.99);
  shape.helpers = 3;
  const double helped = RoutingWorld(shape).run().quantile(0.99);
  CHECK(helped < 8);
  CHECK(alone > 4 * helped);

  shape.hot_share = 0;
  const double with = RoutingWorld(shape).run().mean();
  shape.helpers = 0;
  CHECK(RoutingWorld(shape).run().mean() == with);
}

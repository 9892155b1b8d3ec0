#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <queue>
#include <span>
#include <vector>

#include "base/rng.h"
#include "base/time.h"
#include "processing/lanes.h"
#include "routing/hot_images.h"
#include "routing/request.h"
#include "simulations/studies/measured_costs.h"
#include "simulations/studies/samples.h"

namespace pixmesh::studies {

enum class RoutingRule : std::uint8_t {
  probes,     // the product's RunPlacement asks holders, and announces what is to come
  gossip,     // the holder that looked best when it last told of itself
  any_holder  // one by chance
};

struct RoutingShape {
  std::uint64_t seed = 1;
  std::size_t nodes = 30;
  std::uint32_t workers = 2;
  std::uint32_t replicas = 3;
  RoutingRule rule = RoutingRule::probes;
  std::uint32_t probed = 3;        // probes: so many of the holders, drawn by chance
  Duration gossip_interval = 1s;   // gossip: each node tells of its load so often
  double load = 0.9;               // of all workers, in work that arrives; below 1
  Duration service = 500ms;        // on average, on a node that is not slow
  double service_cv = 0.8;         // standard deviation over mean, log-normal
  Duration latency = 250us;        // of a message
  std::size_t slow_nodes = 0;      // the first ones …
  double slow_factor = 3;          // … need so much longer
  double hot_share = 0;            // of the requests want one image
  std::size_t helpers = 0;         // nodes that may borrow it …
  Duration moving = 135ms;         // … in this time, once until it was not used for half a minute
  std::vector<RecipeCost> costs;   // work is drawn from them, `service` is their average …
  bool costs_known = true;         // … and nodes that are not slow have learned them before
  std::size_t requests = 100'000;  // counted, after a tenth of that to warm up
};

/// Nodes with the product's Lanes, requests that arrive by Poisson, and one way to choose. Images
/// are many and evenly placed: the holders of a request are drawn by chance, but those of the hot
/// image are the last nodes, and its helpers those before them. Queues are unbounded and nobody
/// gives up, so that latencies are all there is.
///
/// With `costs` requests are of the ways and sizes that a mesh has seen, `service_cv` is how much
/// the runs of one size vary, and holders estimate by the cost model.
///
/// Arrivals, holders and the work of each request come from sources of their own: rules with one
/// seed meet the very same requests. Drawing times uses floating point; no decision does.
class RoutingWorld {
 public:
  explicit RoutingWorld(RoutingShape shape);

  /// From arrival to end, of each counted request, in average service times. Call it once.
  [[nodiscard]] Samples run();

 private:
  enum class Kind : std::uint8_t { arrival, probe, answer, release, start, finish, gossip };
  struct Event {
    Instant at;
    std::uint64_t order = 0;
    Kind kind = Kind::arrival;
    std::uint32_t node = 0;
    std::uint32_t request = 0;
    friend bool operator>(const Event& a, const Event& b) {
      return a.at != b.at ? a.at > b.at : a.order > b.order;
    }
  };
  struct Answer {
    std::uint32_t node = 0;
    LoadAnswer load;
  };
  struct Asking {  // until the request is placed
    RunPlacement placement;
    std::vector<Answer> answers;  // on their way
  };
  struct Request {
    Instant arrived;
    Duration work{};  // on a node that is not slow
    std::string_view recipe;
    std::string_view way;
    std::uint64_t pixels = 0;
    bool hot = false;
    std::unique_ptr<Asking> asking;
  };

  void handle(const Event& event);
  void on_arrival(std::uint32_t request);
  void on_probe(const Event& event);
  void on_answer(const Event& event);
  void on_start(const Event& event);
  void on_finish(const Event& event);
  void on_gossip(std::uint32_t node);
  void ask(std::uint32_t request, const std::vector<std::uint32_t>& holders);
  void perform(std::uint32_t request, const RunPlacement::Effects& effects);
  void run_jobs(std::uint32_t node, std::span<const LanesEffect> effects);
  void plan(Duration delay, Kind kind, std::uint32_t node, std::uint32_t request);
  [[nodiscard]] std::vector<std::uint32_t> drawn_holders(bool& hot);
  [[nodiscard]] RunPlacementOptions help_for(bool hot);
  [[nodiscard]] bool has_hot_image(std::uint32_t node) const;
  [[nodiscard]] std::uint32_t best_by_gossip(const std::vector<std::uint32_t>& holders) const;
  [[nodiscard]] Duration time_on(std::uint32_t node, Duration work) const;
  [[nodiscard]] Duration drawn_gap();
  void draw_work(Request& request);
  [[nodiscard]] double drawn_factor();  // log-normal, 1 on average
  [[nodiscard]] double drawn_share();   // above 0, at most 1

  RoutingShape shape_;
  MeasuredWork measured_;  // of shape_
  Rng arrivals_;
  Rng work_;
  Rng holders_;
  Rng rule_;
  double arrivals_a_second_ = 0;
  Instant now_{};
  std::uint64_t order_ = 0;
  std::size_t done_ = 0;
  std::vector<Lanes> lanes_;
  std::vector<HolderLoad> told_;  // gossip: by node
  HotImages hot_images_;
  std::map<std::uint32_t, Instant> borrowed_;  // by node: when it last ran the hot image
  std::vector<Request> requests_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> queue_;
  Samples times_;
};

}  // namespace pixmesh::studies

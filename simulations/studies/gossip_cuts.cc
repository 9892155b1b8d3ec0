// Links that do not carry: one node half detached, and a mesh split in two that meets again.
#include <algorithm>
#include <functional>
#include <numeric>

#include "simulations/studies/gossip.h"
#include "simulations/studies/samples.h"

namespace pixmesh::studies {
namespace {

constexpr Duration detached_time = 300s;
constexpr Duration split_time = 60s;
constexpr Duration calm_time = 30s;
constexpr Duration healed_within = 120s;

/// `count` of the numbers below `size` but `without`, by chance, as flags.
std::vector<bool> drawn_half(std::size_t size, std::size_t count, std::size_t without,
                             Rng& chance) {
  std::vector<std::size_t> numbers(size);
  std::iota(numbers.begin(), numbers.end(), 0U);
  std::erase(numbers, without);
  std::vector<bool> chosen(size, false);
  for (std::size_t i = 0; i < count && i < numbers.size(); ++i) {
    std::swap(numbers[i], numbers[i + chance.below(numbers.size() - i)]);
    chosen[numbers[i]] = true;
  }
  return chosen;
}

using Cut = std::function<bool(std::size_t, std::size_t)>;

struct Detachment {
  std::string name;
  Cut cut;
};

std::vector<Detachment> detachments(std::size_t node, const std::vector<bool>& far) {
  return {{"hears nobody", [=](std::size_t, std::size_t to) { return to == node; }},
          {"nobody hears it", [=](std::size_t from, std::size_t) { return from == node; }},
          {"cut from half",
           [=](std::size_t from, std::size_t to) {
             return (from == node && far[to]) || (to == node && far[from]);
           }},
          {"unheard by half",
           [=](std::size_t from, std::size_t to) { return from == node && far[to]; }}};
}

std::vector<Cell> detached_row(const LivenessChoice& choice, std::size_t which,
                               const GossipOptions& options) {
  constexpr std::size_t node = 0;
  LivenessMeshOptions shape;
  shape.nodes = options.split_nodes;
  shape.seed = options.seed;
  shape.liveness = choice.options;
  LivenessMesh mesh(shape);
  const auto ways =
      detachments(node, drawn_half(shape.nodes, shape.nodes / 2, node, mesh.chance()));
  mesh.run_for(5s);
  std::uint64_t false_deaths = 0;
  std::uint64_t returns = 0;
  mesh.on_change = [&](std::size_t observer, std::size_t about, const MemberChanged& change) {
    if (observer == node) return;
    if (about != node && change.state == LifeState::dead) ++false_deaths;
    if (about == node && change.was == LifeState::dead) ++returns;
  };
  mesh.cut(ways[which].cut);
  std::uint64_t dead = 0;
  std::uint64_t looked = 0;
  for (Duration time{}; time < detached_time; time += 1s) {
    mesh.run_for(1s);
    for (std::size_t observer = 1; observer < mesh.size(); ++observer, ++looked) {
      if (mesh.state(observer, node) == LifeState::dead) ++dead;
    }
  }
  return {word(choice.name),
          word(ways[which].name),
          count(shape.nodes),
          count(false_deaths),
          number(100 * static_cast<double>(dead) / static_cast<double>(looked), 1),
          number(static_cast<double>(returns) * 60 / (detached_time / 1s) /
                     static_cast<double>(mesh.size() - 1),
                 2)};
}

struct Healing {
  Samples alive;   // until everybody holds everybody alive
  Samples epochs;  // until all epochs are equal
  std::uint64_t unfinished = 0;
};

bool all_alive(const LivenessMesh& mesh) {
  for (std::size_t node = 0; node < mesh.size(); ++node) {
    if (mesh.liveness(node).alive().size() != mesh.size()) return false;
  }
  return true;
}

bool epochs_equal(const LivenessMesh& mesh) {
  for (std::size_t node = 1; node < mesh.size(); ++node) {
    if (mesh.table(node).epoch() != mesh.table(0).epoch()) return false;
  }
  return true;
}

/// Looks every 10 ms.
void heal(LivenessMesh& mesh, Healing& healing) {
  const Instant mended = mesh.now();
  bool alive_seen = false;
  bool epochs_seen = false;
  while (!(alive_seen && epochs_seen) && mesh.now() < mended + healed_within) {
    mesh.run_for(10ms);
    if (!alive_seen && all_alive(mesh)) {
      alive_seen = true;
      healing.alive.add(mesh.now() - mended);
    }
    if (!epochs_seen && epochs_equal(mesh)) {
      epochs_seen = true;
      healing.epochs.add(mesh.now() - mended);
    }
  }
  if (!(alive_seen && epochs_seen)) ++healing.unfinished;
}

Healing heal_splits(const LivenessMeshOptions& shape, std::size_t splits) {
  Healing healing;
  LivenessMesh mesh(shape);
  mesh.run_for(5s);
  for (std::size_t i = 0; i < splits; ++i) {
    const std::vector<bool> far =
        drawn_half(mesh.size(), mesh.size() / 2, mesh.size(), mesh.chance());
    mesh.cut([&far](std::size_t from, std::size_t to) { return far[from] != far[to]; });
    mesh.run_for(split_time / 2);
    const auto near_one = std::ranges::find(far, false) - far.begin();
    const auto far_one = std::ranges::find(far, true) - far.begin();
    mesh.change_record(static_cast<std::size_t>(near_one));
    mesh.change_record(static_cast<std::size_t>(far_one));
    mesh.run_for(split_time / 2);
    mesh.cut(nullptr);
    heal(mesh, healing);
    mesh.run_for(calm_time);
  }
  return healing;
}

}  // namespace

void study_detached(const GossipOptions& options, Report& report) {
  Table table{
      "detached",
      "One node is half detached for 5 minutes: false deaths of others at others; how much of "
      "the time\nthe others hold it dead; how often a minute one of them takes that back.",
      {{"constants", "constants"},
       {"detachment", "detachment"},
       {"nodes", "nodes"},
       {"false_deaths", "false deaths"},
       {"held_dead_percent", "held dead %"},
       {"returns_per_minute", "returns/min"}},
      {}};
  for (const LivenessChoice& choice : {pixmesh_constants(), memberlist_constants()}) {
    for (std::size_t which = 0; which < 4; ++which) {
      table.rows.push_back(detached_row(choice, which, options));
    }
  }
  report.tables.push_back(std::move(table));
}

void study_split(const GossipOptions& options, Report& report) {
  Table table{
      "split",
      "A mesh is split in halves for a minute, a member of each changes its weight: seconds "
      "after the cut\nends until all hold all alive, and until all epochs are equal. Goal for "
      "100 nodes: 3 s.",
      {{"constants", "constants"},
       {"nodes", "nodes"},
       {"splits", "splits"},
       {"alive_p50", "alive p50"},
       {"alive_worst", "worst"},
       {"epochs_p50", "epochs p50"},
       {"epochs_worst", "worst"},
       {"met", "met"},
       {"unfinished", "unfinished"}},
      {}};
  for (const LivenessChoice& choice : {pixmesh_constants(), memberlist_constants()}) {
    LivenessMeshOptions shape;
    shape.nodes = options.split_nodes;
    shape.seed = options.seed;
    shape.with_records = true;
    shape.liveness = choice.options;
    Healing found = heal_splits(shape, options.splits);
    table.rows.push_back({word(choice.name), count(shape.nodes), count(options.splits),
                          number(found.alive.quantile(0.5), 2), number(found.alive.quantile(1), 2),
                          number(found.epochs.quantile(0.5), 2),
                          number(found.epochs.quantile(1), 2),
                          yes_or_no(found.unfinished == 0 && found.epochs.quantile(1) <= 3),
                          count(found.unfinished)});
  }
  report.tables.push_back(std::move(table));
}

}  // namespace pixmesh::studies

// Members that come and go: whom they, and others because of them, wrongly hold dead.
#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "simulations/studies/gossip.h"
#include "simulations/studies/mistakes.h"

namespace pixmesh::studies {
namespace {

using Disturb = void (LivenessMesh::*)(std::size_t, Duration);

struct Illness {
  std::string name;
  Disturb disturb;
};

Duration drawn(Rng& chance, Duration least, Duration most) {
  return least + Duration(static_cast<std::int64_t>(
                     chance.below(static_cast<std::uint64_t>((most - least).count()) + 1)));
}

/// The first `ill_count` members are ill for 1 to 16 s and well for up to `well_time`, by turns.
void run_with_illness(LivenessMesh& mesh, Disturb disturb, std::size_t ill_count,
                      Duration well_time, Duration time) {
  std::vector<std::pair<Instant, std::size_t>> next;
  for (std::size_t node = 0; node < ill_count; ++node) {
    next.emplace_back(mesh.now() + drawn(mesh.chance(), 1s, 16s), node);
  }
  const Instant end = mesh.now() + time;
  while (true) {
    const auto first = std::ranges::min_element(next);
    if (first->first >= end) break;
    mesh.run_until(first->first);
    const Duration ill = drawn(mesh.chance(), 1s, 16s);
    (mesh.*disturb)(first->second, ill);
    first->first += ill + drawn(mesh.chance(), 10ms, well_time);
  }
  mesh.run_until(end);
}

std::array<LivenessChoice, 7> choices() {
  const LivenessChoice own = pixmesh_constants();
  const LivenessChoice other = memberlist_constants();
  return {own,
          without_forgiving(own),
          without_health(own),
          without_forgiving(without_health(own)),
          without_confirmations(without_forgiving(without_health(own))),
          without_forgiving(other),
          without_confirmations(without_forgiving(without_health(other)))};
}

std::vector<Cell> row_of(const Illness& illness, std::uint32_t loss, const LivenessChoice& choice,
                         const GossipOptions& options) {
  const auto share = options.paused_share * static_cast<double>(options.paused_nodes);
  const auto ill_count = std::max<std::size_t>(1, static_cast<std::size_t>(share));
  LivenessMeshOptions shape;
  shape.nodes = options.paused_nodes;
  shape.seed = options.seed;
  shape.loss_permille = loss * 10;
  shape.liveness = choice.options;
  LivenessMesh mesh(shape);
  std::vector<bool> ill(shape.nodes, false);
  std::fill_n(ill.begin(), ill_count, true);
  Mistakes mistakes;
  watch(mesh, ill, mistakes);
  mesh.run_for(5s);
  run_with_illness(mesh, illness.disturb, ill_count, seconds(options.well_seconds),
                   seconds(options.paused_minutes * 60));
  return {word(illness.name),
          count(loss),
          word(choice.name),
          count(shape.nodes),
          count(ill_count),
          number(options.paused_minutes, 1),
          count(mistakes.suspicions),
          count(mistakes.deaths),
          count(mistakes.deaths_at_well),
          count(mistakes.victims.size())};
}

}  // namespace

void study_pauses(const GossipOptions& options, Report& report) {
  Table table{"pauses",
              "Some members are ill again and again, for 1 to 16 s: their processes stop, or only "
              "their links\nstall. False deaths of the others, counted for each observer. Goal: "
              "pixmesh has at least 100 times\nfewer than the same without health.",
              {{"illness", "illness"},
               {"loss_percent", "loss %"},
               {"constants", "constants"},
               {"nodes", "nodes"},
               {"ill", "ill"},
               {"minutes", "minutes"},
               {"suspicions", "suspicions"},
               {"false_deaths", "false deaths"},
               {"at_well", "at well nodes"},
               {"victims", "victims"}},
              {}};
  const std::array<Illness, 2> illnesses{Illness{"stopped", &LivenessMesh::pause},
                                         Illness{"stalled", &LivenessMesh::stall}};
  for (const Illness& illness : illnesses) {
    for (const std::uint32_t loss : options.paused_loss_percents) {
      for (const LivenessChoice& choice : choices()) {
        table.rows.push_back(row_of(illness, loss, choice, options));
      }
    }
  }
  report.tables.push_back(std::move(table));
}

}  // namespace pixmesh::studies

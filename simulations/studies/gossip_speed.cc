// How fast the study itself runs on this machine.
#include <sys/resource.h>

#include <ctime>

#include "simulations/studies/gossip.h"

namespace pixmesh::studies {
namespace {

constexpr Duration warm_up = 3s;
constexpr Duration rest_time = 10s;
constexpr Duration crash_time = 20s;

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

double resident_megabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

std::vector<Cell> row_of(std::size_t nodes, std::uint32_t loss_percent, std::uint64_t seed) {
  LivenessMeshOptions shape;
  shape.nodes = nodes;
  shape.seed = seed;
  shape.loss_permille = loss_percent * 10;
  const double start = cpu_seconds();
  LivenessMesh mesh(shape);
  const double built = cpu_seconds();
  mesh.run_for(warm_up);
  const double warm = cpu_seconds();
  mesh.run_for(rest_time);
  const double rested = cpu_seconds();
  const std::uint64_t events = mesh.event_count();
  mesh.crash(mesh.chance().below(nodes));
  mesh.run_for(crash_time);
  const double crashed = cpu_seconds();
  return {count(nodes),
          count(loss_percent),
          number(built - start, 2),
          number(static_cast<double>(rest_time / 1s) / (rested - warm), 1),
          number(static_cast<double>(crash_time / 1s) / (crashed - rested), 1),
          number(static_cast<double>(mesh.event_count() - events) / (crashed - rested), 0),
          number(resident_megabytes(), 0)};
}

}  // namespace

void study_speed(const GossipOptions& options, Report& report) {
  Table table{
      "speed",
      "CPU time of the machines on this computer; a real-time factor is simulated over CPU "
      "seconds. Goals:\n20 for 1,000 nodes, 1 for 10,000. The memory is the most of the whole "
      "process so far.",
      {{"nodes", "nodes"},
       {"loss_percent", "loss %"},
       {"build_cpu_seconds", "to build, s"},
       {"rest_factor", "at rest"},
       {"crash_factor", "a crash in 20 s"},
       {"crash_events_per_second", "events/CPU s"},
       {"memory_megabytes", "memory, MB"}},
      {}};
  for (const std::size_t nodes : options.speed_nodes) {
    for (const std::uint32_t loss : {0U, 5U})
      table.rows.push_back(row_of(nodes, loss, options.seed));
  }
  report.tables.push_back(std::move(table));
}

}  // namespace pixmesh::studies

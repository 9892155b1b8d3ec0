// Nobody crashes: who is held dead all the same, and what being there costs.
#include "simulations/studies/gossip.h"
#include "simulations/studies/mistakes.h"
#include "simulations/studies/ways.h"

namespace pixmesh::studies {
namespace {

std::vector<Cell> row_of(const Way& way, std::uint32_t loss_percent, const GossipOptions& options) {
  const std::size_t nodes = options.quiet_nodes;
  LivenessMesh mesh(shape_of(way, nodes, loss_percent, options.seed));
  mesh.run_for(5s);  // the word of each node's start is over
  const Traffic before = mesh.traffic();
  Mistakes mistakes;
  watch(mesh, std::vector<bool>(nodes, false), mistakes);
  mesh.run_for(seconds(options.quiet_hours * 3600));
  const double node_seconds = options.quiet_hours * 3600 * static_cast<double>(nodes);
  const auto per_second = [node_seconds](std::uint64_t after, std::uint64_t earlier) {
    return static_cast<double>(after - earlier) / node_seconds;
  };
  return {word(way.choice.name),
          word(way.links_name()),
          count(nodes),
          count(loss_percent),
          number(node_seconds / 3600, 1),
          count(mistakes.suspicions),
          count(mistakes.deaths),
          number(per_second(mesh.traffic().messages, before.messages), 2),
          number(per_second(mesh.traffic().bytes, before.bytes), 0)};
}

}  // namespace

void study_quiet(const GossipOptions& options, Report& report) {
  Table table{
      "quiet",
      "Nobody crashes: false beliefs, and the cost of a node. Goal at 5 % loss: no death in "
      "10,000 node-hours.",
      {{"constants", "constants"},
       {"links", "links"},
       {"nodes", "nodes"},
       {"loss_percent", "loss %"},
       {"node_hours", "node-hours"},
       {"suspicions", "suspicions"},
       {"false_deaths", "false deaths"},
       {"messages_per_second", "messages/s"},
       {"bytes_per_second", "bytes/s"}},
      {}};
  for (const Way& way : compared_ways()) {
    for (const std::uint32_t loss : options.quiet_loss_percents) {
      table.rows.push_back(row_of(way, loss, options));
    }
  }
  report.tables.push_back(std::move(table));
}

}  // namespace pixmesh::studies

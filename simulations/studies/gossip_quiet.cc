// Nobody crashes: who is held dead all the same, and what being there costs.
#include "simulations/studies/gossip.h"
#include "simulations/studies/mistakes.h"

namespace pixmesh::studies {
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
  struct Way {
    LivenessChoice choice;
    Links links;
  };
  const std::vector<Way> ways{{pixmesh_constants(), Links::datagram},
                              {pixmesh_constants(), Links::stream},
                              {memberlist_constants(), Links::datagram}};
  for (const Way& way : ways) {
    for (const std::uint32_t loss : options.loss_percents) {
      LivenessMeshOptions shape;
      shape.nodes = options.quiet_nodes;
      shape.seed = options.seed;
      shape.loss_permille = loss * 10;
      shape.links = way.links;
      shape.liveness = way.choice.options;
      LivenessMesh mesh(shape);
      mesh.run_for(5s);  // the word of each node's start is over
      const Traffic before = mesh.traffic();
      Mistakes mistakes;
      watch(mesh, std::vector<bool>(shape.nodes, false), mistakes);
      mesh.run_for(seconds(options.quiet_hours * 3600));
      const double node_seconds = options.quiet_hours * 3600 * static_cast<double>(shape.nodes);
      const auto per_second = [node_seconds](std::uint64_t after, std::uint64_t earlier) {
        return static_cast<double>(after - earlier) / node_seconds;
      };
      table.rows.push_back({word(way.choice.name),
                            word(way.links == Links::stream ? "stream" : "datagram"),
                            count(shape.nodes), count(loss), number(node_seconds / 3600, 1),
                            count(mistakes.suspicions), count(mistakes.deaths),
                            number(per_second(mesh.traffic().messages, before.messages), 2),
                            number(per_second(mesh.traffic().bytes, before.bytes), 0)});
    }
  }
  report.tables.push_back(std::move(table));
}

}  // namespace pixmesh::studies

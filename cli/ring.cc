#include "cli/commands.h"
#include "cli/errors.h"
#include "cli/mesh_status.h"
#include "processing/quantity.h"

namespace pixmesh {
namespace {

std::string target_text(const MemberStatus& member) {
  // Two digits are enough for people; --json has the millionths.
  const std::uint64_t hundredths = (member.target_slots_micro + 5'000) / 10'000;
  return print_millionths(static_cast<std::int64_t>(hundredths * 10'000));
}

int show_ring(CommandContext& context) {
  const auto client = context.connect(10s);
  if (!client) return context.fail(client.error());
  const Result<std::vector<NodeReport>> reports = client.value()->status();
  if (!reports) return context.fail(reports.error());
  TextTable table({{"NODE"},
                   {"ADDRESS"},
                   {"ZONE"},
                   {"STATE"},
                   {"WEIGHT", Align::right},
                   {"TARGET", Align::right},
                   {"SLOTS", Align::right},
                   {"RATIO", Align::right}});
  Json nodes = Json::array();
  std::uint64_t slots = 0;
  for (const RingShare& share : ring_shares(reports.value())) {
    const MemberStatus& member = share.member;
    table.add({short_text(member.node), member.control, member.zone, member.state,
               std::to_string(member.weight), target_text(member), std::to_string(member.slots),
               share.ratio});
    nodes.push_back(Json{{"node", to_text(member.node)},
                         {"address", member.control},
                         {"zone", member.zone},
                         {"state", member.state},
                         {"weight", member.weight},
                         {"target_slots_micro", member.target_slots_micro},
                         {"slots", member.slots}});
    slots += member.slots;
  }
  const MeshAnswer& mesh = client.value()->mesh();
  const std::uint64_t partitions = 1ULL << mesh.partition_bits;
  context.output().print(table);
  context.output().print(std::to_string(partitions) + " partitions, " +
                         std::to_string(mesh.replicas) + " replicas wanted, " +
                         std::to_string(slots) + " slots placed\n");
  context.output().object(Json{{"mesh", to_text(mesh.mesh)},
                               {"partitions", partitions},
                               {"replicas", mesh.replicas},
                               {"slots", slots},
                               {"nodes", nodes}});
  return exit_ok;
}

}  // namespace

void add_ring(CommandLine& line) {
  const Command family = line.family(mesh_group, "ring", "How images are spread over the nodes");
  line.add_below(family, "show", "Weight, target and placed slots of each node", show_ring);
  add_ring_plan(line, family);
  add_ring_apply(line, family);
}

}  // namespace pixmesh

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

struct CopiesFlags {
  std::uint32_t replicas = 0;
  std::uint32_t write_quorum = 0;
};

int set_copies(CommandContext& context, const CopiesFlags& flags) {
  if (flags.replicas == 0 && flags.write_quorum == 0) {
    return context.fail({ErrorCode::usage, "say --replicas, --write-quorum, or both"});
  }
  const auto client = context.connect(10s);
  if (!client) return context.fail(client.error());
  CommandRequest command;
  command.command = NodeCommand::set_copies;
  command.target = client.value()->mesh().node;
  command.replicas = flags.replicas;
  command.write_quorum = flags.write_quorum;
  return context.order(*client.value(), command);
}

void add_set_copies(CommandLine& line, const Command& family) {
  const auto flags = std::make_shared<CopiesFlags>();
  const Command app =
      line.add_below(family, "set", "Change how many copies the mesh keeps",
                     [flags](CommandContext& context) { return set_copies(context, *flags); });
  app.add_option("--replicas", flags->replicas, "Copies of each image, 1 to 8").type_name("N");
  app.add_option("--write-quorum", flags->write_quorum,
                 "Durable copies before a put is acknowledged: more than half of the replicas. "
                 "Without it, as before, if that fits")
      .type_name("N");
}

}  // namespace

void add_ring(CommandLine& line) {
  const Command family = line.family(mesh_group, "ring", "How images are spread over the nodes");
  line.add_below(family, "show", "Weight, target and placed slots of each node", show_ring);
  add_set_copies(line, family);
  add_ring_plan(line, family);
  add_ring_apply(line, family);
}

}  // namespace pixmesh

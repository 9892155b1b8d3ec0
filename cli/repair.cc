#include "cli/commands.h"
#include "cli/errors.h"
#include "cli/mesh_status.h"
#include "cli/names.h"
#include "processing/quantity.h"
#include "replication/repair_pace.h"

namespace pixmesh {
namespace {

struct RepairFlags {
  std::vector<std::string> nodes;
  std::string span = "1h";
  std::string rate;
};

Result<std::vector<NodeId>> chosen_nodes(const std::vector<std::string>& texts,
                                         const MeshAnswer& mesh) {
  std::vector<NodeId> members;
  for (const HolderAddress& member : mesh.members) members.push_back(member.node);
  std::vector<NodeId> chosen;
  for (const std::string& text : texts) {
    const Result<NodeId> node = node_of_prefix(text, members);
    if (!node) return node.error();
    chosen.push_back(node.value());
  }
  return chosen;
}

/// @param what  "copy nothing from others for 1h", of the nodes that were told.
int tell(CommandContext& context, const RepairFlags& flags, const CommandRequest& command,
         const std::string& what) {
  const auto client = context.connect(10s);
  if (!client) return context.fail(client.error());
  const auto only = chosen_nodes(flags.nodes, client.value()->mesh());
  if (!only) return context.fail(only.error());
  const auto told = client.value()->tell(command, only.value());
  if (!told) return context.fail(told.error());
  int code = exit_ok;
  std::uint64_t done = 0;
  Json nodes = Json::array();
  for (const NodeReport& report : told.value()) {
    Json node{{"node", to_text(report.node)}, {"address", report.control}};
    node["done"] = report.problem.empty();
    if (!report.problem.empty()) node["problem"] = report.problem;
    nodes.push_back(std::move(node));
    if (report.problem.empty()) {
      ++done;
    } else {
      code = exit_code_of(ErrorCode::unreachable);
      context.output().say("node " + short_text(report.node) + " (" + report.control +
                           ") was not told: " + report.problem);
    }
  }
  context.output().print(std::to_string(done) + (done == 1 ? " node: " : " nodes: ") + what + "\n");
  context.output().object(Json{{"nodes", nodes}});
  return code;
}

int pause(CommandContext& context, const RepairFlags& flags) {
  const Result<Duration> span = parse_duration(flags.span);
  if (!span) return context.fail(span.error());
  if (span.value() < Duration(1s) || span.value() > RepairPace::pause_max) {
    return context.fail({ErrorCode::usage, "--for: a pause lasts 1s to " +
                                               print_duration(RepairPace::pause_max) +
                                               "; it may be said again"});
  }
  CommandRequest command;
  command.command = NodeCommand::pause_repair;
  command.amount = static_cast<std::uint64_t>((span.value() + 999ms) / 1s);
  return tell(context, flags, command,
              "nothing is copied from others for " +
                  print_duration(std::chrono::seconds(command.amount)) +
                  "; 'pixmesh repair resume' ends that");
}

int resume(CommandContext& context, const RepairFlags& flags) {
  CommandRequest command;
  command.command = NodeCommand::resume_repair;
  return tell(context, flags, command, "what lacks copies is copied again");
}

int throttle(CommandContext& context, const RepairFlags& flags) {
  CommandRequest command;
  command.command = NodeCommand::throttle_repair;
  if (flags.rate != "off") {
    const Result<std::uint64_t> rate = parse_size(flags.rate);
    if (!rate || rate.value() < RepairPace::rate_min || rate.value() > RepairPace::rate_max) {
      return context.fail({ErrorCode::usage, "'" + flags.rate +
                                                 "' is no rate: say bytes a second, " +
                                                 print_size(RepairPace::rate_min) + " to " +
                                                 print_size(RepairPace::rate_max) + ", or 'off'"});
    }
    command.amount = rate.value();
  }
  return tell(context, flags, command,
              command.amount == 0
                  ? std::string("copies are made without a bound")
                  : "copies are made at " + print_size(command.amount) + " a second at most");
}

Command add_order(CommandLine& line, const Command& family, const std::string& name,
                  const std::string& summary, int (*body)(CommandContext&, const RepairFlags&),
                  const std::shared_ptr<RepairFlags>& flags) {
  return line.add_below(family, name, summary,
                        [body, flags](CommandContext& context) { return body(context, *flags); });
}

void add_nodes(const Command& app, const std::shared_ptr<RepairFlags>& flags) {
  app.add_option("NODE", flags->nodes, "Only these nodes, by id; all that live if none is named");
}

}  // namespace

void add_repair(CommandLine& line) {
  const Command family =
      line.family(mesh_group, "repair",
                  "Steer how nodes copy what they lack; 'pixmesh status' shows how it goes");
  const auto flags = std::make_shared<RepairFlags>();
  const Command pausing =
      add_order(line, family, "pause", "Copy nothing for a while; clients are served as before",
                pause, flags);
  pausing.add_option("--for", flags->span, "How long, at most 24h; it ends by itself")
      .type_name("TIME")
      .shows_default();
  add_nodes(pausing, flags);
  add_nodes(add_order(line, family, "resume", "End a pause", resume, flags), flags);
  const Command throttling = add_order(
      line, family, "throttle", "Bound the bytes a second that each node copies", throttle, flags);
  throttling.add_option("RATE", flags->rate, "Bytes a second, as 20MB, or 'off'").required();
  add_nodes(throttling, flags);
}

}  // namespace pixmesh

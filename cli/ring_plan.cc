#include <algorithm>

#include "cli/commands.h"
#include "cli/errors.h"
#include "cli/mesh_status.h"
#include "cli/names.h"
#include "processing/quantity.h"

namespace pixmesh {
namespace {

struct PlanFlags {
  std::string node;
  std::uint32_t weight = 0;
  std::string capacity;
  std::string zone;
  std::string rate = "50MB";
};

struct Figures {
  std::uint64_t moved_bytes = 0;
  std::uint64_t most_bytes = 0;  // that one node is to fetch
  std::uint64_t rate = 0;        // bytes a second into each node
  [[nodiscard]] Duration eta() const {
    return std::chrono::milliseconds(most_bytes / rate * 1'000 + most_bytes % rate * 1'000 / rate);
  }
};

Figures figures_of(const RingForecast& forecast, std::uint64_t rate) {
  Figures figures;
  figures.rate = rate;
  for (const PlannedShare& share : forecast.shares) {
    figures.moved_bytes += share.bytes_gained;
    figures.most_bytes = std::max(figures.most_bytes, share.bytes_gained);
  }
  return figures;
}

/// The address of a member; empty: it is not there yet.
std::string address_of(const MeshAnswer& mesh, NodeId node) {
  const auto member = std::ranges::find(mesh.members, node, &HolderAddress::node);
  return member == mesh.members.end() ? "" : member->control;
}

TextTable table_of(const RingForecast& forecast, const MeshAnswer& mesh) {
  TextTable table({{"NODE"},
                   {"ADDRESS"},
                   {"SLOTS NOW", Align::right},
                   {"THEN", Align::right},
                   {"BYTES NOW", Align::right},
                   {"THEN", Align::right},
                   {"TO FETCH", Align::right}});
  for (const PlannedShare& share : forecast.shares) {
    const std::string address = address_of(mesh, share.node);
    table.add({address.empty() ? "new" : short_text(share.node), address.empty() ? "-" : address,
               std::to_string(share.slots_before), std::to_string(share.slots_after),
               size_at_a_glance(share.bytes_before), size_at_a_glance(share.bytes_after),
               size_at_a_glance(share.bytes_gained)});
  }
  return table;
}

Json json_of(const RingForecast& forecast, const Figures& figures, const MeshAnswer& mesh) {
  Json object{{"plan", to_text(forecast.plan)},
              {"moved_bytes", figures.moved_bytes},
              {"moved_slots", forecast.moved_slots},
              {"replicas_before", forecast.replicas_before},
              {"replicas_after", forecast.replicas_after},
              {"live_copies_before", forecast.live_copies_before},
              {"live_copies_after", forecast.live_copies_after},
              {"rate", figures.rate},
              {"eta_seconds", (figures.eta() + 999ms) / 1s},
              {"unsettled", forecast.unsettled},
              {"silent", forecast.silent}};
  object["nodes"] = Json::array();
  for (const PlannedShare& share : forecast.shares) {
    object["nodes"].push_back(Json{{"node", to_text(share.node)},
                                   {"address", address_of(mesh, share.node)},
                                   {"slots_before", share.slots_before},
                                   {"slots_after", share.slots_after},
                                   {"bytes_before", share.bytes_before},
                                   {"bytes_after", share.bytes_after},
                                   {"bytes_gained", share.bytes_gained}});
  }
  return object;
}

std::string copies_text(std::uint32_t count) {
  return std::to_string(count) + (count == 1 ? " living copy" : " living copies");
}

std::string summary_of(const RingForecast& forecast, const Figures& figures) {
  std::string text = size_at_a_glance(figures.moved_bytes) + " to move (" +
                     std::to_string(forecast.moved_slots) + " slots), about " +
                     span_at_a_glance(figures.eta()) + " at " + size_at_a_glance(figures.rate) +
                     "/s into each node\n";
  text += "no partition has fewer than " + copies_text(forecast.live_copies_before) +
          " while it moves, nor than " + copies_text(forecast.live_copies_after) + " then\n";
  if (forecast.replicas_after < forecast.replicas_before) {
    text += "only " + std::to_string(forecast.replicas_after) +
            " copies of each image instead of " + std::to_string(forecast.replicas_before) +
            " will be kept\n";
  }
  return text;
}

int report(CommandContext& context, const RingChange& change, const RingForecast& forecast,
           std::uint64_t rate, const MeshAnswer& mesh) {
  const Figures figures = figures_of(forecast, rate);
  Output& output = context.output();
  output.print(table_of(forecast, mesh));
  output.print(summary_of(forecast, figures));
  if (change.node == NodeId{}) {
    output.print(
        "Nothing is changed. 'pixmesh node run --join HOST:PORT' starts such a node; --hold has it "
        "wait for 'pixmesh ring plan join NODE' and 'ring apply'.\n");
  } else {
    output.print(
        "Nothing is changed yet. As long as members and settings stay as they are:\n"
        "  pixmesh ring apply " +
        to_text(forecast.plan) + "\n");
  }
  if (forecast.unsettled > 0) {
    output.say(std::to_string(forecast.unsettled) +
               " partitions are still in motion; what that moves is not counted");
  }
  for (const std::string& silent : forecast.silent) {
    output.say("no answer from " + silent + ": images that it would tell of are not counted");
  }
  output.object(json_of(forecast, figures, mesh));
  return exit_ok;
}

/// A change that can be told without a mesh: of a node that is not there yet.
Result<RingChange> newcomer_of(const PlanFlags& flags) {
  if (flags.capacity.empty()) {
    return Error{ErrorCode::usage,
                 "say how large the new node is, as in 'pixmesh ring plan join --capacity 8TB', or "
                 "name one that waits to join"};
  }
  const Result<std::uint64_t> capacity = parse_size(flags.capacity);
  if (!capacity) return capacity.error();
  RingChange change;
  change.kind = RingChangeKind::join;
  change.capacity_bytes = capacity.value();
  change.zone = flags.zone;
  return change;
}

Result<RingChange> change_of(RingChangeKind kind, const PlanFlags& flags, const MeshAnswer& mesh) {
  RingChange change;
  change.kind = kind;
  change.weight = flags.weight;
  std::vector<NodeId> nodes;
  for (const HolderAddress& member : mesh.members) nodes.push_back(member.node);
  const Result<NodeId> node = node_of_prefix(flags.node, nodes);
  if (!node) return node.error();
  change.node = node.value();
  return change;
}

int plan(CommandContext& context, RingChangeKind kind, const PlanFlags& flags) {
  const Result<std::uint64_t> rate = parse_size(flags.rate);
  if (!rate) return context.fail(rate.error());
  if (rate.value() == 0) return context.fail({ErrorCode::usage, "--rate: say more than 0"});
  const bool is_new = flags.node.empty();
  if (const auto newcomer = newcomer_of(flags); is_new && !newcomer) {
    return context.fail(newcomer.error());
  }
  const auto client = context.connect();
  if (!client) return context.fail(client.error());
  const MeshAnswer& mesh = client.value()->mesh();
  const Result<RingChange> change = is_new ? newcomer_of(flags) : change_of(kind, flags, mesh);
  if (!change) return context.fail(change.error());
  const Result<RingForecast> forecast = client.value()->plan_ring(change.value());
  if (!forecast) return context.fail(forecast.error());
  return report(context, change.value(), forecast.value(), rate.value(), mesh);
}

Command add_plan(CommandLine& line, Command family, const std::string& name,
                 const std::string& summary, RingChangeKind kind,
                 const std::shared_ptr<PlanFlags>& flags) {
  const Command app = line.add_below(family, name, summary, [kind, flags](CommandContext& context) {
    return plan(context, kind, *flags);
  });
  app.add_option("--rate", flags->rate, "Bytes a second into each node, for the time it takes")
      .type_name("SIZE")
      .shows_default();
  return app;
}

struct ApplyFlags {
  std::string plan;
  bool accept_fewer_copies = false;
};

int apply(CommandContext& context, const ApplyFlags& flags) {
  PlanId plan;
  if (!parse_id(flags.plan, plan)) {
    return context.fail(
        {ErrorCode::usage, "'" + flags.plan +
                               "' is no digest of a plan: 32 hexadecimal digits, as "
                               "'pixmesh ring plan' prints them"});
  }
  const auto client = context.connect();
  if (!client) return context.fail(client.error());
  const Result<std::string> done = client.value()->apply_plan(plan, flags.accept_fewer_copies);
  if (!done) return context.fail(done.error());
  context.output().print(printable(done.value(), true) +
                         "; 'pixmesh status --wait' waits until everything has moved\n");
  context.output().object(Json{{"done", true}, {"plan", flags.plan}, {"detail", done.value()}});
  return exit_ok;
}

}  // namespace

void add_ring_plan(CommandLine& line, const Command& ring) {
  const Command family =
      line.family_below(ring, "plan", "What a change of the nodes would move, without doing it");
  const auto join = std::make_shared<PlanFlags>();
  const Command joining =
      add_plan(line, family, "join", "A node joins", RingChangeKind::join, join);
  const Flag node = joining.add_option("NODE", join->node,
                                       "One that waits to join; else one that is not there yet");
  joining.add_option("--capacity", join->capacity, "How much the new node holds")
      .type_name("SIZE")
      .excludes(node);
  joining.add_option("--zone", join->zone, "Where the new node stands").excludes(node);

  const auto leave = std::make_shared<PlanFlags>();
  add_plan(line, family, "leave", "A node hands over its copies and goes", RingChangeKind::leave,
           leave)
      .add_option("NODE", leave->node, "The node's id, or as much of it as is needed")
      .required();

  const auto weigh = std::make_shared<PlanFlags>();
  const Command weighing =
      add_plan(line, family, "weight", "A node gets another share of the images",
               RingChangeKind::weigh, weigh);
  weighing.add_option("NODE", weigh->node, "The node's id, or as much of it as is needed")
      .required();
  weighing
      .add_option("WEIGHT", weigh->weight, "The new weight; 'pixmesh ring show' has the present")
      .within(1, weight_max)
      .required();
}

void add_ring_apply(CommandLine& line, const Command& ring) {
  const auto flags = std::make_shared<ApplyFlags>();
  const Command app =
      line.add_below(ring, "apply", "Carry out a plan, if the mesh is still what it was made for",
                     [flags](CommandContext& context) { return apply(context, *flags); });
  app.add_option("DIGEST", flags->plan, "The plan, as 'pixmesh ring plan' names it").required();
  app.add_flag("--accept-fewer-copies", flags->accept_fewer_copies,
               "Leave even if the others cannot keep every copy");
}

}  // namespace pixmesh

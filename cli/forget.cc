#include <algorithm>

#include "cli/commands.h"
#include "cli/errors.h"
#include "cli/mesh_status.h"
#include "cli/names.h"
#include "cli/repair_status.h"
#include "processing/quantity.h"

namespace pixmesh {
namespace {

constexpr Duration patience = 2min;  // when --timeout says nothing

struct ForgetFlags {
  std::string id;
  bool force = false;
  bool no_wait = false;
};

/// Looks again and again whether the members have decided.
class VoteWait {
 public:
  VoteWait(CommandContext& context, Client& client, NodeId node, Duration limit)
      : context_(context), client_(client), node_(node), limit_(limit), started_(now()) {}

  /// Errors: timed_out with what the vote waits for; failed: the node is back.
  Result<Done> run() {
    ProgressLine progress(context_.output(), "waiting for the vote");
    while (true) {
      const Result<std::vector<NodeReport>> reports = client_.status();
      if (context_.interrupted()) return Error{ErrorCode::failed, "interrupted"};
      if (reports) {
        if (has_gone(reports.value(), node_)) return Done{};
        if (is_back(reports.value())) return back();
        waits_for_ = obstacle_in(reports.value());
      } else {
        waits_for_ = reports.error().detail;
      }
      progress.show_text(waits_for_);
      const Duration left = limit_ - (now() - started_);
      if (left <= Duration{}) return late();
      if (!context_.sleep_for(std::min<Duration>(300ms, left))) {
        return Error{ErrorCode::failed, "interrupted"};
      }
    }
  }

 private:
  static Duration now() { return std::chrono::steady_clock::now().time_since_epoch(); }

  // The node that was told has given the wish up, because it hears from the lost one.
  [[nodiscard]] bool is_back(const std::vector<NodeReport>& reports) const {
    const NodeId contact = client_.mesh().node;
    const auto told = std::ranges::find(reports, contact, &NodeReport::node);
    if (told == reports.end() || !told->status) return false;
    const auto& members = told->status->members;
    const auto lost = std::ranges::find(members, node_, &MemberStatus::node);
    const bool is_wanted = std::ranges::find(told->status->votes, node_, &VoteStatus::node) !=
                           told->status->votes.end();
    return !is_wanted && lost != members.end() && lost->life == "alive";
  }
  [[nodiscard]] Error back() const {
    return {ErrorCode::failed, "node " + to_text(node_) + " is back, so it is not forgotten"};
  }
  [[nodiscard]] std::string obstacle_in(const std::vector<NodeReport>& reports) const {
    const std::vector<VotedMember> voted = voted_members(reports);
    const auto vote = std::ranges::find(voted, node_, &VotedMember::node);
    if (vote == voted.end() || vote->waits_for.empty()) return "the members vote";
    return "waits for " + vote->waits_for;
  }
  [[nodiscard]] Error late() const {
    return {
        ErrorCode::timed_out,
        "no decision on node " + to_text(node_) + " yet (" + waits_for_ +
            "). The wish stands, restarts of the node that was asked included: 'pixmesh status' "
            "shows it, 'pixmesh node forget " +
            to_text(node_) +
            "' waits on. If the node will never return, --force has the asked node alone forget "
            "it, and gives up what only the lost one holds."};
  }

  CommandContext& context_;
  Client& client_;
  NodeId node_;
  Duration limit_;
  Duration started_;
  std::string waits_for_ = "the members vote";
};

Result<NodeId> node_meant(const std::string& id, const MeshAnswer& mesh) {
  std::vector<NodeId> nodes;
  for (const HolderAddress& member : mesh.members) nodes.push_back(member.node);
  return node_of_prefix(id, nodes);
}

/// Says what goes with the node, as far as anybody knows, before it goes. Errors: as of status.
Result<AwaitedMember> tell_price(CommandContext& context, Client& client, NodeId node) {
  const Result<std::vector<NodeReport>> reports = client.status();
  if (!reports) return reports.error();
  const std::vector<AwaitedMember> awaited = awaited_members(reports.value());
  const auto found = std::ranges::find(awaited, node, &AwaitedMember::node);
  AwaitedMember price;
  if (found != awaited.end()) price = *found;
  context.output().print(price.partitions == 0
                             ? "no partition is known to wait for node " + to_text(node) + "\n"
                             : "giving up what only node " + to_text(node) + " may have of " +
                                   std::to_string(price.partitions) + " partitions with " +
                                   std::to_string(price.images) + " known images\n");
  return price;
}

int forget_alone(CommandContext& context, Client& client, const CommandRequest& command) {
  const Result<AwaitedMember> price = tell_price(context, client, command.target);
  if (!price) return context.fail(price.error());
  const Result<std::string> answer = client.command(command);
  if (!answer) return context.fail(answer.error());
  context.output().print(printable(answer.value(), true) + "\n");
  context.output().object(
      Json{{"done", true},
           {"node", to_text(command.target)},
           {"forgotten", true},
           {"detail", answer.value()},
           {"given_up", Json{{"partitions", price->partitions}, {"known_images", price->images}}}});
  return exit_ok;
}

int report(CommandContext& context, NodeId node, bool decided, const std::string& detail) {
  context.output().print(printable(detail, true) + "\n");
  context.output().object(
      Json{{"done", true}, {"node", to_text(node)}, {"forgotten", decided}, {"detail", detail}});
  return exit_ok;
}

int forget(CommandContext& context, const ForgetFlags& flags) {
  const Result<std::optional<Duration>> limit = context.timeout();
  if (!limit) return context.fail(limit.error());
  const auto client = context.connect();
  if (!client) return context.fail(client.error());
  const Result<NodeId> node = node_meant(flags.id, client.value()->mesh());
  if (!node) return context.fail(node.error());
  CommandRequest command;
  command.command = NodeCommand::forget;
  command.target = node.value();
  command.force = flags.force;
  if (flags.force) return forget_alone(context, *client.value(), command);
  const Result<std::string> answer = client.value()->command(command);
  if (!answer) return context.fail(answer.error());
  if (flags.no_wait) return report(context, node.value(), false, answer.value());
  const Duration most = limit.value().value_or(patience);
  const Result<Done> decided = VoteWait(context, *client.value(), node.value(), most).run();
  if (!decided) return context.fail(decided.error());
  return report(context, node.value(), true,
                "node " + to_text(node.value()) +
                    " is forgotten; its partitions get new holders ('pixmesh status --wait')");
}

}  // namespace

void add_node_forget(CommandLine& line, const Command& family) {
  const auto flags = std::make_shared<ForgetFlags>();
  const Command app = line.add_below(
      family, "forget", "Give up a node that will never return, and wait until the members agree",
      [flags](CommandContext& context) { return forget(context, *flags); });
  app.add_option("ID", flags->id, "The node's id, or as much of it as is needed").required();
  const Flag force = app.add_flag(
      "--force", flags->force, "Even without a majority of the members; says what that gives up");
  app.add_flag("--no-wait", flags->no_wait,
               "Only ask for the vote; without it exit 8 if --timeout, or 2m, is over before")
      .excludes(force);
}

}  // namespace pixmesh

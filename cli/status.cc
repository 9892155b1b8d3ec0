#include <algorithm>
#include <map>

#include "cli/commands.h"
#include "cli/errors.h"
#include "cli/mesh_status.h"
#include "cli/repair_status.h"

namespace pixmesh {
namespace {

using Reports = std::vector<NodeReport>;

std::string totals_of(const MeshSums& sums) {
  const std::string unrest = unrest_of(sums);
  std::string text = std::to_string(sums.nodes) + (sums.nodes == 1 ? " node, " : " nodes, ") +
                     std::to_string(sums.copies) + " copies of images, " +
                     size_at_a_glance(sums.bytes) + "; " + std::to_string(sums.under_replicated) +
                     " images under-replicated, " + std::to_string(sums.unsettled) +
                     " partitions unsettled, " + std::to_string(sums.hints) + " hints, " +
                     size_at_a_glance(sums.moved_bytes) + " moved";
  if (sums.ideal_slots > 0) {
    text += " (" + std::to_string(sums.planned_slots) + " slots; the least possible " +
            std::to_string(sums.ideal_slots) + " slots, " +
            size_at_a_glance(bytes_of_slots(sums, sums.ideal_slots)) + ")";
  }
  if (sums.silent > 0) text += "; " + std::to_string(sums.silent) + " silent";
  return text + (unrest.empty() ? "; calm" : "") + "\n";
}

/// One line for each disk that is not well, with what to do.
std::string disk_troubles_of(const NodeReport& node) {
  std::string text;
  for (const DiskStatus& disk : node.status->disks) {
    const std::string who = "disk " + disk.folder + " of node " + short_text(node.node);
    if (disk.state == "failed") {
      text += who +
              " has failed: nothing on it is used. Look at the device; 'pixmesh node disk replace' "
              "or 'remove' goes on with a new one or without it, a new start tries it again.\n";
    } else if (disk.state == "full") {
      text += who + " is full (" + size_at_a_glance(disk.free_bytes) + " of " +
              size_at_a_glance(disk.total_bytes) +
              " free): the last image it was given found no room.\n";
    }
    if (disk.damaged > 0) {
      text += who + " has " + std::to_string(disk.damaged) +
              (disk.damaged == 1 ? " damaged copy" : " damaged copies") +
              ", never given out; they are fetched again from other holders.\n";
    }
    if (disk.scrub_hurried) {
      text += who + " reads every copy: " + std::to_string(disk.scrub_permille / 10) + "%.\n";
    }
  }
  return text;
}

/// One line for each evicted member that partitions wait for, with what to do.
std::string awaited_text(const Reports& reports) {
  std::string text;
  for (const AwaitedMember& member : awaited_members(reports)) {
    text += "node " + short_text(member.node) + " (" + member.control + ") was evicted, and " +
            std::to_string(member.partitions) + " partitions with " +
            std::to_string(member.images) +
            " known images wait for it: it may have what no other node has. Start it again; if it "
            "will never return, 'pixmesh node forget " +
            to_text(member.node) + " --force' gives that up.\n";
  }
  return text;
}

std::string begun_anew_text(const MeshSums& sums) {
  if (sums.begun_anew == 0) return "";
  return std::to_string(sums.begun_anew) +
         " partitions began anew: nobody was left who knew what was in them. Images that only the "
         "nodes given up had, or disks that were lost, are gone.\n";
}

/// One line for each member that is to be evicted.
std::string votes_text(const Reports& reports) {
  std::string text;
  for (const VotedMember& member : voted_members(reports)) {
    text +=
        "node " + short_text(member.node) + " (" + member.control + ") is to be forgotten" +
        (member.told ? ", as an operator wants: " : ", for it was dead for long: ") +
        (member.waits_for.empty() ? "the members vote" : "the vote waits for " + member.waits_for) +
        ".\n";
  }
  return text;
}

std::string repair_lines(const Reports& reports) {
  std::string text = repair_text(sums_of(reports));
  if (!text.empty()) text = "repair: " + text + "\n";
  std::map<std::string, std::string> nodes_of;  // by what they were ordered
  for (const NodeReport& node : reports) {
    const std::string orders = node.status ? orders_text(node.status->repair) : "";
    if (orders.empty()) continue;
    std::string& nodes = nodes_of[orders];
    nodes += (nodes.empty() ? "" : ", ") + short_text(node.node);
  }
  for (const auto& [orders, nodes] : nodes_of) {
    text += "repair at " + nodes + ": " + orders + "\n";
  }
  return text;
}

/// What kept results were good for, on all nodes together; nothing before the first run.
std::string results_text(const Reports& reports) {
  ResultsStatus sums;
  for (const NodeReport& node : reports) {
    if (!node.status) continue;
    sums.entries += node.status->results.entries;
    sums.bytes += node.status->results.bytes;
    sums.hits += node.status->results.hits;
    sums.misses += node.status->results.misses;
    sums.joined += node.status->results.joined;
  }
  if (sums.entries + sums.misses + sums.hits == 0) return "";
  return "results: " + std::to_string(sums.entries) + " kept (" + size_at_a_glance(sums.bytes) +
         "); of the runs " + std::to_string(sums.misses) + " were made, " +
         std::to_string(sums.joined) + " joined one that went on, " + std::to_string(sums.hits) +
         " were answered with a kept one\n";
}

void report(Output& output, const Reports& reports) {
  output.print(status_table(reports));
  output.print(totals_of(sums_of(reports)));
  output.print(repair_lines(reports));
  output.print(results_text(reports));
  output.print(votes_text(reports));
  output.print(awaited_text(reports));
  output.print(begun_anew_text(sums_of(reports)));
  for (const NodeReport& node : reports) {
    if (node.status) output.print(disk_troubles_of(node));
    output.print(clock_trouble_of(node));
    if (node.status && !node.status->waits_for.empty()) {
      output.print("node " + short_text(node.node) + " waits for: " + node.status->waits_for +
                   "\n");
    }
    if (!node.status && !node.problem.empty() && !has_gone(reports, node.node)) {
      output.say("node " + short_text(node.node) + " (" + node.control + "): " + node.problem);
    }
  }
  output.object(status_json(reports));
}

/// Asks again and again until the mesh is calm. @returns the last answer.
class CalmWait {
 public:
  CalmWait(CommandContext& context, std::optional<Duration> limit)
      : context_(context), limit_(limit), started_(now()) {}

  Result<Reports> run() {
    ProgressLine progress(context_.output(), "waiting");
    while (true) {
      const Result<Reports> reports = ask();
      const std::string unrest =
          reports ? unrest_of(sums_of(reports.value())) : reports.error().detail;
      if (reports && unrest.empty()) return reports;
      if (!reports && reports.error().code == ErrorCode::usage) return reports.error();
      progress.show_text(unrest);
      if (left() <= Duration{}) return late(unrest);
      if (!context_.sleep_for(std::min<Duration>(500ms, left()))) {
        return Error{ErrorCode::failed, "interrupted"};
      }
    }
  }

 private:
  static Duration now() { return std::chrono::steady_clock::now().time_since_epoch(); }
  [[nodiscard]] Duration left() const {
    return limit_ ? *limit_ - (now() - started_) : Duration(1h);
  }
  [[nodiscard]] static Error late(const std::string& unrest) {
    return {ErrorCode::timed_out, "the mesh is not calm yet: " + unrest};
  }

  // Connecting anew each time: the node we asked first may be the one that goes.
  Result<Reports> ask() {
    Result<std::vector<Endpoint>> nodes = context_.nodes();
    if (!nodes) return nodes.error();
    const Duration deadline = std::clamp<Duration>(left(), 100ms, 10s);
    const auto client = context_.connect_to(std::move(nodes).value(), deadline);
    if (!client) return client.error();
    return client.value()->status();
  }

  CommandContext& context_;
  std::optional<Duration> limit_;
  Duration started_;
};

int status(CommandContext& context, bool wait) {
  if (wait) {
    const Result<std::optional<Duration>> limit = context.timeout();
    if (!limit) return context.fail(limit.error());
    const Result<Reports> reports = CalmWait(context, limit.value()).run();
    if (!reports) return context.fail(reports.error());
    report(context.output(), reports.value());
    return exit_ok;
  }
  const auto client = context.connect(10s);
  if (!client) return context.fail(client.error());
  const Result<Reports> reports = client.value()->status();
  if (!reports) return context.fail(reports.error());
  report(context.output(), reports.value());
  return exit_ok;
}

}  // namespace

void add_status(CommandLine& line) {
  const auto wait = std::make_shared<bool>(false);
  const Command app = line.add(mesh_group, "status", "Show the nodes and what they are doing",
                               [wait](CommandContext& context) { return status(context, *wait); });
  app.add_flag("--wait", *wait,
               "Wait until every node answers, nobody is joining or leaving, nothing is "
               "under-replicated or unsettled and no hint waits; with --timeout exit 8 after it");
}

}  // namespace pixmesh

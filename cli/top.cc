#include "cli/commands.h"
#include "cli/errors.h"
#include "cli/top_view.h"
#include "processing/quantity.h"

namespace pixmesh {
namespace {

struct TopFlags {
  bool once = false;
  std::string every = "1s";
};

Instant moment() { return Instant(std::chrono::steady_clock::now().time_since_epoch()); }

/// One screen: over the last one on a terminal, below it elsewhere.
void show(Output& output, const std::vector<TopRow>& rows, bool over) {
  if (over) output.print("\033[H\033[J");
  output.print(top_table(rows));
  Json nodes = Json::array();
  for (const TopRow& row : rows) nodes.push_back(json_of(row));
  output.object(Json{{"nodes", nodes}});
}

int top(CommandContext& context, const TopFlags& flags) {
  const Result<Duration> every = parse_duration(flags.every);
  if (!every) return context.fail({ErrorCode::usage, "--every: " + every.error().detail});
  if (every.value() < 100ms) {
    return context.fail({ErrorCode::usage, "--every: at least 100ms, like --every 1s"});
  }
  const auto client = context.connect(5s);
  if (!client) return context.fail(client.error());
  TopView view;
  Output& output = context.output();
  const bool live = !flags.once && output.options().animation && output.options().colour &&
                    !output.options().json;
  // Rates need two answers, so even `--once` asks twice.
  for (bool first = true;; first = false) {
    const auto reports = client.value()->status();
    if (!reports && context.interrupted()) return exit_ok;
    if (!reports) return context.fail(reports.error());
    const std::vector<TopRow> rows = view.rows(reports.value(), moment());
    if (!first || !flags.once) show(output, rows, live);
    if (output.broken() || (!first && flags.once)) return exit_ok;
    if (!context.sleep_for(every.value())) return exit_ok;  // Ctrl-C is how it ends
  }
}

}  // namespace

void add_top(CommandLine& line) {
  const auto flags = std::make_shared<TopFlags>();
  const Command app =
      line.add(mesh_group, "top", "Show what the nodes are doing, again every second",
               [flags](CommandContext& context) { return top(context, *flags); });
  app.add_flag("--once", flags->once, "Show it once, of one second, and end");
  app.add_option("--every", flags->every, "How often (default: 1s)").type_name("TIME");
}

}  // namespace pixmesh

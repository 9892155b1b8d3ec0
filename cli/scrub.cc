#include <algorithm>

#include "cli/commands.h"
#include "cli/errors.h"
#include "cli/mesh_status.h"

namespace pixmesh {
namespace {

using Reports = std::vector<NodeReport>;

struct ScrubSums {
  std::uint64_t disks = 0;
  std::uint64_t reading = 0;   // disks that are not through yet
  std::uint64_t permille = 0;  // of all disks together
  std::uint64_t found = 0;     // damaged copies, since the nodes started
  std::uint64_t damaged = 0;   // of them and of others, not mended yet
};

ScrubSums sums_of_scrub(const Reports& reports) {
  ScrubSums sums;
  for (const NodeReport& report : reports) {
    if (!report.status) continue;
    for (const DiskStatus& disk : report.status->disks) {
      ++sums.disks;
      sums.reading += disk.scrub_hurried ? 1 : 0;
      sums.permille += disk.scrub_hurried ? disk.scrub_permille : 1'000;
      sums.found += disk.found_damaged;
      sums.damaged += disk.damaged;
    }
  }
  if (sums.disks > 0) sums.permille /= sums.disks;
  return sums;
}

int report_scrub(CommandContext& context, const ScrubSums& before, const ScrubSums& after) {
  const std::uint64_t found = after.found - std::min(before.found, after.found);
  context.output().print(std::to_string(after.disks) +
                         (after.disks == 1 ? " disk read, " : " disks read, ") +
                         std::to_string(found) + " damaged copies found, " +
                         std::to_string(after.damaged) + " not mended yet\n");
  context.output().object(
      Json{{"disks", after.disks}, {"found_damaged", found}, {"not_mended", after.damaged}});
  return found + after.damaged == 0 ? exit_ok : exit_code_of(ErrorCode::corrupt);
}

/// @param limit  none: until all is read
int wait_for_scrub(CommandContext& context, Client& client, const ScrubSums& before,
                   std::optional<Duration> limit) {
  ProgressLine progress(context.output(), "scrubbing");
  const auto began = std::chrono::steady_clock::now();
  for (;;) {
    const auto reports = client.status();
    if (!reports) return context.fail(reports.error());
    const ScrubSums sums = sums_of_scrub(reports.value());
    if (sums.reading == 0) return report_scrub(context, before, sums);
    progress.show_text(std::to_string(sums.permille / 10) + "%, " + std::to_string(sums.reading) +
                       " disks still read");
    if (limit && std::chrono::steady_clock::now() - began >= *limit) {
      return context.fail({ErrorCode::timed_out,
                           std::to_string(sums.reading) +
                               " disks are still read; they go on: 'pixmesh scrub --wait' waits "
                               "further, 'pixmesh status' shows how far"});
    }
    if (!context.sleep_for(300ms)) return context.fail({ErrorCode::failed, "interrupted"});
  }
}

int scrub(CommandContext& context, bool wait) {
  const Result<std::optional<Duration>> limit = context.timeout();
  if (!limit) return context.fail(limit.error());
  const auto client = context.connect();
  if (!client) return context.fail(client.error());
  const auto told = client.value()->scrub();
  if (!told) return context.fail(told.error());
  int code = exit_ok;
  std::uint64_t began = 0;
  for (const NodeReport& report : told.value()) {
    if (report.problem.empty()) {
      ++began;
    } else if (!has_gone(told.value(), report.node)) {
      code = context.output().fail(
          {ErrorCode::fewer_copies, "node " + short_text(report.node) + " (" + report.control +
                                        ") reads nothing: " + report.problem});
    }
  }
  if (wait && began > 0) {
    const int found =
        wait_for_scrub(context, *client.value(), sums_of_scrub(told.value()), limit.value());
    return found == exit_ok ? code : found;
  }
  context.output().print(std::to_string(began) + (began == 1 ? " node reads" : " nodes read") +
                         " every copy; 'pixmesh scrub --wait' or 'pixmesh status' shows how far\n");
  context.output().object(Json{{"nodes", began}});
  return code;
}

}  // namespace

void add_scrub(CommandLine& line) {
  const auto wait = std::make_shared<bool>(false);
  const Command app = line.add(mesh_group, "scrub",
                               "Have every node read all its copies now, and mend damaged ones",
                               [wait](CommandContext& context) { return scrub(context, *wait); });
  app.add_flag("--wait", *wait, "Until all are read; exit 9 if any was damaged");
}

}  // namespace pixmesh

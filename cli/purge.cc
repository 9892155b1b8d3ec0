#include <algorithm>
#include <set>

#include "cli/commands.h"
#include "cli/descriptions.h"
#include "cli/errors.h"
#include "processing/closest.h"

namespace pixmesh {
namespace {

constexpr std::size_t sources_max = 1'000;  // of one question

struct PurgeFlags {
  std::vector<std::string> names;
  std::string prefix;
};

struct PurgeSums {
  std::uint64_t images = 0;
  std::uint64_t dropped = 0;
  std::uint64_t bytes = 0;
  std::map<NodeId, PurgeReport> missed;  // by node: not reached at least once
};

/// The digests of what is to be purged. A name that is not there is told and counts as a failure.
Result<std::vector<Digest>> sources_of(CommandContext& context, Client& client,
                                       const PurgeFlags& flags, int& code) {
  std::set<Digest> found;
  for (const std::string& name : flags.names) {
    const Result<LookupAnswer> image = client.stat(name, false);
    if (image) {
      found.insert(image->record.digest);
      continue;
    }
    if (image.error().code != ErrorCode::not_found) return image.error();
    code = context.fail({ErrorCode::not_found, shown(name) + ": " + image.error().detail});
  }
  if (!flags.prefix.empty()) {
    const Result<bool> complete = client.list(flags.prefix, {}, [&](const ListEntry& entry) {
      found.insert(entry.digest);
      return true;
    });
    if (!complete) return complete.error();
    if (!complete.value()) {
      return Error{ErrorCode::fewer_copies,
                   "nothing was purged: the list under '" + shown(flags.prefix) +
                       "' may lack images, because too few holders of some partitions answer"};
    }
  }
  return std::vector<Digest>(found.begin(), found.end());
}

Result<PurgeSums> purge_all(Client& client, const std::vector<Digest>& sources) {
  PurgeSums sums;
  sums.images = sources.size();
  for (std::size_t at = 0; at < sources.size(); at += sources_max) {
    const std::size_t end = std::min(sources.size(), at + sources_max);
    const auto reports = client.purge({sources.begin() + static_cast<std::ptrdiff_t>(at),
                                       sources.begin() + static_cast<std::ptrdiff_t>(end)});
    if (!reports) return reports.error();
    bool reached = false;
    for (const PurgeReport& report : reports.value()) {
      sums.dropped += report.dropped;
      sums.bytes += report.bytes;
      if (!report.problem.empty()) sums.missed.insert_or_assign(report.node, report);
      reached = reached || report.problem.empty();
    }
    if (!reached) return Error{ErrorCode::unreachable, "no node answers"};
  }
  return sums;
}

int purge(CommandContext& context, const PurgeFlags& flags) {
  if (flags.names.empty() && flags.prefix.empty()) {
    return context.fail(
        {ErrorCode::usage, "name images whose results are to go, or add --prefix P"});
  }
  const auto client = context.connect();
  if (!client) return context.fail(client.error());
  int code = exit_ok;
  const auto sources = sources_of(context, *client.value(), flags, code);
  if (!sources) return context.fail(sources.error());
  const auto sums = purge_all(*client.value(), sources.value());
  if (!sums) return context.fail(sums.error());
  Json missed = Json::array();
  for (const auto& [node, report] : sums->missed) {
    missed.push_back(Json{{"node", to_text(node)}, {"address", report.control}});
    code = context.output().fail(
        {ErrorCode::fewer_copies, "node " + short_text(node) + " (" + report.control +
                                      ") was not reached and may keep results: " + report.problem});
  }
  context.output().print(std::to_string(sums->dropped) +
                         (sums->dropped == 1 ? " result" : " results") + " dropped, " +
                         size_at_a_glance(sums->bytes) + "\n");
  context.output().object(Json{{"images", sums->images},
                               {"dropped", sums->dropped},
                               {"bytes", sums->bytes},
                               {"not_reached", missed}});
  return code;
}

}  // namespace

void add_purge(CommandLine& line) {
  const auto flags = std::make_shared<PurgeFlags>();
  const Command app = line.add(processing_group, "purge",
                               "Forget every result that was made of an image, on all nodes",
                               [flags](CommandContext& context) { return purge(context, *flags); });
  app.add_option("NAME", flags->names, "Images; they stay as they are");
  app.add_option("--prefix", flags->prefix, "All images whose names begin with it");
}

}  // namespace pixmesh

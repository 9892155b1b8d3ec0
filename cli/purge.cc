#include <algorithm>
#include <set>

#include "cli/commands.h"
#include "cli/descriptions.h"
#include "cli/errors.h"
#include "cli/purge_results.h"
#include "processing/closest.h"

namespace pixmesh {
namespace {

struct PurgeFlags {
  std::vector<std::string> names;
  std::string prefix;
};

/// What is to be purged, and the names that are not there any more.
struct Meant {
  PurgeWish wish;
  std::vector<std::string> gone;
};

Result<Meant> meant_by(Client& client, const PurgeFlags& flags) {
  Meant meant;
  std::set<Digest> sources;
  for (const std::string& name : flags.names) {
    const Result<LookupAnswer> image = client.stat(name, false);
    if (image) {
      sources.insert(image->record.digest);
      meant.wish.names.push_back(name);
    } else if (image.error().code == ErrorCode::not_found) {
      meant.gone.push_back(name);
    } else {
      return image.error();
    }
  }
  if (!flags.prefix.empty()) {
    const Result<bool> complete = client.list(flags.prefix, {}, [&](const ListEntry& entry) {
      sources.insert(entry.digest);
      return true;
    });
    if (!complete) return complete.error();
    if (!complete.value()) {
      return Error{ErrorCode::fewer_copies,
                   "nothing was purged: the list under '" + shown(flags.prefix) +
                       "' may lack images, because too few holders of some partitions answer"};
    }
    meant.wish.prefixes.push_back(flags.prefix);
  }
  meant.wish.sources.assign(sources.begin(), sources.end());
  return meant;
}

/// A name without an image and without results counts as a failure.
Result<PurgeSums> purge_all(CommandContext& context, Client& client, const Meant& meant,
                            int& code) {
  const auto present = purge_results(client, meant.wish);
  if (!present) return present.error();
  PurgeSums sums = present.value();
  for (const std::string& name : meant.gone) {
    const auto of_name = purge_results(client, {{}, {name}, {}});
    if (!of_name) return of_name.error();
    sums.add(of_name.value());
    if (of_name->dropped > 0) continue;
    code = context.fail({ErrorCode::not_found, shown(name) + ": there is no such image, and no "
                                                             "result of one that was"});
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
  const auto meant = meant_by(*client.value(), flags);
  if (!meant) return context.fail(meant.error());
  int code = exit_ok;
  const auto sums = purge_all(context, *client.value(), meant.value(), code);
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
  context.output().object(Json{{"images", meant->wish.sources.size()},
                               {"dropped", sums->dropped},
                               {"bytes", sums->bytes},
                               {"not_reached", missed}});
  return code;
}

}  // namespace

void add_purge(CommandLine& line) {
  const auto flags = std::make_shared<PurgeFlags>();
  const Command app = line.add(
      processing_group, "purge",
      "Forget every result that was made of an image and its earlier versions, on all nodes",
      [flags](CommandContext& context) { return purge(context, *flags); });
  app.add_option("NAME", flags->names, "Images, also deleted ones; what is there stays as it is");
  app.add_option("--prefix", flags->prefix,
                 "All images whose names begin with it, deleted ones too");
}

}  // namespace pixmesh

#include "cli/commands.h"
#include "cli/descriptions.h"
#include "cli/errors.h"
#include "processing/closest.h"

namespace pixmesh {
namespace {

struct RemoveFlags {
  std::vector<std::string> names;
  std::string prefix;
};

/// The names under a prefix. Errors: fewer_copies — some holders are silent.
Result<std::vector<std::string>> names_under(Client& client, const std::string& prefix) {
  std::vector<std::string> names;
  const Result<bool> complete = client.list(prefix, {}, [&](const ListEntry& entry) {
    names.push_back(entry.name);
    return true;
  });
  if (!complete) return complete.error();
  if (complete.value()) return names;
  return Error{ErrorCode::fewer_copies,
               "nothing was removed: the list under '" + shown(prefix) +
                   "' may lack images, because too few holders of some partitions answer"};
}

int remove_all(CommandContext& context, Client& client, const std::vector<std::string>& names,
               bool listed) {
  int first_failure = exit_ok;
  for (const std::string& name : names) {
    const Result<WriteDone> done = client.remove(name);
    int code = exit_ok;
    if (done) {
      context.output().print("removed " + printable(name) + "\n");
      context.output().object(Json{{"name", name}, {"removed", true}});
    } else if (!listed || done.error().code != ErrorCode::not_found) {
      // What was listed and is gone now was removed by somebody else.
      code = context.fail({done.error().code, shown(name) + ": " + done.error().detail},
                          Json{{"name", name}, {"removed", false}});
    }
    if (first_failure == exit_ok) first_failure = code;
    if (context.interrupted()) return exit_interrupted;
  }
  return first_failure;
}

int remove(CommandContext& context, const RemoveFlags& flags, bool with_prefix) {
  if (flags.names.empty() && !with_prefix) {
    return context.fail({ErrorCode::usage, "name images to remove, or add --prefix P"});
  }
  if (with_prefix && flags.prefix.empty()) {
    return context.fail({ErrorCode::usage,
                         "an empty --prefix would remove every image; remove them by name, as in "
                         "'pixmesh ls -q | xargs -d \"\\n\" pixmesh rm'"});
  }
  const auto client = context.connect();
  if (!client) return context.fail(client.error());
  int code = remove_all(context, *client.value(), flags.names, false);
  if (!with_prefix || context.interrupted()) return code;
  const auto names = names_under(*client.value(), flags.prefix);
  if (!names) return context.fail(names.error());
  const int listed_code = remove_all(context, *client.value(), names.value(), true);
  context.output().say(std::to_string(names->size()) + " under '" + flags.prefix + "'");
  return code == exit_ok ? listed_code : code;
}

}  // namespace

void add_rm(CommandLine& line) {
  const auto flags = std::make_shared<RemoveFlags>();
  const auto prefix = std::make_shared<std::optional<Flag>>();
  const Command app = line.add(image_group, "rm", "Remove images; asks nothing",
                               [flags, prefix](CommandContext& context) {
                                 return remove(context, *flags, (*prefix)->given());
                               });
  app.add_option("NAME", flags->names, "Images");
  *prefix = app.add_option("--prefix", flags->prefix, "All images whose names begin with it");
}

}  // namespace pixmesh

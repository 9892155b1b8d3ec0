#include "cli/commands.h"
#include "cli/descriptions.h"
#include "cli/errors.h"
#include "cli/purge_results.h"
#include "processing/closest.h"

namespace pixmesh {
namespace {

struct RemoveFlags {
  std::vector<std::string> names;
  std::string prefix;
};

/// An image to be removed. Of one that was named and not listed the digest is asked for.
struct Wanted {
  std::string name;
  std::optional<Digest> digest;
};

/// Those under a prefix. Errors: fewer_copies — some holders are silent.
Result<std::vector<Wanted>> images_under(Client& client, const std::string& prefix) {
  std::vector<Wanted> images;
  const Result<bool> complete = client.list(prefix, {}, [&](const ListEntry& entry) {
    images.push_back({entry.name, entry.digest});
    return true;
  });
  if (!complete) return complete.error();
  if (complete.value()) return images;
  return Error{ErrorCode::fewer_copies,
               "nothing was removed: the list under '" + shown(prefix) +
                   "' may lack images, because too few holders of some partitions answer"};
}

std::optional<Digest> digest_of_image(Client& client, const std::string& name) {
  const Result<LookupAnswer> image = client.stat(name, false);
  return image ? std::optional(image->record.digest) : std::nullopt;
}

/// @param removed  takes what was removed.
int remove_all(CommandContext& context, Client& client, const std::vector<Wanted>& images,
               PurgeWish& removed) {
  int first_failure = exit_ok;
  for (const auto& [name, listed] : images) {
    const std::optional<Digest> digest = listed ? listed : digest_of_image(client, name);
    const Result<WriteDone> done = client.remove(name);
    int code = exit_ok;
    if (done) {
      removed.names.push_back(name);
      if (digest) removed.sources.push_back(*digest);
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

// The images are gone; what was made of them is not found by their names, whatever becomes of it.
void purge_removed(CommandContext& context, Client& client, const PurgeWish& removed) {
  if (removed.names.empty()) return;
  const auto sums = purge_results(client, removed);
  std::string missed;
  if (!sums) missed = sums.error().detail;
  if (sums) {
    for (const auto& [node, report] : sums->missed)
      missed += (missed.empty() ? "not reached: " : ", ") + report.control;
  }
  if (missed.empty()) return;
  context.output().say(
      "results that were made of what is removed may be kept where this was not "
      "heard; 'pixmesh purge' with the same names drops them (" +
      missed + ")");
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
  PurgeWish removed;
  std::vector<Wanted> named;
  for (const std::string& name : flags.names) named.push_back({name, std::nullopt});
  int code = remove_all(context, *client.value(), named, removed);
  if (with_prefix && !context.interrupted()) {
    const auto images = images_under(*client.value(), flags.prefix);
    const int listed_code = images ? remove_all(context, *client.value(), images.value(), removed)
                                   : context.fail(images.error());
    if (images) {
      context.output().say(std::to_string(images->size()) + " under '" + flags.prefix + "'");
    }
    if (code == exit_ok || !images) code = listed_code;
  }
  purge_removed(context, *client.value(), removed);
  return code;
}

}  // namespace

void add_rm(CommandLine& line) {
  const auto flags = std::make_shared<RemoveFlags>();
  const auto prefix = std::make_shared<std::optional<Flag>>();
  const Command app =
      line.add(image_group, "rm", "Remove images and what was made of them; asks nothing",
               [flags, prefix](CommandContext& context) {
                 return remove(context, *flags, (*prefix)->given());
               });
  app.add_option("NAME", flags->names, "Images");
  *prefix = app.add_option("--prefix", flags->prefix, "All images whose names begin with it");
}

}  // namespace pixmesh

#include "cli/commands.h"
#include "cli/descriptions.h"
#include "cli/errors.h"
#include "processing/closest.h"

namespace pixmesh {
namespace {

struct CopyFlags {
  std::string from;
  std::string to;
};

int copy(CommandContext& context, const CopyFlags& flags, bool move) {
  if (flags.from == flags.to) {
    return context.fail({ErrorCode::usage, "both names are '" + shown(flags.from) +
                                               "'; name another one, as in 'pixmesh cp OLD NEW'"});
  }
  const auto client = context.connect();
  if (!client) return context.fail(client.error());
  const Result<WriteDone> copied = client.value()->copy(flags.from, flags.to);
  if (!copied) return context.fail(copied.error());
  const Json facts{{"from", flags.from}, {"moved", move}};
  if (move) {
    const Result<WriteDone> removed = client.value()->remove(flags.from);
    if (!removed) {
      const Error& why = removed.error();
      return context.fail(
          {why.code, "'" + shown(flags.to) + "' is there, but '" + shown(flags.from) +
                         "' could not be removed (" + why.detail +
                         "). A move is a copy and then a removal, "
                         "not one step; finish it with 'pixmesh rm " +
                         shown(flags.from) + "'."},
          Json{{"from", flags.from}, {"name", flags.to}, {"moved", false}});
    }
  }
  return report_write(context.output(), flags.to, copied.value(), facts);
}

void add(CommandLine& line, const char* name, const char* summary, bool move) {
  const auto flags = std::make_shared<CopyFlags>();
  const Command app = line.add(image_group, name, summary, [flags, move](CommandContext& context) {
    return copy(context, *flags, move);
  });
  app.add_option("FROM", flags->from, "The image").required();
  app.add_option("TO", flags->to, "The new name").required();
}

}  // namespace

void add_cp_and_mv(CommandLine& line) {
  add(line, "cp", "Give an image a second name; nothing is uploaded", false);
  add(line, "mv", "Rename an image: a copy, then a removal", true);
}

}  // namespace pixmesh

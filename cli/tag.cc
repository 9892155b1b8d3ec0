#include "cli/commands.h"
#include "cli/descriptions.h"

namespace pixmesh {
namespace {

int tag(CommandContext& context, const std::string& name, const std::vector<std::string>& pairs) {
  const Result<std::vector<Tag>> changes = parse_pairs(pairs);
  if (!changes) return context.fail(changes.error());
  const auto client = context.connect();
  if (!client) return context.fail(client.error());
  const Result<WriteDone> done = client.value()->tag(name, changes.value());
  if (!done) return context.fail(done.error());
  return report_write(context.output(), name, done.value());
}

}  // namespace

void add_tag(CommandLine& line) {
  const auto name = std::make_shared<std::string>();
  const auto pairs = std::make_shared<std::vector<std::string>>();
  const Command app =
      line.add(image_group, "tag", "Set tags of an image; an empty value removes one",
               [name, pairs](CommandContext& context) { return tag(context, *name, *pairs); });
  app.add_option("NAME", *name, "The image").required();
  app.add_option("KEY=VALUE", *pairs, "Tags to set").required();
}

}  // namespace pixmesh

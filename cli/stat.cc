#include "cli/commands.h"
#include "cli/descriptions.h"
#include "cli/errors.h"

namespace pixmesh {
namespace {

std::string description_of(const LookupAnswer& found) {
  const ImageRecord& record = found.record;
  std::string text = "name       " + printable(record.name) + "\n";
  text +=
      "size       " + std::to_string(record.size) + " (" + size_at_a_glance(record.size) + ")\n";
  text += "type       " + type_of(record.media) + "\n";
  text += "pixels     " + pixels_of(record.media) + "\n";
  text += "digest     blake2b-256 " + to_text(record.digest) + "\n";
  text += "version    " + version_text(record.version) + "\n";
  text += "written    " + time_text(record.version.clock) + "\n";
  text += "tags       " + (record.tags.empty() ? "-" : printable(text_of(record.tags))) + "\n";
  text += "copies     " + std::to_string(found.holders.size()) + "/" +
          std::to_string(found.lists.target.size()) + "\n";
  text += std::string("confirmed  ") + (found.confirmed ? "yes" : "no") + "\n";
  return text;
}

int stat(CommandContext& context, const std::string& name, bool strict) {
  const auto client = context.connect();
  if (!client) return context.fail(client.error());
  const Result<LookupAnswer> found = client.value()->stat(name, strict);
  if (!found) return context.fail(found.error());
  warn_unconfirmed(context.output(), name, found->confirmed);
  context.output().print(description_of(found.value()));
  context.output().object(json_of(found.value()));
  return exit_ok;
}

}  // namespace

void add_stat(CommandLine& line) {
  const auto name = std::make_shared<std::string>();
  const auto strict = std::make_shared<bool>(false);
  const Command app =
      line.add(image_group, "stat", "Describe an image",
               [name, strict](CommandContext& context) { return stat(context, *name, *strict); });
  app.add_option("NAME", *name, "The image").required();
  app.add_flag("--strict", *strict, "Refuse an answer that no quorum confirms");
}

}  // namespace pixmesh

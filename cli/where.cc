#include "cli/commands.h"
#include "cli/descriptions.h"
#include "cli/errors.h"

namespace pixmesh {
namespace {

struct WhereFlags {
  std::string name;
  bool path = false;
  bool strict = false;
};

TextTable table_of(const LookupAnswer& found, bool with_path) {
  std::vector<Column> columns{{"NODE"}, {"ADDRESS"}, {"ZONE"}, {"ALIVE"}};
  if (with_path) columns.push_back(Column{"PATH BELOW THE DATA FOLDER"});
  TextTable table(columns);
  for (const HolderAddress& holder : found.holders) {
    std::vector<std::string> cells{short_text(holder.node), holder.control, holder.zone,
                                   holder.alive ? "yes" : "no"};
    if (with_path) cells.push_back(blob_path(found.record.digest, found.record.media));
    table.add(std::move(cells), holder.alive ? Colour::plain : Colour::red);
  }
  return table;
}

int where(CommandContext& context, const WhereFlags& flags) {
  const auto client = context.connect();
  if (!client) return context.fail(client.error());
  const Result<LookupAnswer> found = client.value()->stat(flags.name, flags.strict);
  if (!found) return context.fail(found.error());
  warn_unconfirmed(context.output(), flags.name, found->confirmed);
  context.output().print(table_of(found.value(), flags.path));
  Json object{{"name", flags.name},
              {"confirmed", found->confirmed},
              {"partition", found->partition.raw},
              {"path", blob_path(found->record.digest, found->record.media)}};
  object["holders"] = Json::array();
  for (const HolderAddress& holder : found->holders) object["holders"].push_back(json_of(holder));
  context.output().object(object);
  return exit_ok;
}

}  // namespace

void add_where(CommandLine& line) {
  const auto flags = std::make_shared<WhereFlags>();
  const Command app = line.add(image_group, "where", "Show which nodes hold an image",
                               [flags](CommandContext& context) { return where(context, *flags); });
  app.add_option("NAME", flags->name, "The image").required();
  app.add_flag("--path", flags->path, "Also the file on each of them");
  app.add_flag("--strict", flags->strict, "Refuse an answer that no quorum confirms");
}

}  // namespace pixmesh

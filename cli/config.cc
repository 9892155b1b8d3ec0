#include <unistd.h>

#include "cli/commands.h"
#include "cli/errors.h"
#include "cli/node_settings.h"

namespace pixmesh {
namespace {

int show_settings(CommandContext& context, const NodeFlags& flags, bool origin) {
  const Result<Configuration> configuration = flags.read(::environ);
  if (!configuration) return context.fail(configuration.error());
  std::vector<Column> columns{{"SETTING"}, {"VALUE"}};
  if (origin) columns.push_back(Column{"FROM"});
  TextTable table(columns);
  Json settings = Json::object();
  for (const SettingRow& row : configuration->rows) {
    std::vector<std::string> cells{row.key, row.value.empty() ? "-" : row.value};
    if (origin) cells.push_back(row.place);
    table.add(std::move(cells));
    settings[row.key] =
        Json{{"value", row.value}, {"origin", to_text(row.origin)}, {"place", row.place}};
  }
  context.output().print(table);
  context.output().object(Json{{"settings", settings}});
  return exit_ok;
}

int check_config(CommandContext& context, const std::string& file) {
  const Result<Configuration> configuration = read_configuration(file, {}, {});
  if (!configuration) return context.fail(configuration.error(), Json{{"file", file}});
  context.output().print(printable(file) + ": fine\n");
  context.output().object(Json{{"file", file}, {"fine", true}});
  return exit_ok;
}

}  // namespace

void add_config(CommandLine& line) {
  const Command family = line.family(machine_group, "config", "Settings of a node on this machine");
  const auto flags = std::make_shared<NodeFlags>();
  const auto origin = std::make_shared<bool>(false);
  const Command shown = line.add_below(
      family, "show", "Show what a node would run with: defaults < file < environment < flags",
      [flags, origin](CommandContext& context) { return show_settings(context, *flags, *origin); });
  shown.add_flag("--origin", *origin, "Also where each value comes from");
  flags->add_to(shown);
  const auto file = std::make_shared<std::string>();
  const Command checked =
      line.add_below(family, "check", "Check a settings file",
                     [file](CommandContext& context) { return check_config(context, *file); });
  checked.add_option("FILE", *file, "TOML").required();
}

}  // namespace pixmesh

#include "cli/commands.h"
#include "cli/errors.h"
#include "cli/node_tools.h"
#include "host/config/recipe_file.h"

namespace pixmesh {
namespace {

int check_recipes(CommandContext& context, const std::string& file) {
  const Result<std::vector<Recipe>> recipes = read_recipes(file);
  if (!recipes) return context.fail(recipes.error(), Json{{"file", file}});
  TextTable table({{"RECIPE"}, {"AVAILABLE HERE"}, {"ENGINE"}, {"SUMMARY"}});
  Json list = Json::array();
  for (const Recipe& recipe : recipes.value()) {
    const std::string missing = missing_of(recipe, {.native_worker = native_worker_of({})});
    const bool available = missing.empty();
    table.add({recipe.name, available ? "yes" : "no, it needs " + missing,
               std::string(to_text(recipe.engine)), recipe.summary},
              available ? Colour::plain : Colour::yellow);
    list.push_back(Json{{"name", recipe.name},
                        {"available", available},
                        {"missing", missing},
                        {"engine", to_text(recipe.engine)},
                        {"fast_shrink_on_load", recipe.fast_shrink_on_load},
                        {"digest", to_text(recipe_digest(recipe))}});
  }
  context.output().print(table);
  context.output().print(printable(file) + ": " + std::to_string(recipes->size()) +
                         " recipes, fine\n");
  context.output().object(Json{{"file", file}, {"fine", true}, {"recipes", list}});
  return exit_ok;
}

}  // namespace

void add_recipe_check(CommandLine& line) {
  const Command family = line.family(processing_group, "recipe", "Recipes the mesh knows");
  const auto file = std::make_shared<std::string>();
  const Command app =
      line.add_below(family, "check", "Check a file of recipes before a node gets it",
                     [file](CommandContext& context) { return check_recipes(context, *file); });
  app.add_option("FILE", *file, "TOML").required();
}

}  // namespace pixmesh

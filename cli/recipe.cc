#include <algorithm>

#include "cli/commands.h"
#include "cli/errors.h"
#include "processing/closest.h"

namespace pixmesh {
namespace {

Json json_of(const RecipeStatus& recipe) {
  Json object{{"name", recipe.name},
              {"summary", recipe.summary},
              {"available", recipe.available},
              {"digest", to_text(recipe.digest)},
              {"output", recipe.output},
              {"accepts", recipe.accepts},
              {"argv", recipe.argv},
              {"limits", recipe.limits},
              {"engine", recipe.engine},
              {"missing", recipe.missing},
              {"fast_shrink_on_load", recipe.fast_shrink_on_load}};
  object["fingerprint"] =
      recipe.fingerprint == Digest{} ? std::string() : to_text(recipe.fingerprint);
  object["parameters"] = Json::array();
  for (const ParameterStatus& parameter : recipe.parameters) {
    object["parameters"].push_back(Json{{"name", parameter.name},
                                        {"type", parameter.type},
                                        {"range", parameter.range},
                                        {"default", parameter.default_value}});
  }
  return object;
}

Result<std::vector<RecipeStatus>> recipes_of(CommandContext& context) {
  const auto client = context.connect();
  if (!client) return client.error();
  return client.value()->recipes();
}

int list_recipes(CommandContext& context) {
  const auto recipes = recipes_of(context);
  if (!recipes) return context.fail(recipes.error());
  TextTable table({{"RECIPE"}, {"AVAILABLE"}, {"OUTPUT"}, {"SUMMARY"}});
  for (const RecipeStatus& recipe : recipes.value()) {
    table.add({recipe.name, recipe.available ? "yes" : "no", recipe.output, recipe.summary},
              recipe.available ? Colour::plain : Colour::dim);
    context.output().object(json_of(recipe));
  }
  context.output().print(table);
  return exit_ok;
}

std::string engine_text_of(const RecipeStatus& recipe) {
  if (recipe.fast_shrink_on_load) {
    return recipe.engine + ", by a native worker only: it decodes less of a JPEG than the command";
  }
  const bool native = recipe.engine == "vips";
  return recipe.engine + (native ? ", where a node has the worker; else the command" : "");
}

std::string description_of(const RecipeStatus& recipe) {
  const std::string accepts = recipe.accepts.empty() ? "any bytes" : join_names(recipe.accepts);
  std::string text = recipe.name + ": " + recipe.summary + "\n";
  const std::string missing = recipe.missing.empty() ? "its tool" : recipe.missing;
  text += "available  " + (recipe.available ? "yes" : "no, it needs " + missing) + "\n";
  text += "accepts    " + accepts + "\n";
  text += "output     " + recipe.output + "\n";
  text += "limits     " + recipe.limits + "\n";
  text += "engine     " + engine_text_of(recipe) + "\n";
  text += "digest     " + to_text(recipe.digest) + "\n";
  if (recipe.fingerprint != Digest{}) {
    text += "tools      " + to_text(recipe.fingerprint) + "\n";
  }
  text += "command   ";
  for (const std::string& word : recipe.argv) text += " " + word;
  return printable(text, true) + "\n";
}

int show_recipe(CommandContext& context, const std::string& name) {
  const auto recipes = recipes_of(context);
  if (!recipes) return context.fail(recipes.error());
  const auto found = std::ranges::find(recipes.value(), name, &RecipeStatus::name);
  if (found == recipes->end()) {
    std::vector<std::string> names;
    for (const RecipeStatus& recipe : recipes.value()) names.push_back(recipe.name);
    const std::string near = suggestion(name, names);
    return context.fail({ErrorCode::not_found, "there is no recipe '" + shown(name) + "'" +
                                                   (near.empty() ? ". 'pixmesh recipe ls' lists "
                                                                   "them"
                                                                 : near)});
  }
  context.output().print(description_of(*found));
  if (!found->parameters.empty()) {
    TextTable table({{"PARAMETER"}, {"TYPE"}, {"RANGE"}, {"DEFAULT"}});
    for (const ParameterStatus& parameter : found->parameters) {
      table.add({parameter.name, parameter.type, parameter.range, parameter.default_value});
    }
    context.output().print("\n");
    context.output().print(table);
  }
  context.output().object(json_of(*found));
  return exit_ok;
}

}  // namespace

void add_recipe(CommandLine& line) {
  const Command family = line.family(processing_group, "recipe", "Recipes the mesh knows");
  line.add_below(family, "ls", "List the contacted node's recipes", list_recipes);
  const auto name = std::make_shared<std::string>();
  const Command app =
      line.add_below(family, "show", "Describe one, with its parameters and ranges",
                     [name](CommandContext& context) { return show_recipe(context, *name); });
  app.add_option("RECIPE", *name, "The recipe").required();
  add_recipe_cost(line, family);
}

}  // namespace pixmesh

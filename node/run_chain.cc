#include "node/run_chain.h"

#include <algorithm>
#include <utility>

#include "processing/result_key.h"

namespace pixmesh {
namespace {

/// The media type of what a recipe makes; "" when no recipe could take it.
std::string_view media_of_extension(std::string_view extension) {
  if (extension == "jpg") return "jpeg";
  if (extension == "tif") return "tiff";
  for (const std::string_view same : {"png", "webp", "gif"}) {
    if (extension == same) return same;
  }
  return "";
}

std::string extension_of_step(const RenderedStep& step) { return step.command.output_extension; }

Result<Done> check_joint(const RenderedStep& before, const RenderedStep& after) {
  const Recipe& taker = after.entry->recipe;
  const std::string said = "what '" + before.entry->recipe.name + "' makes";
  return check_media(taker, said, media_of_extension(extension_of_step(before)));
}

}  // namespace

GivenParameters given_of(const std::vector<RunArgument>& arguments) {
  GivenParameters given;
  for (const RunArgument& argument : arguments) given.emplace_back(argument.key, argument.value);
  return given;
}

Result<std::vector<RenderedStep>> render_chain(const RecipeBook& book, RenderedStep first,
                                               const std::vector<RunStep>& then, bool exact) {
  if (then.size() >= chain_steps_max) {
    return Error{ErrorCode::usage,
                 "a chain has at most " + std::to_string(chain_steps_max) + " steps"};
  }
  std::vector<RenderedStep> steps{std::move(first)};
  for (const RunStep& one : then) {
    const auto entry =
        exact ? book.require(one.recipe, one.recipe_digest) : book.look_up(one.recipe);
    if (!entry) return entry.error();
    auto command = render_arguments(entry.value()->recipe, given_of(one.arguments));
    if (!command) return command.error();
    RenderedStep step{entry.value(), std::move(command).value()};
    const auto fits = check_joint(steps.back(), step);
    if (!fits) return fits.error();
    steps.push_back(std::move(step));
  }
  return steps;
}

std::vector<std::string> argv_of(const std::vector<RenderedStep>& steps) {
  std::vector<std::string> argv;
  for (const RenderedStep& step : steps) {
    if (!argv.empty()) argv.emplace_back("|");
    argv.insert(argv.end(), step.command.argv.begin(), step.command.argv.end());
  }
  return argv;
}

std::optional<ChainWork> work_of_chain(const RecipeBook& book, const Digest& source,
                                       const std::string& recipe,
                                       const std::vector<RunArgument>& arguments,
                                       const std::vector<RunStep>& then) {
  std::vector<RunStep> steps{{recipe, arguments, {}}};
  steps.insert(steps.end(), then.begin(), then.end());
  std::optional<ChainWork> all;
  for (const RunStep& step : steps) {
    const auto entry = book.look_up(step.recipe);
    if (!entry) return std::nullopt;
    const auto values = read_parameters(entry.value()->recipe, given_of(step.arguments));
    if (!values) return std::nullopt;
    const Digest& from = all ? all->work : source;
    const auto& tool = entry.value()->fingerprint;
    std::optional<Digest> tools = tool;
    if (all && tools) {
      tools =
          all->fingerprint ? std::optional(result_key_of(*all->fingerprint, *tool)) : std::nullopt;
    }
    all = ChainWork{work_of(from, entry.value()->digest, values.value()), tools};
  }
  return all;
}

ToolRun tool_of(const RenderedStep& step) {
  const Recipe& recipe = step.entry->recipe;
  ToolRun tool;
  tool.argv = step.command.argv;
  tool.output_extension = step.command.output_extension;
  tool.input_on_stdin = recipe.input_on_stdin;
  tool.output_on_stdout = recipe.output_on_stdout;
  tool.vips_modules = recipe.vips_modules;
  tool.limits = recipe.limits;
  tool.engine = recipe.engine;
  return tool;
}

ToolRun RunChain::go_on(const ToolReport& ended, RunId fresh, std::string input,
                        std::string extension) {
  if (!first_) first_ = ended;
  spent_ = whole(ended);
  ToolRun next = std::move(rest_.front());
  rest_.erase(rest_.begin());
  next.run = fresh;
  next.input_path = std::move(input);
  next.input_extension = std::move(extension);
  next.disk = 0;
  return next;
}

ToolReport RunChain::whole(ToolReport last) const {
  last.wall += spent_.wall;
  last.cpu += spent_.cpu;
  last.memory_bytes = std::max(last.memory_bytes, spent_.memory_bytes);
  return last;
}

}  // namespace pixmesh

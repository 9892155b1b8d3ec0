#include "node/run_chain.h"

#include <algorithm>
#include <utility>

#include "base/digest.h"
#include "processing/quantity.h"
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

/// The least power of two, times `from`, that is not below a number's size.
std::uint64_t power_of_two_above(std::int64_t number, std::uint64_t from) {
  const auto raw = static_cast<std::uint64_t>(number);
  const std::uint64_t size = number < 0 ? 0 - raw : raw;
  while (from < size && from < 1ULL << 62) from *= 2;
  return from;
}

std::string choices_text(const Recipe& recipe, const ParameterValues& values) {
  constexpr std::uint64_t real_from = 15'625;  // millionths: 1/64
  std::string text;
  std::uint64_t ints = 0, reals = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Parameter& one = recipe.parameters[i];
    if (one.type == ParameterType::integer) {
      ints = std::max(ints, power_of_two_above(values[i], 1));
    } else if (one.type == ParameterType::real) {
      reals = std::max(reals, power_of_two_above(values[i], real_from));
    } else {
      text += " " + one.name + "=" + print_value(one, values[i]);
    }
  }
  if (ints > 0) text += " ints<=" + std::to_string(ints);
  if (reals > 0) text += " reals<=" + print_millionths(static_cast<std::int64_t>(reals));
  return text;
}

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

Result<RenderedStep> render_step(const BookEntry& entry,
                                 const std::vector<RunArgument>& arguments) {
  const auto values = read_parameters(entry.recipe, given_of(arguments));
  if (!values) return values.error();
  return RenderedStep{&entry, render_command(entry.recipe, values.value()),
                      choices_text(entry.recipe, values.value())};
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
    auto step = render_step(*entry.value(), one.arguments);
    if (!step) return step.error();
    const auto fits = check_joint(steps.back(), step.value());
    if (!fits) return fits.error();
    steps.push_back(std::move(step).value());
  }
  return steps;
}

std::string choices_of(const std::vector<RenderedStep>& steps) {
  constexpr std::size_t bytes_max = 200;
  constexpr std::size_t bytes_shown = 160;
  std::string choices;
  for (const RenderedStep& step : steps) {
    if (&step != &steps.front()) choices += " | " + step.entry->recipe.name;
    choices += step.choices;
  }
  if (choices.size() <= bytes_max) return choices;
  const std::uint64_t whole = chunk_checksum(bytes_of(choices));
  return choices.substr(0, bytes_shown) + "... #" + std::to_string(whole);
}

std::uint64_t memory_most_of(const std::vector<RenderedStep>& steps) {
  std::uint64_t most = 0;
  for (const RenderedStep& step : steps) {
    most = std::max(most, step.entry->recipe.limits.memory_bytes);
  }
  return most;
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
  tool.fast_shrink_on_load = recipe.fast_shrink_on_load;
  return tool;
}

ToolRun RunChain::go_on(const ToolReport& ended, RunId fresh, std::string input,
                        std::string extension) {
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

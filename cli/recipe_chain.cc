#include "cli/recipe_chain.h"

#include <string_view>
#include <utility>

#include "base/digest.h"
#include "cli/command_context.h"
#include "processing/closest.h"

namespace pixmesh {
namespace {

Error bad_chain(std::string text) { return {ErrorCode::usage, std::move(text)}; }

std::vector<std::string> parts_of(std::string_view text, std::string_view separators) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (separators.find(c) == std::string_view::npos) {
      parts.back() += c;
    } else {
      parts.emplace_back();
    }
  }
  return parts;
}

Result<std::vector<RunArgument>> arguments_of(const std::vector<std::string>& words) {
  const Result<std::vector<Tag>> pairs = parse_pairs(words);
  if (!pairs) return pairs.error();
  std::vector<RunArgument> arguments;
  for (const Tag& pair : pairs.value()) {
    RunArgument argument;
    argument.key = pair.key;
    argument.value = pair.value;
    arguments.push_back(std::move(argument));
  }
  return arguments;
}

Result<RunStep> parse_step(const std::string& text) {
  std::vector<std::string> words;
  for (std::string& word : parts_of(text, " \t\n")) {
    if (!word.empty()) words.push_back(std::move(word));
  }
  if (words.empty()) {
    return bad_chain("a step is empty; write a chain like \"thumbnail width=400 | sharpen\"");
  }
  RunStep step;
  step.recipe = words.front();
  words.erase(words.begin());
  auto arguments = arguments_of(words);
  if (!arguments) return arguments.error();
  step.arguments = std::move(arguments).value();
  return step;
}

void add_text(const std::string& recipe, const std::vector<RunArgument>& arguments,
              std::string& text) {
  text += (text.empty() ? "" : " | ") + recipe;
  for (const RunArgument& argument : arguments) text += " " + argument.key + "=" + argument.value;
}

}  // namespace

Result<RecipeChain> parse_chain(const std::string& text,
                                const std::vector<std::string>& parameters) {
  std::vector<RunStep> steps;
  for (const std::string& part : parts_of(text, "|")) {
    auto step = parse_step(part);
    if (!step) return step.error();
    steps.push_back(std::move(step).value());
  }
  if (steps.size() > chain_steps_max) {
    return bad_chain("a chain has at most " + std::to_string(chain_steps_max) + " steps");
  }
  auto more = arguments_of(parameters);
  if (!more) return more.error();
  if (steps.size() > 1 && !more->empty()) {
    return bad_chain("'" + shown(parameters.front()) +
                 "' stands behind a chain; write it behind its recipe, like \"" +
                 steps.front().recipe + " " + shown(parameters.front()) + " | " +
                 steps.back().recipe + "\"");
  }
  RecipeChain chain;
  chain.recipe = steps.front().recipe;
  chain.arguments = std::move(steps.front().arguments);
  chain.arguments.insert(chain.arguments.end(), more->begin(), more->end());
  chain.then.assign(steps.begin() + 1, steps.end());
  return chain;
}

std::string text_of_chain(const RecipeChain& chain) {
  std::string text;
  add_text(chain.recipe, chain.arguments, text);
  for (const RunStep& step : chain.then) add_text(step.recipe, step.arguments, text);
  return text;
}

std::string label_of_chain(const RecipeChain& chain) {
  std::string label = chain.recipe;
  for (const RunStep& step : chain.then) label += "+" + step.recipe;
  constexpr std::size_t label_max = 60;
  if (label.size() <= label_max) return label;
  return label.substr(0, label_max - 17) + "+" + to_text(digest_of(bytes_of(label))).substr(0, 16);
}

}  // namespace pixmesh

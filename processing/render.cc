#include "processing/render.h"

#include <algorithm>
#include <optional>

#include "processing/closest.h"
#include "processing/quantity.h"

namespace pixmesh {
namespace {

Error usage(std::string text) { return {ErrorCode::usage, std::move(text)}; }

std::optional<std::int64_t> place_of(const std::vector<std::string>& texts, std::string_view text) {
  const auto found = std::ranges::find(texts, text);
  if (found == texts.end()) return std::nullopt;
  return found - texts.begin();
}

std::optional<std::int64_t> parse_value(const Parameter& parameter, std::string_view text) {
  const auto parsed = [&]() -> Result<std::int64_t> {
    return parameter.type == ParameterType::real ? parse_millionths(text) : parse_integer(text);
  };
  switch (parameter.type) {
    case ParameterType::choice:
      return place_of(parameter.choices, text);
    case ParameterType::boolean:
      if (text == "true") return 1;
      if (text == "false") return 0;
      return std::nullopt;
    case ParameterType::integer:
    case ParameterType::real:
      break;
  }
  const Result<std::int64_t> number = parsed();
  if (!number) return std::nullopt;
  const bool inside = number.value() >= parameter.minimum && number.value() <= parameter.maximum;
  return inside ? std::optional(number.value()) : std::nullopt;
}

std::vector<std::string> names_of(const Recipe& recipe) {
  std::vector<std::string> names;
  for (const Parameter& parameter : recipe.parameters) names.push_back(parameter.name);
  return names;
}

Error unknown_key(const Recipe& recipe, std::string_view key) {
  const std::vector<std::string> names = names_of(recipe);
  std::string text = "recipe '" + recipe.name + "' has no parameter '" + shown(key) + "'";
  const std::string near = suggestion(key, names);
  if (!near.empty()) return usage(text + near);
  return usage(text + (names.empty() ? "; it takes none" : "; it takes " + join_names(names)));
}

std::string fill(const Recipe& recipe, const ParameterValues& values, const TemplatePiece& piece) {
  if (!piece.hole) return piece.text;
  const auto found = std::ranges::find(recipe.parameters, piece.text, &Parameter::name);
  if (found == recipe.parameters.end()) return "{" + piece.text + "}";  // {in} or {out}
  return print_value(*found, values[static_cast<std::size_t>(found - recipe.parameters.begin())]);
}

std::string render_text(const Recipe& recipe, const ParameterValues& values,
                        std::string_view text) {
  const auto pieces = cut_template(text);
  invariant(pieces.has_value(), "a recipe is checked before it is rendered");
  std::string rendered;
  for (const TemplatePiece& piece : pieces.value()) rendered += fill(recipe, values, piece);
  return rendered;
}

}  // namespace

Result<ParameterValues> read_parameters(const Recipe& recipe, const GivenParameters& given) {
  ParameterValues values;
  for (const Parameter& parameter : recipe.parameters) values.push_back(parameter.default_value);
  std::vector<bool> seen(values.size(), false);
  for (const auto& [key, text] : given) {
    const auto found = std::ranges::find(recipe.parameters, key, &Parameter::name);
    if (found == recipe.parameters.end()) return unknown_key(recipe, key);
    const auto place = static_cast<std::size_t>(found - recipe.parameters.begin());
    if (seen[place]) return usage("'" + found->name + "' is given twice");
    const std::optional<std::int64_t> value = parse_value(*found, text);
    if (!value) {
      return usage("'" + shown(text) + "' does not fit '" + found->name + "' of recipe '" +
                   recipe.name + "', which is " + print_range(*found));
    }
    values[place] = *value;
    seen[place] = true;
  }
  return values;
}

ToolCommand render_command(const Recipe& recipe, const ParameterValues& values) {
  invariant(values.size() == recipe.parameters.size(), "each parameter has one value");
  ToolCommand command;
  for (const std::string& argument : recipe.argv) {
    command.argv.push_back(render_text(recipe, values, argument));
  }
  command.output_extension = render_text(recipe, values, recipe.output);
  return command;
}

Result<ToolCommand> render_arguments(const Recipe& recipe, const GivenParameters& given) {
  const Result<ParameterValues> values = read_parameters(recipe, given);
  if (!values) return values.error();
  return render_command(recipe, values.value());
}

std::string print_value(const Parameter& parameter, std::int64_t value) {
  switch (parameter.type) {
    case ParameterType::integer:
      return std::to_string(value);
    case ParameterType::real:
      return print_millionths(value);
    case ParameterType::boolean:
      return value != 0 ? "true" : "false";
    case ParameterType::choice:
      break;
  }
  return parameter.choices.at(static_cast<std::size_t>(value));
}

std::string print_range(const Parameter& parameter) {
  switch (parameter.type) {
    case ParameterType::integer:
      return "a whole number from " + std::to_string(parameter.minimum) + " to " +
             std::to_string(parameter.maximum);
    case ParameterType::real:
      return "a number from " + print_millionths(parameter.minimum) + " to " +
             print_millionths(parameter.maximum);
    case ParameterType::boolean:
      return "true or false";
    case ParameterType::choice:
      break;
  }
  return "one of " + join_names(parameter.choices);
}

}  // namespace pixmesh

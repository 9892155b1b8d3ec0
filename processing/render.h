#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "processing/recipe.h"

namespace pixmesh {

/// What somebody typed: `width=800` is {"width", "800"}.
using GivenParameters = std::vector<std::pair<std::string, std::string>>;

/// One value for each of the recipe's parameters, in their order and in Parameter's integer form.
using ParameterValues = std::vector<std::int64_t>;

/// A command line ready for the executor, which puts its paths where `{in}` and `{out}` stand.
struct ToolCommand {
  std::vector<std::string> argv;
  std::string output_extension;
  friend bool operator==(const ToolCommand&, const ToolCommand&) = default;
};

/// Reads and checks what was given; defaults fill the rest.
/// Errors: usage — an unknown key (with the nearest known one), a key given twice, a value of the
/// wrong type, or one out of range (with the range).
[[nodiscard]] Result<ParameterValues> read_parameters(const Recipe& recipe,
                                                      const GivenParameters& given);

/// Prints the values into the recipe's holes. Numbers are printed from integers and choices copied
/// from the recipe, so no byte a user typed is in the result.
/// @param recipe  has passed check_recipe.
/// @param values  come from read_parameters of the same recipe.
[[nodiscard]] ToolCommand render_command(const Recipe& recipe, const ParameterValues& values);

/// Both steps: what `run RECIPE NAME key=value…` means.
[[nodiscard]] Result<ToolCommand> render_arguments(const Recipe& recipe,
                                                   const GivenParameters& given);

/// The value as a person would type it: "0.5", "true", "png".
[[nodiscard]] std::string print_value(const Parameter& parameter, std::int64_t value);

/// What may be typed: "1 to 16384", "true or false", "one of jpg, png".
[[nodiscard]] std::string print_range(const Parameter& parameter);

}  // namespace pixmesh

#include "processing/recipe.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <set>

#include "base/digest.h"
#include "base/limits.h"
#include "processing/closest.h"
#include "processing/vips_command.h"

namespace pixmesh {
namespace {

constexpr std::size_t name_size_max = 32;
constexpr std::size_t choices_max = 64;
constexpr std::size_t parameters_max = 32;
constexpr std::size_t arguments_max = 64;
constexpr std::size_t argument_size_max = 4096;
constexpr std::int64_t number_max = 1'000'000'000'000'000'000;  // 18 digits

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_choice(std::string_view text) {
  const auto allowed = [](char c) {
    return is_lower(c) || is_digit(c) || (c >= 'A' && c <= 'Z') ||
           std::string_view("._+-").find(c) != std::string_view::npos;
  };
  return !text.empty() && text.size() <= name_size_max && std::ranges::all_of(text, allowed);
}

/// A fault of the recipe, in words; none is an empty text.
using Fault = std::string;

Fault fault_of_choices(const Parameter& parameter) {
  const std::vector<std::string>& choices = parameter.choices;
  if (choices.empty() || choices.size() > choices_max) return "needs 1 to 64 values";
  if (!std::ranges::all_of(choices, is_choice)) {
    return "may offer only values of letters, digits and . _ + -";
  }
  if (std::set(choices.begin(), choices.end()).size() != choices.size()) {
    return "offers a value twice";
  }
  const auto last = static_cast<std::int64_t>(choices.size()) - 1;
  if (parameter.default_value < 0 || parameter.default_value > last) {
    return "has a default that is none of its values";
  }
  return {};
}

Fault fault_of_range(const Parameter& parameter) {
  if (parameter.minimum > parameter.maximum) return "has a min above its max";
  if (parameter.minimum < -number_max || parameter.maximum > number_max) {
    return "has a range of more than 18 digits";
  }
  if (parameter.default_value < parameter.minimum || parameter.default_value > parameter.maximum) {
    return "has a default outside its range";
  }
  return {};
}

Fault fault_of_parameter(const Parameter& parameter) {
  if (!is_recipe_name(parameter.name) || parameter.name == "in" || parameter.name == "out") {
    return "has a name that is not a lower-case word, or is 'in' or 'out'";
  }
  if (parameter.type == ParameterType::choice) return fault_of_choices(parameter);
  if (!parameter.choices.empty()) return "has values, but is no enum";
  if (parameter.type != ParameterType::boolean) return fault_of_range(parameter);
  const bool sane = parameter.default_value == 0 || parameter.default_value == 1;
  return sane ? Fault() : "needs true or false as default";
}

Fault fault_of_parameters(const Recipe& recipe) {
  if (recipe.parameters.size() > parameters_max) return "more than 32 parameters";
  std::set<std::string> names;
  for (const Parameter& parameter : recipe.parameters) {
    const Fault fault = fault_of_parameter(parameter);
    if (!fault.empty()) return "parameter '" + shown(parameter.name) + "' " + fault;
    if (!names.insert(parameter.name).second) return "parameter '" + parameter.name + "' twice";
  }
  return {};
}

bool has_nul(std::string_view text) { return text.find('\0') != std::string_view::npos; }

/// Collects the holes of argv into `holes`.
Fault fault_of_arguments(const Recipe& recipe, std::set<std::string>& holes) {
  if (recipe.argv.empty()) return "argv is empty";
  if (recipe.argv.size() > arguments_max) return "argv has more than 64 arguments";
  for (const std::string& argument : recipe.argv) {
    if (argument.size() > argument_size_max) return "an argument of more than 4096 bytes";
    if (has_nul(argument)) return "an argument with a NUL byte";
    const auto pieces = cut_template(argument);
    if (!pieces) return "argument '" + shown(argument) + "': " + pieces.error().detail;
    for (const TemplatePiece& piece : pieces.value()) {
      if (piece.hole) holes.insert(piece.text);
    }
    if (&argument == &recipe.argv.front() && !holes.empty()) {
      return "the program (argv[0]) may not have holes";
    }
  }
  return recipe.argv.front().empty() ? "the program (argv[0]) has no name" : Fault();
}

Fault fault_of_program(std::string_view program) {
  const bool absolute = program.starts_with('/');
  const bool plain = program.find('/') == std::string_view::npos && !program.starts_with('.');
  if (absolute || plain) return {};
  return "program '" + shown(program) + "' is neither a plain name nor an absolute path";
}

std::vector<std::string> hole_names(const Recipe& recipe) {
  std::vector<std::string> names{"in", "out"};
  for (const Parameter& parameter : recipe.parameters) names.push_back(parameter.name);
  return names;
}

/// The hole of `output = "{format}"`; none when the extension is fixed.
std::optional<std::string> output_hole(const Recipe& recipe) {
  const std::string_view text = recipe.output;
  if (text.size() < 3 || text.front() != '{' || text.back() != '}') return std::nullopt;
  return std::string(text.substr(1, text.size() - 2));
}

Fault fault_of_output(const Recipe& recipe) {
  const std::optional<std::string> hole = output_hole(recipe);
  if (!hole) {
    return is_extension(recipe.output)
               ? Fault()
               : "output '" + shown(recipe.output) + "' is no extension such as \"jpg\"";
  }
  const auto found = std::ranges::find(recipe.parameters, *hole, &Parameter::name);
  if (found == recipe.parameters.end() || found->type != ParameterType::choice) {
    return "output names '" + shown(*hole) + "', which is no enum parameter";
  }
  if (!std::ranges::all_of(found->choices, is_extension)) {
    return "output names '" + *hole + "', whose values are not all extensions";
  }
  return {};
}

Fault fault_of_path(std::string_view hole, bool occurs, bool on_stream, std::string_view stream) {
  const std::string braced = "{" + std::string(hole) + "}";
  if (occurs && on_stream) return braced + " occurs although " + std::string(stream) + " is true";
  if (!occurs && !on_stream) return braced + " is missing from argv";
  return {};
}

Fault fault_of_holes(const Recipe& recipe, std::set<std::string> holes) {
  const std::vector<std::string> known = hole_names(recipe);
  for (const std::string& hole : holes) {
    if (std::ranges::find(known, hole) == known.end()) {
      return "no parameter '" + shown(hole) + "'" + suggestion(hole, known);
    }
  }
  const Fault in = fault_of_path("in", holes.contains("in"), recipe.input_on_stdin, "stdin");
  if (!in.empty()) return in;
  const Fault out = fault_of_path("out", holes.contains("out"), recipe.output_on_stdout, "stdout");
  if (!out.empty()) return out;
  if (const auto hole = output_hole(recipe)) holes.insert(*hole);
  for (const Parameter& parameter : recipe.parameters) {
    if (!holes.contains(parameter.name)) return "parameter '" + parameter.name + "' is never used";
  }
  return {};
}

Fault fault_of_limits(const ToolLimits& limits, const HeaderLimits& header) {
  const bool sane = limits.wall > Duration{} && limits.cpu > Duration{} &&
                    limits.memory_bytes > 0 && limits.output_bytes > 0 && header.pixels > 0 &&
                    header.side > 0 && header.frames > 0 && header.scans > 0;
  return sane ? Fault() : "a limit of zero";
}

Fault fault_of_lists(const Recipe& recipe) {
  if (!std::ranges::all_of(recipe.accepts, is_extension)) {
    return "accepts may name only media types such as \"jpeg\"";
  }
  for (const std::string& program : recipe.needs) {
    const bool sane = !program.empty() && program.size() <= argument_size_max && !has_nul(program);
    if (!sane) return "needs may name only programs";
  }
  return recipe.needs.size() > arguments_max ? "needs has more than 64 programs" : Fault();
}

Fault fault_of_fast_shrink(const Recipe& recipe) {
  if (!recipe.fast_shrink_on_load) return {};
  if (recipe.engine != ToolEngine::vips || recipe.argv.front() != "vipsthumbnail") {
    return "fast_shrink_on_load goes only with vipsthumbnail and engine \"vips\"";
  }
  const bool within = recipe.limits.memory_bytes <= worker_memory_bytes_max &&
                      recipe.limits.output_bytes <= worker_output_bytes_max;
  return within
             ? Fault()
             : "fast_shrink_on_load: a native worker gives a run at most 8GiB of memory and 1GiB "
               "of output";
}

Fault fault_of_engine(const Recipe& recipe) {
  if (recipe.engine == ToolEngine::command) return {};
  if (recipe.input_on_stdin || recipe.output_on_stdout || recipe.vips_modules) {
    return "engine \"vips\" goes with neither stdin, stdout nor vips_modules";
  }
  const Result<VipsCommand> command = parse_vips_command(recipe.argv);
  return command ? Fault() : "engine \"vips\": " + command.error().detail;
}

Fault fault_of(const Recipe& recipe) {
  if (!is_recipe_name(recipe.name))
    return "its name is not a lower-case word of at most 32 letters";
  std::set<std::string> holes;
  const std::function<Fault()> checks[] = {
      [&] { return fault_of_parameters(recipe); },
      [&] { return fault_of_arguments(recipe, holes); },
      [&] { return fault_of_program(recipe.argv.front()); },
      [&] { return fault_of_output(recipe); },
      [&] { return fault_of_holes(recipe, holes); },
      [&] { return fault_of_limits(recipe.limits, recipe.header_limits); },
      [&] { return fault_of_lists(recipe); },
      [&] { return fault_of_engine(recipe); },
      [&] { return fault_of_fast_shrink(recipe); },
  };
  for (const auto& check : checks) {
    const Fault fault = check();
    if (!fault.empty()) return fault;
  }
  return {};
}

void add_texts(CanonicalBytes& bytes, const std::vector<std::string>& texts) {
  bytes.u32(static_cast<std::uint32_t>(texts.size()));
  for (const std::string& text : texts) bytes.text(text);
}

void add_parameter(CanonicalBytes& bytes, const Parameter& parameter) {
  bytes.text(parameter.name).u8(static_cast<std::uint8_t>(parameter.type));
  for (const std::int64_t number :
       {parameter.minimum, parameter.maximum, parameter.default_value}) {
    bytes.u64(static_cast<std::uint64_t>(number));
  }
  add_texts(bytes, parameter.choices);
}

}  // namespace

std::string_view to_text(ToolEngine engine) {
  return engine == ToolEngine::vips ? "vips" : "command";
}

bool is_recipe_name(std::string_view name) {
  const auto allowed = [](char c) { return is_lower(c) || is_digit(c) || c == '_' || c == '-'; };
  return !name.empty() && name.size() <= name_size_max && is_lower(name.front()) &&
         std::ranges::all_of(name, allowed);
}

bool is_extension(std::string_view text) {
  const auto allowed = [](char c) { return is_lower(c) || is_digit(c); };
  return !text.empty() && text.size() <= 8 && std::ranges::all_of(text, allowed);
}

Result<std::vector<TemplatePiece>> cut_template(std::string_view argument) {
  std::vector<TemplatePiece> pieces;
  std::string fixed;
  while (!argument.empty()) {
    const char c = argument.front();
    const bool doubled = argument.size() > 1 && argument[1] == c;
    if ((c != '{' && c != '}') || doubled) {
      fixed += c;
      argument.remove_prefix(c == '{' || c == '}' ? 2 : 1);
      continue;
    }
    const std::size_t end = argument.find('}');
    if (c == '}' || end == std::string_view::npos) {
      return Error{ErrorCode::malformed, "a brace without its partner; write {{ or }} for a brace"};
    }
    if (!fixed.empty()) pieces.push_back({false, std::exchange(fixed, {})});
    pieces.push_back({true, std::string(argument.substr(1, end - 1))});
    argument.remove_prefix(end + 1);
  }
  if (!fixed.empty()) pieces.push_back({false, std::move(fixed)});
  return pieces;
}

Result<Done> check_recipe(const Recipe& recipe) {
  const Fault fault = fault_of(recipe);
  if (fault.empty()) return Done{};
  return Error{ErrorCode::malformed, "recipe '" + shown(recipe.name) + "': " + fault};
}

Digest recipe_digest(const Recipe& recipe) {
  CanonicalBytes bytes;
  bytes.u32(format_version).text(recipe.name);
  add_texts(bytes, recipe.argv);
  bytes.text(recipe.output);
  add_texts(bytes, recipe.accepts);
  add_texts(bytes, recipe.needs);
  bytes.u32(static_cast<std::uint32_t>(recipe.parameters.size()));
  for (const Parameter& parameter : recipe.parameters) add_parameter(bytes, parameter);
  bytes.u64(static_cast<std::uint64_t>(recipe.limits.wall.count()));
  bytes.u64(static_cast<std::uint64_t>(recipe.limits.cpu.count()));
  bytes.u64(recipe.limits.memory_bytes).u64(recipe.limits.output_bytes);
  bytes.u8(recipe.input_on_stdin ? 1 : 0).u8(recipe.output_on_stdout ? 1 : 0);
  bytes.u8(recipe.vips_modules ? 1 : 0);
  if (const HeaderLimits& header = recipe.header_limits; header != HeaderLimits{}) {
    bytes.text("header").u64(header.pixels).u32(header.side).u32(header.frames);
    bytes.u32(header.scans).u64(header.ancillary_bytes);
  }
  if (recipe.engine != ToolEngine::command) bytes.text("engine").text(to_text(recipe.engine));
  if (recipe.fast_shrink_on_load) bytes.text("fast_shrink_on_load");
  return digest_of(bytes.bytes());
}

}  // namespace pixmesh

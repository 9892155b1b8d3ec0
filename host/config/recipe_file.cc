#include "host/config/recipe_file.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include "host/config/toml_source.h"
#include "host/system/file_handle.h"
#include "processing/closest.h"
#include "processing/quantity.h"

namespace pixmesh {
namespace {

using Names = std::vector<std::string>;

constexpr std::size_t recipe_file_bytes_max = 1U << 20;
constexpr double millionths_max = 1e18;
constexpr std::int64_t millions_max = 1'000'000'000'000;

/// Reads one recipe; the first fault ends it. Each step returns that fault, or none.
class RecipeReader {
 public:
  using Fault = std::optional<Error>;

  RecipeReader(const TomlSource& source, std::string name) : source_(source) {
    recipe_.name = std::move(name);
  }

  [[nodiscard]] Result<Recipe> read(const TomlEntry& entry) {
    const auto table = source_.table_of(entry.key, *entry.value);
    if (!table) return table.error();
    if (const Result<Done> known = source_.check_keys(*table.value(), recipe_keys()); !known) {
      return known.error();
    }
    for (const TomlEntry& line : entries_of(*table.value())) {
      if (const Fault fault = read_line(line)) return *fault;
    }
    if (const Result<Done> sound = check_recipe(recipe_); !sound) {
      return source_.fault(entry.place, sound.error().detail);
    }
    return recipe_;
  }

 private:
  static const Names& recipe_keys() {
    static const Names keys{"summary", "argv",   "output",       "accepts", "needs",
                            "stdin",   "stdout", "vips_modules", "engine",  "fast_shrink_on_load",
                            "param",   "limit"};
    return keys;
  }

  Fault read_line(const TomlEntry& line) {
    if (line.key == "summary") return take(source_.text_of(line.key, *line.value), recipe_.summary);
    if (line.key == "output") return take(source_.text_of(line.key, *line.value), recipe_.output);
    if (line.key == "argv") return take(source_.texts_of(line.key, *line.value), recipe_.argv);
    if (line.key == "needs") return take(source_.texts_of(line.key, *line.value), recipe_.needs);
    if (line.key == "accepts") {
      return take(source_.texts_of(line.key, *line.value), recipe_.accepts);
    }
    if (line.key == "stdin") {
      return take(source_.bool_of(line.key, *line.value), recipe_.input_on_stdin);
    }
    if (line.key == "stdout") {
      return take(source_.bool_of(line.key, *line.value), recipe_.output_on_stdout);
    }
    if (line.key == "vips_modules") {
      return take(source_.bool_of(line.key, *line.value), recipe_.vips_modules);
    }
    if (line.key == "fast_shrink_on_load") {
      return take(source_.bool_of(line.key, *line.value), recipe_.fast_shrink_on_load);
    }
    if (line.key == "engine") return read_engine(line);
    return line.key == "limit" ? read_limits(line) : read_parameters_of(line);
  }

  template <typename T>
  static Fault take(Result<T> read, T& into) {
    if (!read) return read.error();
    into = std::move(read).value();
    return std::nullopt;
  }

  Fault read_engine(const TomlEntry& line) {
    const Result<std::string> name = source_.text_of(line.key, *line.value);
    if (!name) return name.error();
    if (name.value() != "command" && name.value() != "vips") {
      return source_.fault(line.value->source(),
                           "unknown engine '" + shown(name.value()) + "'; it is command or vips");
    }
    recipe_.engine = name.value() == "vips" ? ToolEngine::vips : ToolEngine::command;
    return std::nullopt;
  }

  Fault read_limits(const TomlEntry& entry) {
    static const Names keys{"wall", "cpu",    "memory", "output",   "megapixels",
                            "side", "frames", "scans",  "ancillary"};
    const auto table = source_.table_of(entry.key, *entry.value);
    if (!table) return table.error();
    if (const Result<Done> known = source_.check_keys(*table.value(), keys); !known) {
      return known.error();
    }
    for (const TomlEntry& line : entries_of(*table.value())) {
      if (const Fault fault = read_limit(line)) return fault;
    }
    return std::nullopt;
  }

  Fault read_limit(const TomlEntry& line) {
    HeaderLimits& header = recipe_.header_limits;
    if (line.key == "megapixels") {
      const Fault fault = count(line, millions_max, header.pixels);
      header.pixels *= 1'000'000;
      return fault;
    }
    if (line.key == "side") return count(line, UINT32_MAX, header.side);
    if (line.key == "frames") return count(line, UINT32_MAX, header.frames);
    if (line.key == "scans") return count(line, UINT32_MAX, header.scans);
    const Result<std::string> text = source_.text_of(line.key, *line.value);
    if (!text) return text.error();
    ToolLimits& limits = recipe_.limits;
    if (line.key == "wall") return quantity(line, parse_duration(text.value()), limits.wall);
    if (line.key == "cpu") return quantity(line, parse_duration(text.value()), limits.cpu);
    std::uint64_t& bytes = line.key == "memory"      ? limits.memory_bytes
                           : line.key == "ancillary" ? header.ancillary_bytes
                                                     : limits.output_bytes;
    return quantity(line, parse_size(text.value()), bytes);
  }

  template <typename T>
  Fault count(const TomlEntry& line, std::int64_t most, T& into) {
    const auto* number = line.value->as_integer();
    if (number == nullptr || number->get() < 1 || number->get() > most) {
      return source_.wrong_type(line.key, *line.value, "a whole number above 0");
    }
    into = static_cast<T>(number->get());
    return std::nullopt;
  }

  template <typename T>
  Fault quantity(const TomlEntry& line, const Result<T>& read, T& into) {
    if (!read) return source_.fault(line.value->source(), read.error().detail);
    into = read.value();
    return std::nullopt;
  }

  Fault read_parameters_of(const TomlEntry& entry) {
    const auto table = source_.table_of(entry.key, *entry.value);
    if (!table) return table.error();
    for (const TomlEntry& line : entries_of(*table.value())) {
      if (const Fault fault = read_parameter(line)) return fault;
    }
    return std::nullopt;
  }

  Fault read_parameter(const TomlEntry& entry) {
    const auto table = source_.table_of(entry.key, *entry.value);
    if (!table) return table.error();
    const toml::node* type = table.value()->get("type");
    if (type == nullptr) return missing(entry, "type");
    const Result<std::string> name = source_.text_of("type", *type);
    if (!name) return name.error();
    const Result<ParameterType> known = type_of(name.value(), *type);
    if (!known) return known.error();
    if (const auto sound = source_.check_keys(*table.value(), keys_of(known.value())); !sound) {
      return sound.error();
    }
    Parameter parameter{entry.key, known.value(), 0, 0, 0, {}};
    for (const std::string& key : keys_of(known.value())) {
      const toml::node* node = table.value()->get(key);
      if (node == nullptr) return missing(entry, key);
      if (const Fault fault = read_field(parameter, key, *node)) return fault;
    }
    recipe_.parameters.push_back(std::move(parameter));
    return std::nullopt;
  }

  Result<ParameterType> type_of(const std::string& name, const toml::node& node) {
    static const std::map<std::string, ParameterType> types{{"int", ParameterType::integer},
                                                            {"float", ParameterType::real},
                                                            {"bool", ParameterType::boolean},
                                                            {"enum", ParameterType::choice}};
    const auto found = types.find(name);
    if (found != types.end()) return found->second;
    return source_.fault(node.source(),
                         "unknown type '" + shown(name) + "'; it is int, float, bool or enum");
  }

  /// All of them have to be there; `default` is last, because it may need the values.
  static const Names& keys_of(ParameterType type) {
    static const Names numbers{"type", "min", "max", "default"};
    static const Names booleans{"type", "default"};
    static const Names choices{"type", "values", "default"};
    if (type == ParameterType::choice) return choices;
    return type == ParameterType::boolean ? booleans : numbers;
  }

  Fault missing(const TomlEntry& entry, const std::string& key) {
    return source_.fault(entry.place,
                         "parameter '" + shown(entry.key) + "' needs '" + key + " = …'");
  }

  Fault read_field(Parameter& parameter, const std::string& key, const toml::node& node) {
    if (key == "type") return std::nullopt;
    if (key == "values") return take(source_.texts_of(key, node), parameter.choices);
    if (key == "min") return take(number_of(parameter.type, key, node), parameter.minimum);
    if (key == "max") return take(number_of(parameter.type, key, node), parameter.maximum);
    return take(default_of(parameter, node), parameter.default_value);
  }

  Result<std::int64_t> number_of(ParameterType type, const std::string& key,
                                 const toml::node& node) {
    if (type == ParameterType::integer) {
      if (const auto* number = node.as_integer()) return number->get();
      return source_.wrong_type(key, node, "a whole number");
    }
    // Every node reads the same text, and IEEE 754 makes the same number of it.
    const std::optional<double> number = node.value<double>();
    const bool fits = number && std::abs(*number * 1e6) <= millionths_max;
    if (!fits) return source_.wrong_type(key, node, "a number of at most 12 digits");
    return static_cast<std::int64_t>(std::llround(*number * 1e6));
  }

  Result<std::int64_t> default_of(const Parameter& parameter, const toml::node& node) {
    if (parameter.type == ParameterType::boolean) {
      const Result<bool> value = source_.bool_of("default", node);
      return value ? Result<std::int64_t>(value.value() ? 1 : 0) : value.error();
    }
    if (parameter.type != ParameterType::choice) return number_of(parameter.type, "default", node);
    const Result<std::string> text = source_.text_of("default", node);
    if (!text) return text.error();
    const auto found = std::ranges::find(parameter.choices, text.value());
    if (found != parameter.choices.end()) return found - parameter.choices.begin();
    return source_.fault(node.source(), "default '" + shown(text.value()) + "' is none of " +
                                            join_names(parameter.choices));
  }

  const TomlSource& source_;
  Recipe recipe_;
};

Result<Done> add_all(RecipeBook& book, std::vector<Recipe> recipes, const NodeTools& tools) {
  for (Recipe& recipe : recipes) {
    std::string missing = missing_of(recipe, tools);
    if (auto added = book.add(std::move(recipe), std::move(missing)); !added) return added;
  }
  return Done{};
}

}  // namespace

Result<std::vector<Recipe>> parse_recipes(std::string_view text, std::string_view file_name) {
  const Result<TomlSource> source = TomlSource::parse(text, file_name);
  if (!source) return source.error();
  const Names top{"recipe"};
  if (const Result<Done> known = source->check_keys(source->root(), top); !known) {
    return known.error();
  }
  std::vector<Recipe> recipes;
  const toml::node* all = source->root().get("recipe");
  if (all == nullptr) return recipes;
  const auto table = source->table_of("recipe", *all);
  if (!table) return table.error();
  for (const TomlEntry& entry : entries_of(*table.value())) {
    Result<Recipe> recipe = RecipeReader(source.value(), entry.key).read(entry);
    if (!recipe) return recipe.error();
    recipes.push_back(std::move(recipe).value());
  }
  return recipes;
}

Result<std::vector<Recipe>> read_recipes(const std::filesystem::path& file) {
  const Result<Bytes> bytes = read_whole(file, recipe_file_bytes_max);
  if (!bytes) return bytes.error();
  return parse_recipes(text_of(bytes.value()), file.string());
}

std::vector<Recipe> built_in_recipes() {
  Result<std::vector<Recipe>> recipes = parse_recipes(built_in_recipe_text(), "built-in recipes");
  invariant(recipes.has_value(), "the built-in recipes are sound");
  return std::move(recipes).value();
}

std::string missing_of(const Recipe& recipe, const NodeTools& tools) {
  std::vector<std::string> programs{recipe.argv.front()};
  programs.insert(programs.end(), recipe.needs.begin(), recipe.needs.end());
  for (const std::string& program : programs) {
    if (!find_program(program, tools.path)) return "'" + shown(program) + "'";
  }
  const bool has_worker = find_program(tools.native_worker).has_value();
  return recipe.fast_shrink_on_load && !has_worker ? "a native worker" : "";
}

Result<RecipeBook> load_recipe_book(const std::filesystem::path& file, const NodeTools& tools) {
  RecipeBook book;
  if (const Result<Done> added = add_all(book, built_in_recipes(), tools); !added) {
    return added.error();
  }
  if (file.empty()) return book;
  Result<std::vector<Recipe>> own = read_recipes(file);
  if (!own) return own.error();
  if (const Result<Done> added = add_all(book, std::move(own).value(), tools); !added) {
    return added.error();
  }
  return book;
}

}  // namespace pixmesh

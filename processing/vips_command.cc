#include "processing/vips_command.h"

#include <algorithm>
#include <string_view>

#include "processing/closest.h"

namespace pixmesh {
namespace {

constexpr std::string_view input_word = "{in}";
constexpr std::string_view output_word = "{out}";

Error fault(std::string text) { return {ErrorCode::malformed, std::move(text)}; }

/// "{out}[Q=85]": its options, which go to the end of the argument.
Result<std::string> save_options_of(std::string_view argument) {
  argument.remove_prefix(output_word.size());
  if (argument.empty()) return std::string();
  const bool bracketed = argument.front() == '[' && argument.back() == ']';
  if (bracketed) return std::string(argument);
  return fault("only options in brackets may follow {out}");
}

bool names_a_path(std::string_view argument) {
  return argument.find(input_word) != std::string_view::npos ||
         argument.find(output_word) != std::string_view::npos;
}

/// The place of the x in "800x600" or "{max}x{height}".
std::size_t cross_of(std::string_view size) {
  bool inside_hole = false;
  for (std::size_t i = 0; i < size.size(); ++i) {
    if (size[i] == '{' || size[i] == '}') inside_hole = size[i] == '{';
    if (size[i] == 'x' && !inside_hole) return i;
  }
  return std::string_view::npos;
}

/// WIDTHxHEIGHT or one number; a modifier, as in "800x>", is not read.
Result<std::vector<std::string>> sides_of(std::string_view size) {
  const std::size_t cross = cross_of(size);
  const bool both = cross != std::string_view::npos;
  const std::string_view width = size.substr(0, cross);
  const std::string_view height = both ? size.substr(cross + 1) : size;
  const auto sound = [](std::string_view side) {
    const bool hole = side.starts_with('{') && side.ends_with('}');
    return !side.empty() &&
           (hole || std::ranges::all_of(side, [](char c) { return c >= '0' && c <= '9'; }));
  };
  if (sound(width) && sound(height)) return std::vector{std::string(width), std::string(height)};
  return fault("--size may only be WIDTHxHEIGHT or one number");
}

/// Walks over the arguments behind the program's name.
class Reader {
 public:
  explicit Reader(std::span<const std::string> left) : left_(left) {}

  [[nodiscard]] bool at_end() const { return left_.empty(); }
  [[nodiscard]] std::string_view next() {
    const std::string_view argument = left_.front();
    left_ = left_.subspan(1);
    return argument;
  }

 private:
  std::span<const std::string> left_;
};

Error no_value(std::string_view option) {
  return fault("'" + shown(option) + "' has no value behind it");
}

Result<Done> read_thumbnail_option(Reader& reader, std::string_view option, VipsCommand& command) {
  if (option == "--no-rotate" || option == "--linear") {
    command.options.emplace_back(option == "--linear" ? "linear" : "no-rotate", "true");
    return Done{};
  }
  if (option != "--size" && option != "-o") {
    return fault("'" + shown(option) + "' is not one of --size, --no-rotate, --linear and -o");
  }
  if (reader.at_end()) return no_value(option);
  const std::string_view value = reader.next();
  if (option == "--size") {
    Result<std::vector<std::string>> sides = sides_of(value);
    if (!sides) return sides.error();
    command.arguments = std::move(sides).value();
    return Done{};
  }
  if (!value.starts_with(output_word)) return fault("-o may only name {out}");
  Result<std::string> options = save_options_of(value);
  if (!options) return options.error();
  command.save_options = std::move(options).value();
  return Done{};
}

Result<VipsCommand> read_thumbnail(Reader reader) {
  VipsCommand command;
  command.operation = "thumbnail";
  while (!reader.at_end()) {
    const std::string_view argument = reader.next();
    if (argument == input_word) continue;
    if (const auto read = read_thumbnail_option(reader, argument, command); !read) {
      return read.error();
    }
  }
  if (command.arguments.empty()) return fault("vipsthumbnail needs --size");
  return command;
}

Result<Done> read_operation_argument(Reader& reader, std::string_view argument,
                                     VipsCommand& command) {
  if (names_a_path(argument)) return fault("{in} and {out} may stand only behind the operation");
  if (!argument.starts_with("--")) {
    command.arguments.emplace_back(argument);
    return Done{};
  }
  if (reader.at_end() || names_a_path(argument)) return no_value(argument);
  const std::string_view value = reader.next();
  if (names_a_path(value)) return fault("an option may not name a path");
  command.options.emplace_back(argument.substr(2), value);
  return Done{};
}

Result<VipsCommand> read_operation(Reader reader) {
  VipsCommand command;
  const auto next = [&reader] { return reader.at_end() ? std::string_view() : reader.next(); };
  command.operation = next();
  const std::string_view input = next();
  const std::string_view output = next();
  if (command.operation.empty() || input != input_word || !output.starts_with(output_word)) {
    return fault("vips is followed by an operation, {in} and {out}");
  }
  Result<std::string> options = save_options_of(output);
  if (!options) return options.error();
  command.save_options = std::move(options).value();
  while (!reader.at_end()) {
    const auto read = read_operation_argument(reader, reader.next(), command);
    if (!read) return read.error();
  }
  return command;
}

}  // namespace

Result<VipsCommand> parse_vips_command(std::span<const std::string> argv) {
  if (argv.empty()) return fault("argv is empty");
  if (argv.front() == "vipsthumbnail") return read_thumbnail(Reader(argv.subspan(1)));
  if (argv.front() == "vips") return read_operation(Reader(argv.subspan(1)));
  return fault("its program is neither vips nor vipsthumbnail");
}

}  // namespace pixmesh

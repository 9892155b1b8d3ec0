#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace pixmesh {

/// One flag or word of a command, to say more about it: `.required().type_name("FILE")`.
/// A handle; valid as long as the command's CLI::App.
class Flag {
 public:
  explicit Flag(CLI::Option& option) : option_(&option) {}

  Flag required() const;
  /// What stands for the value in the help.
  Flag type_name(const std::string& name) const;
  /// The heading in the help.
  Flag group(const std::string& name) const;
  /// The help says which value it has now.
  Flag shows_default() const;
  /// Not together with `other`.
  Flag excludes(const Flag& other) const;
  /// Several values in one word: `1,2,3`.
  Flag values_between(char separator) const;
  /// One value each time, so that `--tag a=1 b.jpg` leaves b.jpg alone.
  Flag one_value_each() const;

  // Any other value is a mistake on the line.
  Flag one_of(const std::vector<std::string>& words) const;
  Flag within(std::integral auto low, std::integral auto high) const {
    return within_whole(static_cast<std::int64_t>(low), static_cast<std::int64_t>(high));
  }
  Flag within(double low, double high) const;
  /// @param fault  what is wrong with a value; empty: nothing.
  Flag checked(std::function<std::string(const std::string&)> fault, const std::string& name) const;

  /// After parsing: whether the line has it.
  [[nodiscard]] bool given() const;

 private:
  Flag within_whole(std::int64_t low, std::int64_t high) const;

  CLI::Option* option_;
};

/// A command to which flags, words and commands below it are added. A handle, as Flag.
class Command {
 public:
  explicit Command(CLI::App& app) : app_(&app) {}

  /// A word of the line (`NAME`) or a flag with a value (`-o,--output`); several for a vector.
  /// Made for std::string, 16- to 64-bit counts and double, and vectors of them.
  /// @param value  written when the line is parsed; what it holds before is the default.
  template <typename T>
  Flag add_option(const std::string& names, T& value, const std::string& summary) const;
  Flag add_flag(const std::string& names, bool& value, const std::string& summary) const;

  [[nodiscard]] Command add_command(const std::string& name, const std::string& summary) const;
  /// @param body  called once the line is parsed and this is the command it names.
  void on_chosen(std::function<void()> body) const;
  /// For whoever parses the line.
  [[nodiscard]] CLI::App& app() const { return *app_; }

 private:
  CLI::App* app_;
};

}  // namespace pixmesh

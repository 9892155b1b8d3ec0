#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/command_context.h"

namespace pixmesh {

/// What a command does. @returns the exit code.
using CommandBody = std::function<int(CommandContext&)>;

/// The tree of commands, and the way from a person's words to one of them.
///
/// Each leaf takes the global flags itself: were they passed up to the root, as CLI11 offers, an
/// image called `status` would be taken for a command.
class CommandLine {
 public:
  CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  [[nodiscard]] CLI::App& root() { return root_; }
  [[nodiscard]] const CLI::App& root() const { return root_; }
  [[nodiscard]] const GlobalFlags& flags() const { return flags_; }

  /// A command of its own: `pixmesh NAME`, listed under `group` in the help.
  CLI::App& add(const std::string& group, const std::string& name, const std::string& summary,
                CommandBody body);
  /// A command that only has commands below it: `pixmesh node …`. Made once; asked for again, it
  /// is the same one.
  CLI::App& family(const std::string& group, const std::string& name, const std::string& summary);
  /// A command below such a one.
  CLI::App& add_below(CLI::App& family, const std::string& name, const std::string& summary,
                      CommandBody body);

  struct Choice {
    CommandBody body;  // empty: `text` is all there is to say
    std::string text;  // help or version
  };
  /// @param words  without the program's name.
  /// Errors: usage, with what to type instead.
  [[nodiscard]] Result<Choice> parse(std::vector<std::string> words);

 private:
  CLI::App& leaf(CLI::App& parent, const std::string& name, const std::string& summary,
                 CommandBody body);
  void add_global_flags(CLI::App& app);

  CLI::App root_;
  GlobalFlags flags_;
  CommandBody chosen_;
};

/// An option that takes one value each time, so that `--tag a=1 b.jpg` leaves b.jpg alone.
CLI::Option* add_repeatable(CLI::App& app, const std::string& flags,
                            std::vector<std::string>& values, const std::string& summary);

/// Parses and runs. @returns the exit code.
/// @param environment_nodes  PIXMESH_NODE, or null.
int run_command_line(CommandLine& line, std::vector<std::string> words, OutputOptions options,
                     const char* environment_nodes);

}  // namespace pixmesh

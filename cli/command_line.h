#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/command_context.h"
#include "cli/completion.h"
#include "flags/command.h"

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
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  [[nodiscard]] const GlobalFlags& flags() const { return flags_; }
  /// All commands and flags there are, for completion.
  [[nodiscard]] CommandShape shape();

  /// A command of its own: `pixmesh NAME`, listed under `group` in the help.
  Command add(const std::string& group, const std::string& name, const std::string& summary,
              CommandBody body);
  /// A command that only has commands below it: `pixmesh node …`. Made once; asked for again, it
  /// is the same one.
  Command family(const std::string& group, const std::string& name, const std::string& summary);
  /// One of those below another: `pixmesh ring plan …`.
  Command family_below(const Command& family, const std::string& name, const std::string& summary);
  /// A command below such a one.
  Command add_below(const Command& family, const std::string& name, const std::string& summary,
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
  void add_global_flags_when_named(CLI::App& app);
  void add_global_flags_below(CLI::App& app);

  std::unique_ptr<CLI::App> root_;
  GlobalFlags flags_;
  CommandBody chosen_;
};

/// Parses and runs. @returns the exit code.
/// @param environment_nodes  PIXMESH_NODE, or null.
int run_command_line(CommandLine& line, std::vector<std::string> words, OutputOptions options,
                     const char* environment_nodes);

}  // namespace pixmesh

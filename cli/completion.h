#pragma once

#include <string>
#include <vector>

namespace pixmesh {

/// A command as completion sees it.
struct CommandShape {
  std::string name;
  std::string summary;
  std::vector<std::string> flags;  // "--json", "-q"
  std::vector<std::string> flag_summaries;
  std::vector<CommandShape> commands;
};

/// Completion scripts. `root` is the program; two levels of commands.
[[nodiscard]] std::string bash_completion(const CommandShape& root);
[[nodiscard]] std::string zsh_completion(const CommandShape& root);
[[nodiscard]] std::string fish_completion(const CommandShape& root);

}  // namespace pixmesh

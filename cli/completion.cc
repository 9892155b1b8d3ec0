#include "cli/completion.h"

#include "cli/commands.h"
#include "cli/errors.h"

namespace pixmesh {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string names_of(const std::vector<CommandShape>& commands) {
  std::vector<std::string> names;
  for (const CommandShape& command : commands) names.push_back(command.name);
  return joined(names);
}

/// `    'node run') commands='…' flags='…' ;;` for the command and those below it.
void add_cases(std::string& text, const std::string& path, const CommandShape& shape) {
  text += "    '" + path + "') commands='" + names_of(shape.commands) + "' flags='" +
          joined(shape.flags) + "' ;;\n";
  for (const CommandShape& below : shape.commands) {
    add_cases(text, path + (path.empty() ? "" : " ") + below.name, below);
  }
}

std::string cases_of(const CommandShape& root) {
  std::string text;
  add_cases(text, "", root);
  return text;
}

/// Of fish and zsh: a text within single quotes.
std::string in_quotes(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("’") : std::string(1, c);
  return quoted + "'";
}

void add_fish_flags(std::string& text, const CommandShape& shape, const std::string& condition) {
  for (std::size_t i = 0; i < shape.flags.size(); ++i) {
    const std::string& flag = shape.flags[i];
    const bool is_long = flag.starts_with("--");
    text += "complete -c pixmesh -n " + condition + (is_long ? " -l " : " -s ") +
            flag.substr(is_long ? 2 : 1) + " -d " + in_quotes(shape.flag_summaries[i]) + "\n";
  }
}

/// @param seen  true once the line has the command and those that it is below.
void add_fish_commands(std::string& text, const CommandShape& shape, const std::string& seen) {
  if (shape.commands.empty()) return add_fish_flags(text, shape, in_quotes(seen));
  const std::string none =
      in_quotes(seen + "; and not __fish_seen_subcommand_from " + names_of(shape.commands));
  for (const CommandShape& below : shape.commands) {
    text += "complete -c pixmesh -n " + none + " -f -a " + below.name + " -d " +
            in_quotes(below.summary) + "\n";
    add_fish_commands(text, below, seen + "; and __fish_seen_subcommand_from " + below.name);
  }
}

int print_completion(CommandContext& context, const CommandShape& shape, const std::string& shell) {
  const std::string script = shell == "bash"  ? bash_completion(shape)
                             : shell == "zsh" ? zsh_completion(shape)
                                              : fish_completion(shape);
  context.output().print(script);
  context.output().object(Json{{"shell", shell}, {"script", script}});
  return exit_ok;
}

}  // namespace

std::string bash_completion(const CommandShape& root) {
  return "# bash completion of pixmesh: source <(pixmesh completion bash)\n"
         "_pixmesh() {\n"
         "  local current=${COMP_WORDS[COMP_CWORD]} path='' word commands flags i\n"
         "  for ((i = 1; i < COMP_CWORD && i < 4; i++)); do\n"
         "    word=${COMP_WORDS[i]}\n"
         "    [[ $word == -* ]] && break\n"
         "    path=\"${path:+$path }$word\"\n"
         "  done\n"
         "  _pixmesh_words \"$path\" || _pixmesh_words \"${path% *}\" ||\n"
         "    _pixmesh_words \"${path% * *}\"\n"
         "  if [[ $current == -* ]]; then\n"
         "    COMPREPLY=($(compgen -W \"$flags\" -- \"$current\"))\n"
         "  elif [[ -n $commands ]]; then\n"
         "    COMPREPLY=($(compgen -W \"$commands\" -- \"$current\"))\n"
         "  else\n"
         "    COMPREPLY=($(compgen -f -- \"$current\"))\n"
         "  fi\n"
         "}\n"
         "_pixmesh_words() {\n"
         "  case \"$1\" in\n" +
         cases_of(root) +
         "    *) return 1 ;;\n"
         "  esac\n"
         "}\n"
         "complete -o filenames -F _pixmesh pixmesh\n";
}

std::string zsh_completion(const CommandShape& root) {
  return "#compdef pixmesh\n"
         "# zsh completion of pixmesh: source <(pixmesh completion zsh)\n"
         "_pixmesh() {\n"
         "  local path_words='' word commands flags i\n"
         "  for ((i = 2; i < CURRENT && i < 5; i++)); do\n"
         "    word=${words[i]}\n"
         "    [[ $word == -* ]] && break\n"
         "    path_words=\"${path_words:+$path_words }$word\"\n"
         "  done\n"
         "  _pixmesh_words \"$path_words\" || _pixmesh_words \"${path_words% *}\" ||\n"
         "    _pixmesh_words \"${path_words% * *}\"\n"
         "  if [[ ${words[CURRENT]} == -* ]]; then\n"
         "    compadd -- ${=flags}\n"
         "  elif [[ -n $commands ]]; then\n"
         "    compadd -- ${=commands}\n"
         "  else\n"
         "    _files\n"
         "  fi\n"
         "}\n"
         "_pixmesh_words() {\n"
         "  case \"$1\" in\n" +
         cases_of(root) +
         "    *) return 1 ;;\n"
         "  esac\n"
         "}\n"
         "compdef _pixmesh pixmesh\n";
}

std::string fish_completion(const CommandShape& root) {
  std::string text = "# fish completion of pixmesh: pixmesh completion fish | source\n";
  for (const CommandShape& command : root.commands) {
    text += "complete -c pixmesh -n __fish_use_subcommand -f -a " + command.name + " -d " +
            in_quotes(command.summary) + "\n";
    add_fish_commands(text, command, "__fish_seen_subcommand_from " + command.name);
  }
  return text;
}

void add_completion(CommandLine& line) {
  const auto shell = std::make_shared<std::string>();
  const Command app = line.add(machine_group, "completion", "Print a completion script for a shell",
                               [shell, &line](CommandContext& context) {
                                 return print_completion(context, line.shape(), *shell);
                               });
  app.add_option("SHELL", *shell, "bash, zsh or fish").required().one_of({"bash", "zsh", "fish"});
}

}  // namespace pixmesh

#include "cli/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "cli/errors.h"
#include "processing/closest.h"

#ifndef PIXMESH_VERSION
#define PIXMESH_VERSION "unknown"
#endif

namespace pixmesh {
namespace {

/// As CLI11 writes help, without the types of positional words: `FILE...` says enough.
class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_option_opts(const CLI::Option* option) const override {
    if (!option->get_positional()) return CLI::Formatter::make_option_opts(option);
    return option->get_expected_max() > 1 ? "..." : "";
  }
};

constexpr const char* global_group = "Global options";

/// The command the words lead to, as far as they are commands.
const CLI::App* deepest(const CLI::App& root) {
  const CLI::App* app = &root;
  while (!app->get_subcommands().empty()) app = app->get_subcommands().back();
  return app;
}

std::string path_of(const CLI::App& app) {
  return app.get_parent() == nullptr ? app.get_name()
                                     : path_of(*app.get_parent()) + " " + app.get_name();
}

std::vector<std::string> commands_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* sub : app.get_subcommands({})) names.push_back(sub->get_name());
  return names;
}

std::vector<std::string> long_flags_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

Error usage(const CLI::App& app, std::string text) {
  return {ErrorCode::usage, std::move(text) + " See '" + path_of(app) + " --help'."};
}

/// A word that nothing takes: a mistyped flag or command, or one argument too many.
Error unexpected(const CLI::App& app, const std::string& word) {
  if (word.size() > 1 && word.starts_with('-')) {
    const std::string name = word.substr(0, word.find('='));
    const std::string near = suggestion(name, long_flags_of(app));
    return usage(app, "'" + path_of(app) + "' has no option '" + shown(name) + "'" +
                          (near.empty() ? "." : near));
  }
  const std::vector<std::string> names = commands_of(app);
  if (names.empty()) {
    return usage(app, "'" + path_of(app) + "' does not take '" + shown(word) + "' as well.");
  }
  const std::string near = suggestion(word, names);
  return usage(app, "there is no command '" + path_of(app) + " " + shown(word) + "'" +
                        (near.empty() ? "; there are " + join_names(names) + "." : near));
}

/// The first word that the parser could not place.
std::optional<std::string> first_left(const CLI::App& root) {
  for (const CLI::App* app = &root; app != nullptr;) {
    for (const std::string& word : app->remaining(false)) {
      if (word != "--") return word;
    }
    app = app->get_subcommands().empty() ? nullptr : app->get_subcommands().back();
  }
  return std::nullopt;
}

/// `pixmesh help put` is `pixmesh put --help`.
void turn_help_around(std::vector<std::string>& words) {
  if (words.empty() || words.front() != "help") return;
  words.erase(words.begin());
  words.emplace_back("--help");
}

Error error_of(const CLI::App& root, const CLI::ParseError& fault) {
  const CLI::App& app = *deepest(root);
  if (const auto word = first_left(root)) return unexpected(app, *word);
  return usage(app, std::string(fault.what()) + ".");
}

CommandShape shape_of(const CLI::App& app) {
  CommandShape shape;
  shape.name = app.get_name();
  shape.summary = app.get_description();
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      shape.flags.push_back("--" + name);
      shape.flag_summaries.push_back(option->get_description());
    }
    for (const std::string& name : option->get_snames()) {
      shape.flags.push_back("-" + name);
      shape.flag_summaries.push_back(option->get_description());
    }
  }
  for (const CLI::App* sub : app.get_subcommands({})) shape.commands.push_back(shape_of(*sub));
  return shape;
}

}  // namespace

CommandLine::CommandLine()
    : root_(std::make_unique<CLI::App>(
          "Keeps large images on several machines and processes them where they lie.", "pixmesh")) {
  root_->formatter(std::make_shared<HelpFormatter>());
  root_->footer("\n" + exit_code_help());
  root_->require_subcommand(0, 1);
  root_->set_help_flag("-h,--help", "Print this help");
  root_->set_version_flag("--version", "pixmesh " PIXMESH_VERSION, "Print the version");
  add_global_flags(*root_);
}

void CommandLine::add_global_flags(CLI::App& app) {
  const Command command(app);
  command
      .add_option("--node", flags_.nodes,
                  "Node to ask, HOST:PORT; several are tried in turn (default: $PIXMESH_NODE, else "
                  "127.0.0.1:7600)")
      .one_value_each()
      .group(global_group)
      .type_name("HOST:PORT");
  command.add_flag("--json", flags_.json, "Print one JSON object a line").group(global_group);
  command.add_flag("-q,--quiet", flags_.quiet, "Say nothing but results and errors")
      .group(global_group);
  command.add_option("--timeout", flags_.timeout, "Give up after this time: 500ms, 10s, 5m")
      .group(global_group)
      .type_name("TIME");
}

/// These flags for each of forty commands would be most of what a start allocates.
void CommandLine::add_global_flags_when_named(CLI::App& app) {
  app.preparse_callback([this, &app](std::size_t) { add_global_flags(app); });
}

CommandLine::~CommandLine() = default;

CommandShape CommandLine::shape() {
  add_global_flags_below(*root_);
  return shape_of(*root_);
}

void CommandLine::add_global_flags_below(CLI::App& app) {
  for (CLI::App* sub : app.get_subcommands([](CLI::App*) { return true; })) {
    if (sub->get_option_no_throw("--json") == nullptr) add_global_flags(*sub);
    add_global_flags_below(*sub);
  }
}

CLI::App& CommandLine::leaf(CLI::App& parent, const std::string& name, const std::string& summary,
                            CommandBody body) {
  CLI::App& app = *parent.add_subcommand(name, summary);
  app.require_subcommand(0, 0);
  add_global_flags_when_named(app);
  app.callback([this, body = std::move(body)] { chosen_ = body; });
  return app;
}

Command CommandLine::add(const std::string& group, const std::string& name,
                         const std::string& summary, CommandBody body) {
  CLI::App& app = leaf(*root_, name, summary, std::move(body));
  app.group(group);
  return Command(app);
}

Command CommandLine::family(const std::string& group, const std::string& name,
                            const std::string& summary) {
  for (CLI::App* made : root_->get_subcommands([](CLI::App*) { return true; })) {
    if (made->get_name() == name) return Command(*made);
  }
  const Command made = family_below(Command(*root_), name, summary);
  made.app().group(group);
  return made;
}

Command CommandLine::family_below(const Command& family, const std::string& name,
                                  const std::string& summary) {
  CLI::App& app = *family.app().add_subcommand(name, summary);
  app.require_subcommand(0, 1);
  add_global_flags_when_named(app);
  return Command(app);
}

Command CommandLine::add_below(const Command& family, const std::string& name,
                               const std::string& summary, CommandBody body) {
  return Command(leaf(family.app(), name, summary, std::move(body)));
}

Result<CommandLine::Choice> CommandLine::parse(std::vector<std::string> words) {
  turn_help_around(words);
  std::ranges::reverse(words);  // CLI11 takes them from the back
  chosen_ = nullptr;
  Choice choice;
  try {
    root_->parse(std::move(words));
  } catch (const CLI::CallForHelp&) {
    choice.text = root_->help();
    return choice;
  } catch (const CLI::CallForVersion& version) {
    choice.text = std::string(version.what()) + "\n";
    return choice;
  } catch (const CLI::ParseError& fault) {
    return error_of(*root_, fault);
  }
  if (!chosen_) {
    const CLI::App& app = *deepest(*root_);
    return usage(app,
                 "which command? '" + path_of(app) + "' has " + join_names(commands_of(app)) + ".");
  }
  choice.body = chosen_;
  return choice;
}

int run_command_line(CommandLine& line, std::vector<std::string> words, OutputOptions options,
                     const char* environment_nodes) {
  // Even the report of a mistyped flag obeys --json.
  options.json = std::ranges::find(words, "--json") != words.end();
  const Result<CommandLine::Choice> choice = line.parse(std::move(words));
  if (choice) options.json = line.flags().json;
  options.quiet = line.flags().quiet;
  if (options.json) options.animation = false;
  Output output(options);
  if (!choice) return output.fail(choice.error());
  if (!choice->body) {
    options.json = false;
    Output(options).print(choice->text);
    return exit_ok;
  }
  CommandContext context(line.flags(), environment_nodes, output);
  return choice->body(context);
}

}  // namespace pixmesh

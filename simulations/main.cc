// pixmesh-sim: what a mesh does, on virtual time.
#include <CLI/CLI.hpp>
#include <array>
#include <iostream>
#include <utility>
#include <vector>

#include "simulations/studies/commands.h"

int main(int argc, char** argv) {
  using namespace pixmesh;
  constexpr std::array subcommands{studies::add_gossip, studies::add_placement,
                                   studies::add_routing};

  CLI::App app("Runs the product's own code on virtual time");
  app.require_subcommand(1);
  std::vector<std::pair<CLI::App*, studies::Command>> commands;
  for (const auto add : subcommands) {
    studies::Command command = add(app);
    commands.emplace_back(app.get_subcommands({}).back(), std::move(command));
  }
  CLI11_PARSE(app, argc, argv);
  for (const auto& [parsed, run] : commands) {
    if (parsed->parsed()) return run(std::cout);
  }
  return 1;
}

#include <malloc.h>

#include <CLI/CLI.hpp>
#include <iostream>

#include "simulations/commands.h"
#include "simulations/studies/commands.h"

namespace {

constexpr int usage_code = 2;
constexpr auto subcommands = {pixmesh::add_run, pixmesh::add_replay, pixmesh::add_soak,
                              pixmesh::add_mutants};
constexpr auto studies = {pixmesh::studies::add_churn, pixmesh::studies::add_gossip,
                          pixmesh::studies::add_placement, pixmesh::studies::add_routing};

}  // namespace

int main(int argc, char** argv) {
  // Images come and go all the time; each as a mapping of its own would cost its page faults anew.
  (void)mallopt(M_MMAP_THRESHOLD, 32 << 20);
  (void)mallopt(M_TRIM_THRESHOLD, 256 << 20);
  CLI::App root(
      "Runs a whole pixmesh in one thread and one seed, with faults, and checks what it "
      "promises");
  root.require_subcommand(1);
  int code = 0;
  for (const auto add : subcommands) add(pixmesh::Command(root), code);
  for (const auto add : studies) {
    const pixmesh::studies::StudyRun study = add(pixmesh::Command(root));
    root.get_subcommands({}).back()->callback([&code, study] { code = study(std::cout); });
  }
  try {
    root.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return root.exit(error) == 0 ? 0 : usage_code;
  }
  return code;
}

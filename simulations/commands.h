#pragma once

#include <CLI/CLI.hpp>

// One subcommand, one file. Each function hangs its subcommand into the tree; `code` is what the
// program ends with when that subcommand was chosen: 0 all well, 1 a promise was broken, 2 usage.
namespace pixmesh {

void add_run(CLI::App& root, int& code);
void add_replay(CLI::App& root, int& code);
void add_soak(CLI::App& root, int& code);
void add_mutants(CLI::App& root, int& code);

}  // namespace pixmesh

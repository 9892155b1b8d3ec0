#pragma once

#include "flags/command.h"

// One subcommand, one file. Each function hangs its subcommand into the tree; `code` is what the
// program ends with when that subcommand was chosen: 0 all well, 1 a promise was broken, 2 usage.
namespace pixmesh {

void add_run(Command root, int& code);
void add_replay(Command root, int& code);
void add_soak(Command root, int& code);
void add_mutants(Command root, int& code);

}  // namespace pixmesh

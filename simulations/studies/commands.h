#pragma once

#include <functional>
#include <ostream>

#include "flags/command.h"

namespace pixmesh::studies {

/// Runs a subcommand whose options were parsed: prints its tables, or with `--json` one object, to
/// `out` and writes the charts of `--svg FILE`. @returns the exit code: 0, or 1 when that file
/// cannot be written. Valid as long as its CLI::App.
using StudyRun = std::function<int(std::ostream& out)>;

// Each adds one study's subcommand with its options to the program.
[[nodiscard]] StudyRun add_churn(Command app);
[[nodiscard]] StudyRun add_gossip(Command app);
[[nodiscard]] StudyRun add_placement(Command app);
[[nodiscard]] StudyRun add_routing(Command app);

}  // namespace pixmesh::studies

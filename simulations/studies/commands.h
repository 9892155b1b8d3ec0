#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <ostream>

namespace pixmesh::studies {

/// Runs a subcommand whose options were parsed: prints its tables, or with `--json` one object, to
/// `out` and writes the charts of `--svg FILE`. @returns the exit code: 0, or 1 when that file
/// cannot be written. Valid as long as its CLI::App.
using Command = std::function<int(std::ostream& out)>;

// Each adds one study's subcommand with its options to the program.
[[nodiscard]] Command add_churn(CLI::App& app);
[[nodiscard]] Command add_gossip(CLI::App& app);
[[nodiscard]] Command add_placement(CLI::App& app);
[[nodiscard]] Command add_routing(CLI::App& app);

}  // namespace pixmesh::studies

#pragma once

#include <cstdint>

#include "base/result.h"
#include "host/system/file_handle.h"

namespace pixmesh {

/// Both ends of a terminal that is no device; close-on-exec, and nobody's controlling terminal.
struct PseudoTerminal {
  FileHandle ours;    // never blocks
  FileHandle theirs;  // the program's stdin, stdout and stderr
};

/// Errors: failed.
[[nodiscard]] Result<PseudoTerminal> open_pseudo_terminal(std::uint32_t rows,
                                                          std::uint32_t columns);

/// Programs at the other end are told with SIGWINCH.
void resize_terminal(int ours, std::uint32_t rows, std::uint32_t columns);

}  // namespace pixmesh

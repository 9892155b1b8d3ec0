#pragma once

#include <termios.h>

#include <optional>

#include "client/shell.h"

namespace pixmesh {

/// A terminal that passes on every key as it is, Ctrl-C too, until this object ends: then it is as
/// it was before. Signals that end a command have to come through a descriptor, or nobody would be
/// there to put it back.
class RawTerminal {
 public:
  explicit RawTerminal(int terminal);
  ~RawTerminal();
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;

 private:
  int terminal_;
  std::optional<termios> before_;
};

/// Its rows and columns; what is usual where it does not know them.
[[nodiscard]] TerminalSize size_of_terminal(int terminal);

/// A descriptor that is readable when the terminal has got another size. To be called before any
/// thread is started: it blocks SIGWINCH, which such threads are to inherit.
[[nodiscard]] int watch_terminal_size();

}  // namespace pixmesh

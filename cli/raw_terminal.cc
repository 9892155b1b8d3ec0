#include "cli/raw_terminal.h"

#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>

#include <csignal>

namespace pixmesh {

RawTerminal::RawTerminal(int terminal) : terminal_(terminal) {
  termios modes{};
  if (::tcgetattr(terminal, &modes) != 0) return;
  before_ = modes;
  ::cfmakeraw(&modes);
  (void)::tcsetattr(terminal, TCSANOW, &modes);
}

RawTerminal::~RawTerminal() {
  if (before_) (void)::tcsetattr(terminal_, TCSANOW, &*before_);
}

TerminalSize size_of_terminal(int terminal) {
  winsize size{};
  const bool known =
      ::ioctl(terminal, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0;
  return known ? TerminalSize{size.ws_row, size.ws_col} : TerminalSize{};
}

int watch_terminal_size() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGWINCH);
  (void)::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

}  // namespace pixmesh

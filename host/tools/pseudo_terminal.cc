#include "host/tools/pseudo_terminal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>

#include <cerrno>
#include <utility>

namespace pixmesh {

Result<PseudoTerminal> open_pseudo_terminal(std::uint32_t rows, std::uint32_t columns) {
  FileHandle ours(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
  if (!ours.is_open()) return system_error(errno, "open", "/dev/ptmx");
  if (::grantpt(ours.descriptor()) != 0 || ::unlockpt(ours.descriptor()) != 0) {
    return system_error(errno, "unlock", "/dev/ptmx");
  }
  // By the descriptor, not by a name: /dev/pts may be that of another mount.
  FileHandle theirs(::ioctl(ours.descriptor(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!theirs.is_open()) return system_error(errno, "open the other end of", "/dev/ptmx");
  termios modes{};
  if (::tcgetattr(theirs.descriptor(), &modes) == 0) {
    modes.c_iflag |= IUTF8;
    (void)::tcsetattr(theirs.descriptor(), TCSANOW, &modes);
  }
  resize_terminal(ours.descriptor(), rows, columns);
  return PseudoTerminal{std::move(ours), std::move(theirs)};
}

void resize_terminal(int ours, std::uint32_t rows, std::uint32_t columns) {
  winsize size{};
  size.ws_row = static_cast<unsigned short>(rows);
  size.ws_col = static_cast<unsigned short>(columns);
  (void)::ioctl(ours, TIOCSWINSZ, &size);
}

}  // namespace pixmesh

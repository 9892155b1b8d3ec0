#include "host/tools/pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace pixmesh {

Result<Pipe> open_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return system_error(errno, "pipe", "tool");
  Pipe made{FileHandle(ends[0]), FileHandle(ends[1])};
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  return made;
}

}  // namespace pixmesh

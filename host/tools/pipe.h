#pragma once

#include "base/result.h"
#include "host/system/file_handle.h"

namespace pixmesh {

struct Pipe {
  FileHandle reading;  // never blocks
  FileHandle writing;
};

/// Both ends are close-on-exec. Errors: failed.
[[nodiscard]] Result<Pipe> open_pipe();

}  // namespace pixmesh

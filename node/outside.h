#pragma once

#include <vector>

#include "base/background.h"
#include "base/disk.h"
#include "base/executor.h"
#include "base/log.h"
#include "base/transport.h"

namespace pixmesh {

/// Everything a node can do to the world. The daemon puts the operating system behind it, the
/// simulator its virtual one; both outlive the node.
struct Outside {
  Transport& transport;
  std::vector<Disk*> disks;  // image disks, by index
  Disk& state;               // identity, settings, hints; answered with index state_disk
  Executor& executor;
  Background& background;
  Log& log;
};

inline constexpr std::uint32_t state_disk = 0xffff;

}  // namespace pixmesh

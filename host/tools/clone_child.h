#pragma once

#include <sys/types.h>

namespace pixmesh {

/// A child made by clone_child; only one of `leader` and `error` is set.
struct ClonedChild {
  pid_t leader = -1;
  int descriptor = -1;  // a pidfd of it
  int error = 0;        // errno
};

/// Runs `child` in a process of its own that shares this one's memory, on a stack of its own, with
/// all signals blocked. It may only make system calls, and leaves by exec or _exit; until then the
/// calling thread waits.
///
/// @param group  the folder of a control group of version 2 in which it is born, open; -1: in the
///               caller's. Who is born there need not join it, which would cost a grace period of
///               the kernel. Requires `can_clone_into_groups`.
[[nodiscard]] ClonedChild clone_child(int (*child)(void*), void* argument, int group);

/// Whether children can be born in control groups of version 2: by clone3(2) of Linux 5.7, on
/// processors that this code knows (x86-64).
[[nodiscard]] bool can_clone_into_groups();

}  // namespace pixmesh

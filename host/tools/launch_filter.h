#pragma once

namespace pixmesh {

/// Makes system calls fail, for this task and what it starts, that no image tool needs and that
/// widen what a hijacked one could do: other users, namespaces, mounts, tracing, kernel keys and
/// programs, and sockets but those of AF_UNIX. They fail with EPERM, as if they were not allowed,
/// or ENOSYS where the C library then takes an older call.
///
/// Only system calls inside: it runs between vfork and exec. No new privileges must be set before.
/// @returns whether the filter is in place; true where the processor is none that it knows.
[[nodiscard]] bool deny_needless_calls();

}  // namespace pixmesh

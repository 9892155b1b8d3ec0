#pragma once

#include <cstdint>
#include <optional>

#include "base/log.h"
#include "base/result.h"
#include "host/config/config_file.h"
#include "host/tools/memory_groups.h"
#include "host/tools/native_workers.h"
#include "host/tools/sandbox.h"
#include "processing/lanes.h"

namespace pixmesh {

/// How many tools a node runs at a time.
[[nodiscard]] std::uint32_t workers_of(const NodeSettings& settings);

/// What the settings say of them, and the machine where they say nothing.
[[nodiscard]] LanesOptions lanes_of(const NodeSettings& settings);

/// What is around tools; nothing where the settings have it off. Errors: as Sandbox::open.
[[nodiscard]] Result<std::optional<Sandbox>> sandbox_of(const NodeSettings& settings);

/// A bound for the memory of each native worker and shell as a whole, where this machine lets the
/// node have one; the log is told where it does not.
[[nodiscard]] std::optional<MemoryGroups> memory_groups_of(Log& log);

/// The program of native workers; empty when the settings or the folder of this program have none.
[[nodiscard]] std::string native_worker_of(const NodeSettings& settings);

/// The native workers that a node starts: as many as tools run at a time, or none when the settings
/// or the folder of this program have none; the log is told of the latter.
[[nodiscard]] NativeWorkersOptions native_workers_of(const NodeSettings& settings, Log& log);

}  // namespace pixmesh

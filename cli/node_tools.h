#pragma once

#include <cstdint>

#include "base/log.h"
#include "host/config/config_file.h"
#include "host/tools/native_workers.h"

namespace pixmesh {

/// How many tools a node runs at a time.
[[nodiscard]] std::uint32_t workers_of(const NodeSettings& settings);

/// The native workers that a node starts: as many as tools run at a time, or none when the settings
/// or the folder of this program have none; the log is told of the latter.
[[nodiscard]] NativeWorkersOptions native_workers_of(const NodeSettings& settings, Log& log);

}  // namespace pixmesh

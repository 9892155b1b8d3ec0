#pragma once

#include <cstdint>
#include <filesystem>

namespace pixmesh {

/// The memory that this process may count on: that of the machine, or the limit of one of the
/// control groups it is in (version 2, or `memory` of version 1) if that is lower. Bytes; 0 when
/// nothing can be read.
/// @param root  where /proc and /sys are; tests have their own.
[[nodiscard]] std::uint64_t machine_memory(const std::filesystem::path& root = "/");

}  // namespace pixmesh

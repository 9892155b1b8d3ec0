#pragma once

#include <cstdint>
#include <filesystem>

#include "base/ids.h"
#include "base/result.h"

namespace pixmesh {

/// Reads a whole file from its device and compares it with what it should be: about 1 s a GB. What
/// the page cache has of it is dropped first, or a rotten sector behind good pages would not be
/// seen.
/// @returns Done; `corrupt`, `not_found`, or what the system says.
[[nodiscard]] Result<Done> verify_blob(const std::filesystem::path& path, std::uint64_t size,
                                       const Digest& digest);

}  // namespace pixmesh

#pragma once

#include <filesystem>

#include "base/result.h"

namespace pixmesh {

/// Writes `policy.xml` into the folder, which is made: ImageMagick reads and writes JPEG, PNG,
/// TIFF, WebP and GIF, and nothing else; no delegates, no filters, no `@file` lists. The variable
/// MAGICK_CONFIGURE_PATH makes it read the folder before its own ones.
/// Errors: failed, no_space.
[[nodiscard]] Result<Done> write_magick_policy(const std::filesystem::path& folder);

}  // namespace pixmesh

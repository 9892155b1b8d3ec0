#pragma once

#include <filesystem>

#include "base/disk.h"

namespace pixmesh {

/// Does an InspectImage. A MiB of memory, whatever the image.
/// @param path  of `asked`, absolute.
/// Errors: not_found; corrupt (a MiB that was looked at is not there or has another checksum);
/// failed.
[[nodiscard]] Result<ImageHeader> inspect_image(const std::filesystem::path& path,
                                                const InspectImage& asked);

}  // namespace pixmesh
